"""One adaptation after another on arrays in memory: the updates of a system's own Task, batches drawn by seed."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any

import jax
import numpy as np

from lcjax.evaluation.classification import confusion_matrix, rates
from lcjax.systems import build_task
from lcjax.systems.domain_pairs.config import PairExperiment, PairInputsConfig
from lcjax.training.state import init_state, start_from
from lcjax.training.step import make_update
from lcjax.training.updates import task_optimizers

CHUNK = 25
"""Steps of one call of the compiled loop."""
_ROWS = 512


@dataclass(frozen=True)
class Pair:
    """Images (N, H, W, C) float32 as networks take them, and labels (N,), of two domains."""

    source: tuple[np.ndarray, np.ndarray]
    shots: tuple[np.ndarray, np.ndarray]
    unlabelled: np.ndarray
    validation: tuple[np.ndarray, np.ndarray]
    tests: Mapping[str, tuple[np.ndarray, np.ndarray]]
    """`source` and `target`."""
    start: Any = field(default=None, compare=False)
    """Weights to begin with; None: random ones."""


@dataclass(frozen=True)
class Outcome:
    """Balanced accuracy and accuracy by domain, at the weights of the best validation."""

    balanced: dict[str, float]
    accuracy: dict[str, float]
    step: int
    variables: Any = field(default=None, repr=False, compare=False)


def fitted(experiment: PairExperiment, pair: Pair, classes: int, scale: str = "none") -> PairExperiment:
    """The experiment for images of this shape."""
    height, _, channels = pair.source[0].shape[1:]
    names = tuple(str(k) for k in range(classes))
    inputs = PairInputsConfig(names, tuple(f"c{k}" for k in range(channels)), height, 0, scale)
    return replace(experiment, inputs=inputs)


@cache
def _compiled(experiment: PairExperiment) -> tuple[Any, Any, Any, Any]:
    """Task, optimizers, loop and answers of settings, whatever the seed."""
    task = build_task(experiment)
    optimizers = task_optimizers(task, experiment.optimizer, experiment.training.steps)
    update = make_update(task, optimizers, 0, None)
    return task, optimizers, jax.jit(update), jax.jit(task.predict)


def draws(count: int, rows: int, seed: int) -> Iterator[np.ndarray]:
    """Endless batches of row numbers: permutations, incomplete batches dropped."""
    rng, rows = np.random.default_rng(seed), min(rows, count)
    while True:
        order = rng.permutation(count)
        for at in range(0, count - rows + 1, rows):
            yield order[at : at + rows]


def batches(pair: Pair, experiment: PairExperiment, streams: tuple[str, ...], seed: int) -> Iterator[dict[str, Any]]:
    """Endless batches as the Task takes them: the first stream at the top."""
    size, domains = experiment.training.batch_size, experiment.domains
    wanted = {
        "source": (*pair.source, size),
        "target": (*pair.shots, domains.target_batch or size),
        "unlabelled": (pair.unlabelled, None, domains.unlabelled_batch or 2 * size),
    }
    parts = {name: wanted[name] for name in streams}
    numbers = {name: draws(len(x), rows, 1000 * seed + i) for i, (name, (x, _, rows)) in enumerate(parts.items())}
    while True:
        found = {}
        for name, (x, y, _) in parts.items():
            rows = next(numbers[name])
            one = {"image": x[rows], "full_scale": np.full(len(rows), np.nan, np.float32)}
            found[name] = one | ({"label": y[rows].astype(np.int32)} if y is not None else {})
        first = found.pop(streams[0])
        yield {**first, **found}


def answered(predict: Any, variables: Any, images: np.ndarray) -> np.ndarray:
    """(N, K) probabilities, in batches of one shape."""
    out = []
    for at in range(0, len(images), _ROWS):
        rows = images[at : at + _ROWS]
        wide = np.concatenate([rows, np.zeros((_ROWS - len(rows), *rows.shape[1:]), np.float32)])
        full = np.full(_ROWS, np.nan, np.float32)
        out.append(np.asarray(predict(variables, {"image": wide, "full_scale": full})["probabilities"])[: len(rows)])
    return np.concatenate(out)


def measured(predict: Any, variables: Any, part: tuple[np.ndarray, np.ndarray]) -> tuple[float, float]:
    """Balanced accuracy and accuracy."""
    found = answered(predict, variables, part[0])
    table = rates(confusion_matrix(part[1], found.argmax(1), found.shape[1]))
    return float(table["balanced_accuracy"]), float(table["accuracy"])


def adapt(
    experiment: PairExperiment, pair: Pair, streams: tuple[str, ...], seed: int, patience: int | None = None
) -> Outcome:
    """Trains with validation every `training.evaluate_every` steps and scores the weights of the best one.

    Args:
      experiment: as `fitted` gives it. patience: validations without improvement before the end; None: all steps.
    """
    task, optimizers, update, predict = _compiled(experiment)
    state = init_state(task, optimizers, jax.random.key(seed), False)
    if pair.start is not None:
        state, _ = start_from(state, pair.start)
    feed = batches(pair, experiment, streams, seed)
    every, best, waited = experiment.training.evaluate_every, (-1.0, 0, state.variables), 0
    best = (measured(predict, state.variables, pair.validation)[0] if pair.start is not None else -1.0, 0, _host(state))
    for step in range(CHUNK, experiment.training.steps + 1, CHUNK):
        chunk = [next(feed) for _ in range(CHUNK)]
        state, _ = update(state, jax.tree.map(lambda *x: np.stack(x)[:, None], *chunk))
        if step % every:
            continue
        score = measured(predict, state.variables, pair.validation)[0]
        waited = 0 if score > best[0] else waited + 1
        if score > best[0]:
            best = (score, step, _host(state))
        if patience is not None and waited > patience:
            break
    scores = {name: measured(predict, best[2], part) for name, part in pair.tests.items()}
    balanced, accuracy = ({name: pairs[i] for name, pairs in scores.items()} for i in (0, 1))
    return Outcome(balanced, accuracy, best[1], best[2])


def _host(state: Any) -> Any:
    return jax.tree.map(np.array, state.variables)
