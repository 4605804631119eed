"""What a run says while it works: metrics.jsonl, TensorBoard files, a live bar or plain lines."""

import json
import math
import time
import warnings
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from lcjax.files import storage_errors, write_text
from lcjax.training.checkpoint_io import ADVICE
from lcjax.training.task import ROWS


class MetricsLog:
    """Appends to `metrics.jsonl` (one JSON object a line) and to TensorBoard files.

    Every line has `step` (finished updates), `split` (`train` or `validation`), the task's metrics, `wall_time` (Unix
    seconds) and a rate, such as `points_per_second` (padding not counted; the first train line of a process includes
    compilation). Train lines are means over the updates since the line before. A value that is not finite is
    null, and no event. On resume, lines later than the checkpoint go, so that an interrupted run leaves the lines of an
    uninterrupted one.
    """

    def __init__(self, workdir: Path, resumed_step: int) -> None:
        """Opens the log at `resumed_step` finished updates."""
        self.path = Path(workdir) / "metrics.jsonl"
        with storage_errors(self.path, ADVICE):
            self._truncate(resumed_step)
            self._file = open(self.path, "a")  # noqa: SIM115 - lives as long as the run
            self._board = _TensorBoard(Path(workdir) / "tensorboard", resumed_step)

    def _truncate(self, step: int) -> None:
        if not self.path.exists():
            return
        kept = [line for line in self.path.read_text(errors="replace").splitlines() if _line_step(line) <= step]
        write_text(self.path, "".join(f"{line}\n" for line in kept), ADVICE)

    def write(self, step: int, split: str, values: dict[str, float]) -> None:
        """Adds one line."""
        now = time.time()
        clean = {k: (v if math.isfinite(v) else None) for k, v in values.items()}
        record = {"step": step, "split": split, **clean, "wall_time": round(now, 3)}
        with storage_errors(self.path, ADVICE):
            self._file.write(json.dumps(record) + "\n")
            self._file.flush()
            shown = {f"{split}/{name}": value for name, value in clean.items() if value is not None}
            self._board.write(step, shown, now)

    def close(self) -> None:
        """Closes both files."""
        with storage_errors(self.path, ADVICE):
            self._file.close()
            self._board.close()


class _TensorBoard:
    """Scalars as TensorBoard events, written at once: tensorboardX's own writer thread hides a full disk."""

    def __init__(self, folder: Path, resumed_step: int) -> None:
        from tensorboardX.event_file_writer import EventsWriter
        from tensorboardX.proto.event_pb2 import Event, SessionLog
        from tensorboardX.summary import scalar

        folder.mkdir(parents=True, exist_ok=True)
        self._event, self._scalar = Event, scalar
        self._writer = EventsWriter(str(folder / "events"), "")
        # Tells TensorBoard to forget what a killed run wrote beyond its checkpoint.
        log = SessionLog(status=SessionLog.START)
        self._writer.write_event(Event(step=resumed_step + 1, wall_time=time.time(), session_log=log))

    def write(self, step: int, values: dict[str, float], wall_time: float) -> None:
        for name, value in values.items():
            summary = self._scalar(name, value)
            self._writer.write_event(self._event(step=step, wall_time=wall_time, summary=summary))
        self._writer.flush()

    def close(self) -> None:
        self._writer.close()


def _line_step(line: str) -> float:
    try:
        return float(json.loads(line)["step"])
    except (ValueError, KeyError, TypeError, RecursionError, OverflowError):
        return math.inf  # a torn line


def read_metrics(workdir: Path | str, split: str | None = None) -> list[dict[str, Any]]:
    """The lines of a workdir's `metrics.jsonl`, optionally of one split; torn or damaged ones are left out with a warning."""
    path = Path(workdir) / "metrics.jsonl"
    lines = path.read_text(errors="replace").splitlines() if path.exists() else []
    rows = [row for row in map(_parsed_line, lines) if row is not None]
    if len(rows) < len(lines):
        warnings.warn(f"left out {len(lines) - len(rows)} of {len(lines)} lines of '{path}': damaged", stacklevel=2)
    return [row for row in rows if split is None or row["split"] == split]


def _parsed_line(line: str) -> dict[str, Any] | None:
    """A line with its step and split; None: it is not whole."""
    try:
        row = json.loads(line)
        return row if isinstance(row["split"], str) and math.isfinite(row["step"]) else None
    except (ValueError, KeyError, TypeError, RecursionError, OverflowError):
        return None


class ProgressDisplay:
    """A live bar on a terminal, plain lines elsewhere: updates a second, work a second, time left, metrics."""

    def __init__(self, total: int, quiet: bool = False, headline: tuple[str, ...] = (), unit: str = ROWS.unit) -> None:
        """Shows the way to `total` updates on stderr.

        Args:
          total: updates. quiet: says nothing. headline, unit: of the task (`Task.headline`, `Task.work`).
        """
        self._headline, self._unit = headline, unit
        self.console = Console(stderr=True, quiet=quiet, soft_wrap=True)
        self._live: Progress | None = None
        self._total, self._step = total, 0
        self._first: tuple[float, int] | None = None

    def start(self, step: int) -> None:
        """Training begins, at `step` finished updates."""
        self._step = step
        if not self.console.is_terminal or self.console.quiet:
            return
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
        self._task = self._live.add_task("training", total=self._total, completed=step, note="compiling ...")

    def advance(self, step: int, total: int | None = None) -> None:
        """Moves the bar; `total`: updates of the run, where they have become more."""
        self._step, self._total = step, total or self._total
        if self._first is None:
            self._first = (time.monotonic(), step)  # the first dispatch holds the compilation
        if self._live:
            self._live.update(self._task, completed=step, total=self._total)

    def report(self, step: int, split: str, values: dict[str, float]) -> None:
        """Shows the newest numbers."""
        names = [name for name in self._headline if name in values] or [
            name for name in values if name != rate_name(self._unit)
        ][:3]
        shown = "  ".join(f"{name} {values[name]:.4f}" for name in names)
        if split != "train":
            self.say(f"step {step} {split}: {shown}")
            return
        rate = self._rate()
        speed = f" | {rate:.3g} updates/s" if rate else ""
        if work := values.get(rate_name(self._unit)):
            speed += f" | {_thousands(work)} {self._unit}/s"
        if self._live:
            self._live.update(self._task, completed=step, note=f"{shown}{speed}")
        else:
            left = f" | {_duration((self._total - step) / rate)} left" if rate and step < self._total else ""
            self.say(f"step {step}/{self._total} {split}: {shown}{speed}{left}")

    def _rate(self) -> float:
        if self._first is None or self._step <= self._first[1]:
            return 0.0
        return (self._step - self._first[1]) / max(time.monotonic() - self._first[0], 1e-9)

    def say(self, text: str) -> None:
        """Prints one line without disturbing the bar."""
        (self._live.console if self._live else self.console).print(text, highlight=False, markup=False)

    def close(self) -> None:
        """Leaves the terminal in order."""
        if self._live:
            self._live.stop()


def rate_name(unit: str) -> str:
    """What the log calls a rate.

    >>> rate_name("points")
    'points_per_second'
    """
    return f"{unit}_per_second"


def _thousands(value: float) -> str:
    if value < 1e3:
        return f"{value:.0f}"
    return f"{value / 1e6:.2f}M" if value >= 1e6 else f"{value / 1e3:.1f}k"


def _duration(seconds: float) -> str:
    """Seconds as m:ss or h:mm:ss.

    >>> _duration(75), _duration(3700)
    ('1:15', '1:01:40')
    """
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{seconds:02d}" if hours else f"{minutes}:{seconds:02d}"
