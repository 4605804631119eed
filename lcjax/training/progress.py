"""What a run says while it works: metrics.jsonl, TensorBoard files, a live bar or plain lines."""

import json
import math
import os
import time
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from lcjax.training.checkpoint import storage_guard


class MetricsLog:
    """Appends to `metrics.jsonl` (one JSON object a line) and to TensorBoard files.

    Every line has `step`, `split`, `loss`, further metrics, `wall_time` (Unix seconds) and, for training,
    `points_per_second` (observed points, padding not counted). On resume, lines later than the checkpoint go, so that an
    interrupted run leaves the same lines as an uninterrupted one.
    """

    def __init__(self, workdir: Path, resumed_step: int) -> None:
        """Opens the log at `resumed_step` finished updates."""
        from tensorboardX import SummaryWriter

        self.path = Path(workdir) / "metrics.jsonl"
        with storage_guard(self.path):
            self._truncate(resumed_step)
            self._file = open(self.path, "a")
            self._board = SummaryWriter(str(Path(workdir) / "tensorboard"), purge_step=resumed_step + 1)

    def _truncate(self, step: int) -> None:
        if not self.path.exists():
            return
        kept = [line for line in self.path.read_text().splitlines() if _line_step(line) <= step]
        temporary = self.path.with_suffix(".partial")
        temporary.write_text("".join(f"{line}\n" for line in kept))
        os.replace(temporary, self.path)

    def write(self, step: int, split: str, values: dict[str, float]) -> None:
        """Adds one line."""
        clean = {k: (v if math.isfinite(v) else None) for k, v in values.items()}
        record = {"step": step, "split": split, **clean, "wall_time": round(time.time(), 3)}
        with storage_guard(self.path):
            self._file.write(json.dumps(record) + "\n")
            self._file.flush()
            for name, value in values.items():
                self._board.add_scalar(f"{split}/{name}", value, step)

    def close(self) -> None:
        """Flushes everything to disk."""
        with storage_guard(self.path):
            self._file.close()
            self._board.close()


def _line_step(line: str) -> float:
    try:
        return json.loads(line)["step"]
    except (ValueError, KeyError, TypeError):
        return math.inf  # a torn line


def read_metrics(workdir: Path | str, split: str | None = None) -> list[dict[str, Any]]:
    """The lines of a workdir's `metrics.jsonl`, optionally of one split."""
    path = Path(workdir) / "metrics.jsonl"
    rows = [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
    return [row for row in rows if split is None or row["split"] == split]


class ProgressDisplay:
    """A live bar on a terminal, plain lines elsewhere: rate, observed points a second, time left, loss."""

    def __init__(self, total: int, start: int, quiet: bool = False) -> None:
        """Shows updates `start` to `total`."""
        self.console = Console(stderr=True, quiet=quiet)
        self._live = None
        self._total = total
        if self.console.is_terminal and not quiet:
            columns = (
                TextColumn("[bold cyan]{task.description}"),
                BarColumn(),
                TextColumn("{task.completed}/{task.total}"),
                TimeElapsedColumn(),
                TextColumn("left"),
                TimeRemainingColumn(),
                TextColumn("{task.fields[note]}"),
            )
            self._live = Progress(*columns, console=self.console)
            self._live.start()
            self._task = self._live.add_task("training", total=total, completed=start, note="compiling ...")

    def advance(self, step: int) -> None:
        """Moves the bar."""
        if self._live:
            self._live.update(self._task, completed=step)

    def report(self, step: int, split: str, values: dict[str, float]) -> None:
        """Shows the newest numbers."""
        rate = values.get("points_per_second")
        speed = f" | {_thousands(rate)} points/s" if rate else ""
        shown = "  ".join(f"{k} {values[k]:.4f}" for k in ("loss", "rmse", "r2") if k in values)
        if self._live:
            if split == "train":
                self._live.update(self._task, completed=step, note=f"{shown}{speed}")
            else:
                self._live.console.print(f"[dim]step {step}[/] {split}: {shown}", highlight=False)
        else:
            left = f" | {values['seconds_left']:.0f} s left" if "seconds_left" in values else ""
            self.console.print(f"step {step}/{self._total} {split}: {shown}{speed}{left}", highlight=False)

    def say(self, text: str) -> None:
        """Prints one line without disturbing the bar."""
        (self._live.console if self._live else self.console).print(text, highlight=False)

    def close(self) -> None:
        """Leaves the terminal in order."""
        if self._live:
            self._live.stop()


def _thousands(value: float) -> str:
    return f"{value / 1e6:.2f}M" if value >= 1e6 else f"{value / 1e3:.1f}k" if value >= 1e3 else f"{value:.0f}"
