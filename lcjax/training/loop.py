"""The train loop, top to bottom: place state, resume, feed, watch, evaluate, save, leave in order.

Exact resume rests on three things: keys are folded from the step, the reader restarts from (epoch, batch), and the
checkpoint holds the rest (weights, moments, counters, running sums of the next log line).
"""

import contextlib
import dataclasses
import time
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jax
import numpy as np

from lcjax.configs import Experiment
from lcjax.errors import TrainingError
from lcjax.tasks.base import Task
from lcjax.training.checkpoint import CheckpointStore, save_variables, storage_guard
from lcjax.training.compilation import enable_compile_cache
from lcjax.training.interruptions import StopRequest, Watchdog
from lcjax.training.optimizers import build_optimizer
from lcjax.training.parallel import JitLayout, PmapLayout
from lcjax.training.progress import MetricsLog, ProgressDisplay
from lcjax.training.source import Prefetch, Source, device_part
from lcjax.training.state import init_state
from lcjax.training.step import make_evaluation, make_update
from lcjax.training.workdir import check_same_run, write_config
from lcjax.typing import PyTree

IN_FLIGHT = 2
"""Dispatches queued before the host waits: enough to hide the host, few enough to stay in step with the others."""


@dataclasses.dataclass
class FitResult:
    """How a run ended."""

    status: str
    """`finished`, `already finished`, `early stopped` or `preempted` (resume with the same command)."""
    step: int
    bad_steps: int
    best: dict[str, float]
    """Validation metrics of the best evaluation, with its `step`."""
    seconds: float


@dataclasses.dataclass
class Progress:
    """Host-side counters that a checkpoint carries as JSON."""

    position: tuple[int, int] = (0, 0)
    sums: dict[str, list[float]] = dataclasses.field(default_factory=dict)
    best: dict[str, float] = dataclasses.field(default_factory=dict)
    evaluations_since_best: int = 0
    stopped: bool = False


def fit(
    task: Task,
    experiment: Experiment,
    train_source: Source,
    validation_source: Source | None,
    workdir: Path | str,
    *,
    config_record: dict[str, Any],
    initial_variables: PyTree | None = None,
    quiet: bool = False,
) -> FitResult:
    """Trains `task` in `workdir`, or goes on where an interrupted run left off.

    Args:
      task: what to train. experiment: its settings. train_source, validation_source: this process's share of the data.
      config_record: what `config.json` will hold (`lcjax.training.workdir.experiment_record`).
      initial_variables: start of a fine-tuning run; ignored when a checkpoint exists.

    Raises:
      ConfigError: the workdir holds another run. CheckpointError: no checkpoint in it can be read.
      TrainingError: too many non-finite steps in a row. StorageError: the workdir cannot be written.
    """
    started = time.monotonic()
    workdir, training = Path(workdir), experiment.training
    chief = jax.process_index() == 0
    jax.config.update("jax_debug_nans", training.debug_nans)
    enable_compile_cache()
    check_same_run(workdir, config_record)
    if chief:
        write_config(workdir, config_record)

    # --- state and compiled functions
    width = getattr(getattr(experiment, "model", None), "width", None)
    optimizer = build_optimizer(experiment.optimizer, training.steps, width)
    mapped = training.parallel == "pmap"
    layout = PmapLayout(training.batch_size) if mapped else JitLayout(training.mesh, training.batch_size)
    key = jax.random.fold_in(jax.random.key(training.seed), 0x7FFFFFFE)
    make_state = lambda: init_state(task, optimizer, key, training.ema_decay is not None, initial_variables)
    state = layout.init(make_state)
    run = layout.compile(make_update(task, optimizer, training.seed, training.ema_decay, mapped))
    evaluate = layout.evaluator(make_evaluation(task, training.seed))

    # --- resume
    store = CheckpointStore(workdir, training.keep_checkpoints)
    step, progress = 0, Progress()
    restored = store.restore_newest(jax.eval_shape(make_state))
    if restored is not None:
        host_state, record = restored
        state, step = layout.to_device(host_state), record["step"]
        progress = Progress(**record["progress"])
        progress.position = tuple(progress.position)
    if step >= training.steps or progress.stopped:
        bad = int(restored[0].bad_steps) if restored else 0
        return FitResult("already finished", step, bad, progress.best, time.monotonic() - started)

    with contextlib.ExitStack() as stack:
        display = ProgressDisplay(training.steps, step, quiet or not chief)
        stack.callback(display.close)
        log = _open_log(workdir, step, chief)
        stack.callback(log.close)
        stop = stack.enter_context(StopRequest())
        watchdog = Watchdog()
        stack.callback(watchdog.close)
        if step:
            display.say(f"resuming '{workdir}' after {step} of {training.steps} updates")
        reader = Prefetch(train_source.train_batches(*progress.position))
        stack.callback(reader.close)
        run_state = _Run(task, training, workdir, log, display, progress, layout)

        pending, status = next(reader), "finished"
        in_flight: deque = deque()
        while step < training.steps:
            # --- one dispatch: up to k updates, never across a place where the host has something to do
            count = _updates_until_stop(step, training)
            batches, hosts = [], []
            for _ in range(count * training.accumulate):
                batches.append(device_part(pending[1]))
                hosts.append(pending[1])
                pending = next(reader)
            progress.position = tuple(pending[0])
            stacked = stack_batches(batches, count, training.accumulate)
            state, out = run(state, layout.put(stacked))
            in_flight.append((step, count, out, stacked))
            step += count
            while len(in_flight) > IN_FLIGHT:
                run_state.absorb(in_flight.popleft())
            watchdog.step_finished()
            display.advance(step)

            # --- log, evaluate, save
            at = lambda every: step % every == 0 or step == training.steps
            stopping = stop(step)
            if not (at(training.log_every) or at(training.evaluate_every) or at(training.checkpoint_every) or stopping):
                continue
            while in_flight:
                run_state.absorb(in_flight.popleft())
            if at(training.log_every):
                run_state.log_training(step)
            if validation_source is not None and at(training.evaluate_every):
                run_state.validate(step, state, evaluate, validation_source)
                watchdog.step_finished()
            if progress.stopped:
                status = "early stopped"
            if at(training.checkpoint_every) or stopping or progress.stopped:
                run_state.save(step, state, store)
            if progress.stopped:
                break
            if stopping and step < training.steps:
                display.say(f"asked to stop: saved after {step} updates; the same command goes on from there")
                status = "preempted"
                break
        bad_steps = int(layout.to_host(state.bad_steps))
    return FitResult(status, step, bad_steps, progress.best, time.monotonic() - started)


def _updates_until_stop(step: int, training: Any) -> int:
    marks = [training.log_every, training.evaluate_every, training.checkpoint_every]
    room = min([every - step % every for every in marks] + [training.steps - step])
    return min(training.steps_per_dispatch, room)


def stack_batches(batches: list[dict[str, np.ndarray]], steps: int, accumulate: int) -> dict[str, np.ndarray]:
    """Batches -> arrays (steps, accumulate, rows, ...), shorter windows padded to the longest of the group."""
    names = batches[0].keys()
    if len(batches) > 1:
        lengths = {name: max(b[name].shape[1] for b in batches) for name in names if batches[0][name].ndim > 1}
        batches = [{n: _pad_axis1(b[n], lengths[n]) if n in lengths else b[n] for n in names} for b in batches]
    return {n: np.stack([b[n] for b in batches]).reshape(steps, accumulate, *batches[0][n].shape) for n in names}


def _pad_axis1(x: np.ndarray, length: int) -> np.ndarray:
    if x.shape[1] == length:
        return x
    return np.pad(x, [(0, 0), (0, length - x.shape[1])] + [(0, 0)] * (x.ndim - 2))


class _NoLog:
    """The log of every process but the first."""

    def write(self, step: int, split: str, values: dict[str, float]) -> None:
        pass

    def close(self) -> None:
        pass


def _open_log(workdir: Path, step: int, chief: bool) -> Any:
    return MetricsLog(workdir, step) if chief else _NoLog()


@dataclasses.dataclass
class _Run:
    """The host's side of a run: running sums, guards, evaluation, saving."""

    task: Task
    training: Any
    workdir: Path
    log: Any
    display: ProgressDisplay
    progress: Progress
    layout: Any

    def __post_init__(self) -> None:
        self._clock, self._points = time.monotonic(), 0.0
        self._first_step: int | None = None

    def absorb(self, dispatch: tuple[int, int, dict, dict[str, np.ndarray]]) -> None:
        """Waits for a dispatch, adds its metrics to the running sums, deals with bad steps."""
        start, count, out, stacked = dispatch
        sums = {k: (np.asarray(a, np.float64), np.asarray(w, np.float64)) for k, (a, w) in out["sums"].items()}
        scalars = {k: np.asarray(v) for k, v in out["scalars"].items()}
        if "length" in stacked:
            weight = stacked.get("weight", np.ones(1))
            self._points += float(np.sum(stacked["length"] * (weight > 0))) * jax.process_count()
        for i in range(count):
            if not scalars["good"][i]:
                self._set_aside(start + i, {k: v[i] for k, v in stacked.items()})
                self._add("bad_steps", 1.0, 0.0)
                if scalars["bad_in_row"][i] >= self.training.max_bad_steps:
                    raise TrainingError(
                        f"{self.training.max_bad_steps} steps in a row had a loss or gradient that is not finite, the last "
                        f"at step {start + i + 1}; the batches are in '{self.workdir / 'bad_batches'}', the weights of the last "
                        "checkpoint are sound: lower --optimizer.learning-rate or look at those batches"
                    )
                continue
            for name, (total, weight) in sums.items():
                self._add(name, float(total[i]), float(weight[i]))
            self._add("gradient_norm", float(scalars["gradient_norm"][i]), 1.0)

    def _add(self, name: str, total: float, weight: float) -> None:
        entry = self.progress.sums.setdefault(name, [0.0, 0.0])
        entry[0] += total
        entry[1] += weight

    def _set_aside(self, step: int, batch: dict[str, np.ndarray]) -> None:
        folder = self.workdir / "bad_batches"
        path = folder / f"step_{step + 1:08d}_process_{jax.process_index()}.npz"
        with storage_guard(path):
            folder.mkdir(parents=True, exist_ok=True)
            np.savez(path, **batch)
        self.display.say(f"step {step + 1}: loss or gradient not finite; weights kept, batch written to {path}")

    def log_training(self, step: int) -> None:
        """Writes one train line and starts new sums."""
        sums, self.progress.sums = self.progress.sums, {}
        bad = sums.pop("bad_steps", [0.0, 0.0])[0]
        values = self._summary(sums)
        elapsed = max(time.monotonic() - self._clock, 1e-9)
        if bad:
            values["bad_steps"] = bad
        values["points_per_second"] = round(self._points / elapsed, 1)
        self._clock, self._points = time.monotonic(), 0.0
        self.log.write(step, "train", values)
        self.display.report(step, "train", values)

    def _summary(self, sums: dict[str, list[float]]) -> dict[str, float]:
        sums = dict(sums)
        norm = sums.pop("gradient_norm", None)
        means = {name: total / weight if weight else float("nan") for name, (total, weight) in sums.items()}
        values = self.task.summarize(means) if means else {"loss": float("nan")}
        if norm and norm[1]:
            values["gradient_norm"] = norm[0] / norm[1]
        return values

    def validate(self, step: int, state: PyTree, evaluate: Any, source: Source) -> None:
        """One pass over validation; remembers the best and how long ago it was."""
        before = time.monotonic()
        variables = evaluate.prepare(state)
        sums: dict[str, list[float]] = {}
        for index, batch in enumerate(_limited(source.evaluation_batches(), self.training.evaluate_batches)):
            for name, (total, weight) in evaluate(variables, device_part(batch), index).items():
                entry = sums.setdefault(name, [0.0, 0.0])
                entry[0] += float(total)
                entry[1] += float(weight)
        values = self._summary(sums)
        self.log.write(step, "validation", values)
        self.display.report(step, "validation", values)
        self._remember_best(step, values, state)
        self._clock += time.monotonic() - before  # evaluation is not training time

    def _remember_best(self, step: int, values: dict[str, float], state: PyTree) -> None:
        progress, monitor = self.progress, self.training.monitor
        sign, name = (-1.0, monitor[1:]) if monitor.startswith("-") else (1.0, monitor)
        if name not in values:
            raise TrainingError(f"--training.monitor '{name}' is no validation metric: there are {', '.join(values)}")
        improved = np.isfinite(values[name]) and (
            name not in progress.best or sign * values[name] < sign * progress.best[name]
        )
        if improved:
            progress.best, progress.evaluations_since_best = {"step": step, **values}, 0
            host = self.layout.to_host(state)
            if jax.process_index() == 0:
                save_variables(self.workdir / "best", host.variables, {"step": step})
            return
        progress.evaluations_since_best += 1
        patience = self.training.patience
        if patience is not None and progress.evaluations_since_best >= patience:
            progress.stopped = True
            self.display.say(
                f"no improvement in {patience} evaluations: stopped after {step} updates; best weights, of step "
                f"{progress.best.get('step')}, are in '{self.workdir / 'best'}'"
            )

    def save(self, step: int, state: PyTree, store: CheckpointStore) -> None:
        """Writes a checkpoint; every process takes part in gathering, the first one writes."""
        host = self.layout.to_host(state)
        if jax.process_index() == 0:
            store.save(step, host, {"progress": dataclasses.asdict(self.progress)})
        if jax.process_count() > 1:
            from jax.experimental import multihost_utils

            multihost_utils.sync_global_devices(f"checkpoint {step}")


def _limited(batches: Iterator[dict], limit: int | None) -> Iterator[dict]:
    for index, batch in enumerate(batches):
        if limit is not None and index >= limit:
            return
        yield batch
