"""Many trainings at once: the updates of a system's own Task under `vmap` over runs, whose windows lie on the device.

Every run is what `lcjax.training.fit` makes of the same windows and seed: first weights, order of batches, keys, evaluations,
patience and best weights. The rounding alone differs.
"""

import functools
import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import flax.struct
import jax
import jax.numpy as jnp
import numpy as np

from lcjax.configs import Experiment
from lcjax.systems.light_curve_classifier.windows import ArrayWindows
from lcjax.training.state import TrainState, init_state
from lcjax.training.step import make_evaluation, make_update
from lcjax.training.task import Task
from lcjax.training.updates import task_optimizers
from lcjax.typing import Array, Batch, PyTree

_INITIAL = 0x7FFFFFFE
"""What `lcjax.training.fit` folds into the key of the first weights."""


@flax.struct.dataclass
class Best:
    """The best weights of a run so far."""

    variables: PyTree
    score: Array  #: of the monitor, the smaller the better
    loss: Array  #: tells equal scores apart
    step: Array
    waited: Array  #: evaluations since the score was better than all before


@flax.struct.dataclass
class Rows:
    """Rows of windows and their classes; -1 in both where a list ends before the longest."""

    row: Array
    label: Array


@dataclass(frozen=True)
class Lesson:
    """What one run learns from."""

    seed: int
    learn: np.ndarray
    """(N,) rows."""
    held: np.ndarray
    """(M,) rows that choose the best weights."""
    label: np.ndarray
    """(W,) int, class of every window."""


class Trainings:
    """Trainings with the same settings and other windows and seeds. Compiled for each number and shape of them."""

    def __init__(self, task: Task, experiment: Experiment, piece: int, per_run: bool = False) -> None:
        """Compiles nothing.

        Args:
          experiment: its optimizer and training settings. piece: windows that are judged together.
          per_run: windows have a leading axis, as every run has its own.
        """
        self.task, self.experiment, self._piece = task, experiment, piece
        training = experiment.training
        self._optimizers = task_optimizers(task, experiment.optimizer, training.steps)
        axis = 0 if per_run else None
        self._begin = jax.jit(jax.vmap(self._fresh))
        stretch = jax.vmap(self._stretch, in_axes=(0, 0, 0, 0, 0, axis))
        self._stretches = jax.jit(stretch, donate_argnums=(0, 1))
        self._per_run = per_run

    def run(
        self,
        lessons: Sequence[Lesson],
        windows: Batch,
        start: PyTree | None = None,
        going: Callable[[], bool] = lambda: True,
        judged: int = 0,
    ) -> tuple[Best, int]:
        """Trains all: their best weights, with a leading axis, and the updates made.

        Args:
          windows: entries of a batch, on the device. start: variables in place of fresh ones, as far as they go, with a
            leading axis. going: asked after every evaluation. judged: pad lists of judged rows to as many.
        """
        training = self.experiment.training
        seeds = np.array([lesson.seed for lesson in lessons], np.int32)
        state, best = self._begin(seeds)
        if start is not None:
            state, best = _started(state, best, start)
        orders = [_order(lesson, training.batch_size) for lesson in lessons]
        held = stacked([(lesson.held, lesson.label[lesson.held]) for lesson in lessons], self._piece, judged)
        done = 0
        while done < training.steps and going():
            size = min(training.evaluate_every, training.steps - done)
            rows = np.stack([list(itertools.islice(order, size)) for order in orders])
            label = np.stack([lesson.label[own] for lesson, own in zip(lessons, rows, strict=True)])
            state, best = self._stretches(state, best, seeds, Rows(rows, label), held, windows)
            done += size
            if training.patience is not None and bool(jnp.all(best.waited >= training.patience)):
                break
        return jax.block_until_ready(best), done

    def _fresh(self, seed: Array) -> tuple[TrainState, Best]:
        key = jax.random.fold_in(jax.random.key(seed), _INITIAL)
        state = init_state(self.task, self._optimizers, key, self.experiment.training.ema_decay is not None)
        worst, zero = jnp.array(jnp.inf, jnp.float32), jnp.zeros((), jnp.int32)
        return state, Best(jax.tree.map(jnp.copy, state.variables), worst, worst, zero, zero)

    def _stretch(
        self, state: TrainState, best: Best, seed: Array, rows: Rows, held: Rows, windows: Batch
    ) -> tuple[TrainState, Best]:
        """The updates of one run up to an evaluation, and that."""
        training = self.experiment.training
        update = make_update(self.task, self._optimizers, seed, training.ema_decay)

        def step(state: TrainState, own: Rows) -> tuple[TrainState, None]:
            batch = batch_of(windows, own)
            return update(state, jax.tree.map(lambda x: x[None, None], batch))[0], None

        state, _ = jax.lax.scan(step, state, rows)
        score, loss = self._judge(state.variables, seed, held, windows)
        running = True if training.patience is None else best.waited < training.patience
        gained = running & (score < best.score)
        better = gained | (running & (score == best.score) & (loss < best.loss))
        chosen = jax.tree.map(lambda new, old: jnp.where(better, new, old), state.variables, best.variables)
        return state, Best(
            chosen,
            jnp.where(better, score, best.score),
            jnp.where(better, loss, best.loss),
            jnp.where(better, state.step, best.step),
            jnp.where(gained, 0, best.waited + 1),
        )

    def _judge(self, variables: PyTree, seed: Array, held: Rows, windows: Batch) -> tuple[Array, Array]:
        """(monitor, the smaller the better; loss) of the validation windows."""
        evaluate = make_evaluation(self.task, seed)
        pieces = jax.tree.map(lambda x: x.reshape(-1, self._piece), held)
        judge = lambda item: evaluate(variables, batch_of(windows, item[0]), item[1])
        sums = jax.tree.map(lambda x: jnp.sum(x, 0), jax.lax.map(judge, (pieces, jnp.arange(len(pieces.row)))))
        loss = sums["loss"][0] / jnp.maximum(sums["loss"][1], 1e-9)
        monitor = self.experiment.training.monitor
        score = loss if monitor == "loss" else -macro_f1(sums)
        return score, jnp.where(jnp.isfinite(loss), loss, jnp.inf)


def macro_f1(sums: Mapping[str, tuple[Array, Array]]) -> Array:
    """Mean over the classes that have windows, of the sums that classifiers give."""
    names = [name.removeprefix("recall_") for name in sums if name.startswith("recall_")]
    hits, there = (jnp.stack([sums[f"recall_{name}"][i] for name in names]) for i in (0, 1))
    said = jnp.stack([sums[f"precision_{name}"][1] for name in names])
    return jnp.sum(2 * hits / jnp.maximum(there + said, 1)) / jnp.maximum(jnp.sum(there > 0), 1)


def batch_of(windows: Batch, rows: Rows) -> Batch:
    """A batch as the Task takes it; rows that are -1 have weight 0 and no class."""
    at = jnp.maximum(rows.row, 0)
    weight = (rows.row >= 0).astype(jnp.float32)
    return {**jax.tree.map(lambda x: x[at], windows), "label": rows.label, "weight": weight}


def stacked(lists: Sequence[tuple[np.ndarray, np.ndarray]], multiple: int, least: int = 0) -> Rows:
    """Lists of rows and of their classes, with -1 up to one length."""
    most = max(least, 1, *(len(rows) for rows, _ in lists))
    shape = (len(lists), -(-most // multiple) * multiple)
    found = Rows(np.full(shape, -1, np.int32), np.full(shape, -1, np.int32))
    for i, (rows, label) in enumerate(lists):
        found.row[i, : len(rows)], found.label[i, : len(rows)] = rows, label
    return found


def answered(
    answer: Callable[[PyTree, Batch], Any], piece: int, per_run: bool = False
) -> Callable[[PyTree, Rows, Batch], Any]:
    """(variables of all runs, rows of each (R, T), windows) -> what `answer` makes of them, (R, T, ...) each."""

    def one(variables: PyTree, rows: Rows, windows: Batch) -> Any:
        pieces = jax.tree.map(lambda x: x.reshape(-1, piece), rows)
        found = jax.lax.map(lambda some: answer(variables, batch_of(windows, some)), pieces)
        return jax.tree.map(lambda x: x.reshape(-1, *x.shape[2:]), found)

    return jax.jit(jax.vmap(one, in_axes=(0, 0, 0 if per_run else None)))


def _order(lesson: Lesson, size: int) -> Any:
    """Rows of the batches, one after another, as `fit` takes them."""
    count = {"label": np.arange(len(lesson.learn))}
    source = ArrayWindows(lambda: count, (), size, lesson.seed)
    return (lesson.learn[batch["label"]] for _, batch in source.train_batches())


@functools.partial(jax.jit, donate_argnums=(0, 1))
def _started(state: TrainState, best: Best, start: PyTree) -> tuple[TrainState, Best]:
    """The states with the weights of `start` in place of their own."""
    params = {**state.params, **start["params"]}
    ema = jax.tree.map(jnp.copy, params) if state.ema else state.ema
    rest = {name: value for name, value in start.items() if name != "params"}
    state = state.replace(params=params, ema=ema, model_state={**state.model_state, **rest})
    return state, best.replace(variables=jax.tree.map(jnp.copy, state.variables))
