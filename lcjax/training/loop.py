"""The train loop, top to bottom: place state, resume, feed, watch, evaluate, save, leave in order.

Exact resume rests on three things: keys are folded from the step, the reader restarts from (epoch, batch), and the
checkpoint holds the rest (weights, moments, counters, running sums of the next log line).
"""

import contextlib
import dataclasses
import itertools
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import numpy as np

from lcjax.configs import Experiment, TrainingConfig
from lcjax.errors import CheckpointError
from lcjax.training.checkpoint import CheckpointStore, save_variables, warn
from lcjax.training.compilation import enable_compile_cache
from lcjax.training.feed import Feeder, Prefetch, stack_updates
from lcjax.training.interruptions import StopRequest, Watchdog
from lcjax.training.occupancy import mark_finished, mark_unfinished, occupied
from lcjax.training.parallel import Evaluator, JitLayout, PmapLayout, make_layout
from lcjax.training.progress import MetricsLog, ProgressDisplay
from lcjax.training.recorder import Dispatch, Progress, Recorder, saved_progress
from lcjax.training.source import Source, check_reaches_device, device_part
from lcjax.training.state import TrainState, init_state, start_from
from lcjax.training.step import make_evaluation, make_update
from lcjax.training.task import Task, WorkUnit
from lcjax.training.updates import task_optimizers
from lcjax.training.workdir import check_same_run, write_config
from lcjax.typing import PyTree

IN_FLIGHT = 2
"""Dispatches queued before the host waits: enough to hide the host, few enough to stay in step with others."""


@dataclasses.dataclass(frozen=True)
class FitResult:
    """How a run ended."""

    status: str
    """`finished`, `already finished`, `early stopped` or `preempted` (resume with the same command)."""
    step: int
    """Finished updates, bad ones counted."""
    bad_steps: int
    best: dict[str, float]
    """Validation metrics of the best evaluation, with its `step`; its weights are in `best/`."""
    seconds: float
    """Wall time of this call."""
    compilations: int = 0
    """Shapes the train step was compiled for."""


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
      task: what to train.
      experiment: its settings.
      train_source: this process's share of the training data.
      validation_source: likewise for evaluations; None: no evaluations, no early stopping, no `best/`.
      workdir: made if missing; holds `config.json`, `metrics.jsonl`, `tensorboard/`, `checkpoints/`, `best/`, and until
        the run has come to its end `unfinished.json`.
      config_record: what `config.json` will hold (`lcjax.training.workdir.experiment_record`).
      initial_variables: start of a fine-tuning run; ignored when a checkpoint exists.
      quiet: no progress display.

    Raises:
      ConfigError: the workdir holds another run, another training is at work there, or the task's updates do not fit
        together.
      DataError: the training data ends, is damaged, or lacks what the task takes.
      WeightsError: `initial_variables` do not fit the model.
      CheckpointError: there are checkpoints and none can be read.
      TrainingError: too many non-finite steps in a row.
      StorageError: the workdir cannot be written.
    """
    started = time.monotonic()
    workdir, training = Path(workdir), experiment.training
    chief = jax.process_index() == 0
    enable_compile_cache()
    config_record = _with_fingerprints(config_record, train_source, validation_source)

    with contextlib.ExitStack() as stack:
        if chief:
            stack.enter_context(occupied(workdir))
        check_same_run(workdir, config_record)
        stop = stack.enter_context(StopRequest())
        stack.enter_context(jax.debug_nans(training.debug_nans))
        if chief:
            write_config(workdir, config_record)
        display = ProgressDisplay(training.steps, quiet or not chief, task.headline, task.work.unit)
        stack.callback(display.close)

        # --- where the run stands
        optimizers = task_optimizers(task, experiment.optimizer, training.steps)
        key = jax.random.fold_in(jax.random.key(training.seed), 0x7FFFFFFE)
        make_state = lambda: init_state(task, optimizers, key, training.ema_decay is not None)
        shapes = jax.eval_shape(make_state)
        store = CheckpointStore(workdir, training.keep_checkpoints)
        restored = store.restore_newest(shapes, warn if quiet else display.say)
        step, progress = saved_progress(restored[1], workdir) if restored else (0, Progress())
        _same_everywhere(step, workdir)
        if chief:
            store.clean(step)
        last = progress.last_step(training)
        if restored and (step >= last or progress.stopped(training.patience)):
            display.say(f"'{workdir}' is finished: {step} updates; more --training.steps or a new --workdir go on")
            if chief:
                mark_finished(workdir)
            bad_steps = int(restored[0].bad_steps)
            return FitResult("already finished", step, bad_steps, progress.best, time.monotonic() - started)

        if chief:
            mark_unfinished(workdir, step, last, "running, or ended without a word")

        # --- state and compiled functions
        layout = make_layout(training, shapes, task.sharding_rules)
        update = layout.compile(make_update(task, optimizers, training.seed, training.ema_decay, layout.axis))
        evaluate = layout.evaluator(make_evaluation(task, training.seed))
        if restored:
            display.say(f"resuming '{workdir}' after {step} of {last} updates")
            state = layout.to_device(restored[0])
        else:
            state = layout.init(make_state)
        if not restored and initial_variables is not None:
            host_state, fresh = start_from(layout.to_host(state), initial_variables)
            state = layout.to_device(host_state)
            if fresh:
                display.say(f"fine-tuning; not in the given weights, so fresh: {', '.join(fresh)}")

        # --- what watches and feeds
        log = MetricsLog(workdir, step) if chief else None
        if log:
            stack.callback(log.close)
        recorder = Recorder(task, training, workdir, progress, log, display)
        reader = Prefetch(train_source.train_batches(*progress.position))
        stack.callback(reader.close)
        feeder = Feeder(reader, training.accumulate)
        check_reaches_device(task.batch_spec, feeder.peek())
        watchdog = Watchdog()
        stack.callback(watchdog.close)
        pause = _Pause(
            training, workdir, config_record, layout, evaluate, validation_source, store, recorder, progress, task
        )
        display.start(step)

        status = None
        in_flight: deque[Dispatch] = deque()
        while step < (last := progress.last_step(training)) and status is None:
            # One dispatch: up to k updates, never across a place where the host has something to do.
            batches = feeder.take(_updates_to_mark(step, last, training))
            state, out = update(state, layout.put(stack_updates(batches)))
            in_flight.append(Dispatch(step, batches, out))
            step += len(batches)
            stopping = stop(step)
            marked = stopping or step == last or any(step % every == 0 for every in _marks(training))
            while len(in_flight) > (0 if marked else IN_FLIGHT):
                recorder.absorb(in_flight.popleft())
            display.advance(step, last)
            if marked:
                status, state = pause.at(step, state, stopping, feeder)
            watchdog.step_finished()
        if chief and status == "preempted":
            mark_unfinished(workdir, step, last, "asked to stop")
        elif chief:
            mark_finished(workdir)
        if status == "preempted":
            display.say(f"asked to stop: saved after {step} updates; the same command goes on from there")
        if status == "early stopped":
            display.say(_early_text(step, training, progress, workdir))
        bad_steps = int(layout.to_host(state.bad_steps))
        seconds = time.monotonic() - started
        return FitResult(status or "finished", step, bad_steps, progress.best, seconds, update.compilations())


@dataclasses.dataclass
class _Pause:
    """What the host does between dispatches: log, evaluate, save, and decide whether to go on."""

    training: TrainingConfig
    workdir: Path
    config_record: dict[str, Any]
    layout: JitLayout | PmapLayout
    evaluate: Evaluator
    validation_source: Source | None
    store: CheckpointStore
    recorder: Recorder
    progress: Progress
    task: Task

    def at(self, step: int, state: TrainState, stopping: bool, feeder: Feeder) -> tuple[str | None, TrainState]:
        """Does what is due after `step` updates; the status of the run if it ends here before its last step, and its state."""
        last = self.progress.last_step(self.training)
        due = lambda every: step % every == 0 or step == last
        if due(self.training.log_every):
            self.recorder.log_training(step)
        began = time.monotonic()
        if self.validation_source is not None and due(self.training.evaluate_every):
            source, limit = self.validation_source, self.training.evaluate_batches
            sums = _evaluation_sums(self.evaluate, state, source, limit, self.task.work)
            if self.recorder.log_validation(step, *sums):
                best = self.workdir / "best"
                self._write(
                    dataclasses.replace(state, opt_state=()),
                    lambda host: save_variables(best, host.variables, {"step": step}),
                )
            if self.task.after_evaluation is not None:
                means = {name: total / weight for name, (total, weight) in sums[0].items() if weight}
                host = self.layout.to_host(state)
                changed = self.task.after_evaluation(host.opt_state, means)
                state = self.layout.to_device(host.replace(opt_state=changed))
        early = self.progress.stopped(self.training.patience)
        if due(self.training.checkpoint_every) or stopping or early:
            self.progress.position = feeder.position
            record = {"progress": dataclasses.asdict(self.progress), "config": self.config_record}
            self._write(state, lambda host: self.store.save(step, host, record))
        self.recorder.pause_clock(time.monotonic() - began)
        if early:
            return "early stopped", state
        return ("preempted" if stopping and step < self.progress.last_step(self.training) else None), state

    def _write(self, state: TrainState, write: Callable[[TrainState], None]) -> None:
        """Gathers the state on every process and lets the first one write it while the others wait."""
        host = self.layout.to_host(state)
        if jax.process_index() == 0:
            write(host)
        if jax.process_count() > 1:
            from jax.experimental import multihost_utils

            multihost_utils.sync_global_devices("lcjax: saved")


def _with_fingerprints(record: dict[str, Any], train: Source, validation: Source | None) -> dict[str, Any]:
    """The record with what identifies the data, so that no run goes on with other data."""
    prints = {"fingerprint": train.fingerprint}
    if validation is not None:
        prints["validation_fingerprint"] = validation.fingerprint
    return {**record, "data": {**record.get("data", {}), **prints}}


def _marks(training: TrainingConfig) -> tuple[int, int, int]:
    return training.log_every, training.evaluate_every, training.checkpoint_every


def _updates_to_mark(step: int, last: int, training: TrainingConfig) -> int:
    room = min([every - step % every for every in _marks(training)] + [last - step])
    return min(training.steps_per_dispatch, room)


def _same_everywhere(step: int, workdir: Path) -> None:
    """All processes must go on from the same checkpoint (and be past reading before any is renamed)."""
    if jax.process_count() > 1:
        from jax.experimental import multihost_utils

        steps = np.asarray(multihost_utils.process_allgather(np.int32(step)))
        if len(set(steps.tolist())) > 1:
            raise CheckpointError(
                f"the processes read different checkpoints in '{workdir}' (updates {sorted(set(steps.tolist()))}): it "
                "must be one folder that all of them see"
            )


def _evaluation_sums(
    evaluate: Evaluator, state: TrainState, source: Source, limit: int | None, work: WorkUnit
) -> tuple[dict[str, list[float]], float, float]:
    """One pass over validation: metric sums, work done, seconds."""
    before, done = time.monotonic(), 0.0
    variables = evaluate.prepare(state)
    sums: dict[str, list[float]] = {}
    for index, batch in enumerate(itertools.islice(source.evaluation_batches(), limit)):
        done += work.count(batch) * jax.process_count()
        for name, (total, weight) in evaluate(variables, device_part(batch), index).items():
            entry = sums.setdefault(name, [0.0, 0.0])
            entry[0] += float(total)
            entry[1] += float(weight)
    return sums, done, time.monotonic() - before


def _early_text(step: int, training: TrainingConfig, progress: Progress, workdir: Path) -> str:
    return (
        f"no better {training.monitor} in {training.patience} evaluations: stopped after {step} updates; the best "
        f"weights, of step {progress.best.get('step')}, are in '{workdir / 'best'}'"
    )
