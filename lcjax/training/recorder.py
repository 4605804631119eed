"""The host's side of a run: running sums, the log, bad batches, the best evaluation and when to stop."""

import dataclasses
import time
from pathlib import Path
from typing import Any

import jax
import numpy as np

from lcjax.configs import TrainingConfig
from lcjax.errors import CheckpointError, ConfigError, TrainingError
from lcjax.files import storage_errors
from lcjax.schema import Whole, check_value, parsed
from lcjax.training.checkpoint_io import ADVICE
from lcjax.training.progress import MetricsLog, ProgressDisplay, rate_name
from lcjax.training.task import Task
from lcjax.training.tree_paths import path_name
from lcjax.typing import Batch

_NO_DIGITS = str.maketrans("", "", "0123456789.")


@dataclasses.dataclass
class Progress:
    """Host-side counters that a checkpoint carries as JSON (whose floats are exact)."""

    position: tuple[int, int] = (0, 0)
    """(epoch, batch) of the next training batch."""
    sums: dict[str, list[float]] = dataclasses.field(default_factory=dict)
    """Metric sums and weights since the last train line."""
    best: dict[str, float] = dataclasses.field(default_factory=dict)
    """Validation metrics of the best evaluation, with its `step`."""
    evaluations_since_best: int = 0
    improved_step: int = 0
    """Of the last evaluation with a better monitored metric than all before; 0 in checkpoints from when `best` alone said it."""

    def last_step(self, training: TrainingConfig) -> int:
        """Updates of the whole run, as far as is known by now."""
        if training.extend is None:
            return training.steps
        return max(training.steps, (self.improved_step or int(self.best.get("step", 0))) + training.extend)

    def stopped(self, patience: int | None) -> bool:
        """True once `patience` evaluations in a row brought nothing better."""
        return patience is not None and self.evaluations_since_best >= patience


def saved_progress(record: dict[str, Any], workdir: Path) -> tuple[int, Progress]:
    """Finished updates and counters of a checkpoint's record.

    Raises:
      CheckpointError: they are not there or of other types.
    """
    try:
        check_value(Whole, record.get("step"), "step")
        return record["step"], parsed(Progress, record.get("progress"), "progress")
    except ConfigError as error:
        raise CheckpointError(f"the checkpoint in '{workdir}' is not of this program: {error}") from error


@dataclasses.dataclass
class Dispatch:
    """One call of the compiled step that may still be running."""

    start: int  #: finished updates before it
    batches: list[list[Batch]]  #: per update, the batches it averages over, host-only entries included
    out: dict[str, Any]  #: per-update metrics, on the device


class Recorder:
    """Takes finished dispatches and evaluations in, gives log lines and decisions out."""

    def __init__(
        self,
        task: Task,
        training: TrainingConfig,
        workdir: Path,
        progress: Progress,
        log: MetricsLog | None,
        display: ProgressDisplay,
    ) -> None:
        """`log` is None in every process but the first."""
        self._task, self._training, self._workdir = task, training, workdir
        self._progress, self._log, self._display = progress, log, display
        self._clock, self._done = time.monotonic(), 0.0
        self._warned: set[str] = set()
        self._rate_name = rate_name(task.work.unit)

    def absorb(self, dispatch: Dispatch) -> None:
        """Waits for a dispatch, adds its metrics to the running sums, deals with bad steps.

        Raises:
          TrainingError: too many bad steps in a row.
        """
        sums, scalars = jax.tree.map(_local, (dispatch.out["sums"], dispatch.out["scalars"]))
        for i, batches in enumerate(dispatch.batches):
            self._done += sum(map(self._task.work.count, batches)) * jax.process_count()
            if not scalars["good"][i]:
                for name in sums:
                    self._add(name, 0.0, 0.0)  # a line of bad steps alone has its metrics, without a value
                self._bad_step(dispatch.start + i + 1, batches, int(scalars["bad_in_row"][i]))
                continue
            for name, (total, weight) in sums.items():
                self._add(name, float(total[i]), float(weight[i]))
            self._add("gradient_norm", float(scalars["gradient_norm"][i]), 1.0)

    def _add(self, name: str, total: float, weight: float) -> None:
        entry = self._progress.sums.setdefault(name, [0.0, 0.0])
        entry[0] += total
        entry[1] += weight

    def _bad_step(self, step: int, batches: list[Batch], in_row: int) -> None:
        self._add("bad_steps", 1.0, 0.0)
        folder = self._workdir / "bad_batches"
        rank = f"_process_{jax.process_index()}" if jax.process_count() > 1 else ""
        path = folder / f"step_{step}{rank}.npz"
        with storage_errors(path, ADVICE):
            folder.mkdir(parents=True, exist_ok=True)
            np.savez(path, **_one_table(batches))
        self._display.say(f"step {step}: loss or gradient not finite; weights kept, batch written to '{path}'")
        if in_row >= self._training.max_bad_steps:
            raise TrainingError(
                f"loss or gradient was not finite in {in_row} steps in a row, the last at step {step}: look at the "
                f"batches in '{folder}' or lower --optimizer.learning-rate (the last checkpoint is sound)"
            )

    def log_training(self, step: int) -> None:
        """Writes one train line and starts new sums."""
        sums, self._progress.sums = self._progress.sums, {}
        bad = sums.pop("bad_steps", [0.0, 0.0])[0]
        values = self._summary(sums)
        if bad:
            values["bad_steps"] = bad
        values[self._rate_name] = _rate(self._done, time.monotonic() - self._clock)
        self.restart_clock()
        self._write(step, "train", values)

    def restart_clock(self) -> None:
        """What follows counts towards the next train line's rate; evaluation and saving do not."""
        self._clock, self._done = time.monotonic(), 0.0

    def pause_clock(self, seconds: float) -> None:
        """Takes `seconds` of other work out of the next train line's rate."""
        self._clock += seconds

    def log_validation(self, step: int, sums: dict[str, list[float]], work: float, seconds: float) -> bool:
        """Writes one validation line; True if it is the best so far."""
        values = self._summary(sums)
        self._write(step, "validation", {**values, self._rate_name: _rate(work, seconds)})
        return self._is_best(step, values)

    def _write(self, step: int, split: str, values: dict[str, float]) -> None:
        if self._log:
            self._log.write(step, split, values)
        self._display.report(step, split, values)
        for text in self._task.warnings(split, values):
            kind = text.translate(_NO_DIGITS)  # the same warning with other numbers is old news
            if kind not in self._warned:
                self._warned.add(kind)
                self._display.say(f"warning at step {step} ({split}): {text}")

    def _summary(self, sums: dict[str, list[float]]) -> dict[str, float]:
        sums = dict(sums)
        norm = sums.pop("gradient_norm", None)
        means = {name: total / weight if weight else float("nan") for name, (total, weight) in sums.items()}
        values = dict(self._task.summarize(means))
        if norm:
            values["gradient_norm"] = norm[0] / norm[1]
        return values

    def _is_best(self, step: int, values: dict[str, float]) -> bool:
        progress, monitor = self._progress, self._training.monitor
        sign, name = (-1.0, monitor[1:]) if monitor.startswith("-") else (1.0, monitor)
        if name not in values:
            raise ConfigError(f"--training.monitor '{name}' is no validation metric: there are {', '.join(values)}")
        best, first = progress.best.get(name), next(iter(self._task.headline), name)
        better = np.isfinite(values[name]) and (best is None or sign * values[name] < sign * best)
        # Few validation rows have few values of an accuracy: weights that know nothing yet must not stay the best by being first.
        tied = values[name] == best and values.get(first, np.inf) < progress.best.get(first, np.inf)
        progress.evaluations_since_best = 0 if better else progress.evaluations_since_best + 1
        progress.improved_step = step if better else progress.improved_step
        if better or tied:
            progress.best = {"step": step, **{k: v for k, v in values.items() if np.isfinite(v)}}
        return bool(better or tied)


def _local(x: jax.Array) -> np.ndarray:
    return np.asarray(x.addressable_data(0), np.float64)


def _rate(points: float, seconds: float) -> float:
    return round(points / max(seconds, 1e-9), 1)


def _one_table(batches: list[Batch]) -> dict[str, np.ndarray]:
    """Entries of the batches of one update under one path each; without pickle, so text stays text."""
    table = {}
    for index, batch in enumerate(batches):
        for path, value in jax.tree_util.tree_leaves_with_path(batch):
            name, value = path_name(path), np.asarray(value)
            value = value.astype(np.str_) if value.dtype == object else value
            table[name if len(batches) == 1 else f"{name}_{index}"] = value
    return table
