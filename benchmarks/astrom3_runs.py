"""Training of the study of pretraining: all objects in memory, one compiled step for each network."""

import functools
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax

from data_pipelines.kinds.multimodal.source import MultimodalSource
from data_pipelines.shards.opening import has_split
from data_pipelines.splits import SPLITS
from lcjax.evaluation.classification import confusion_matrix, rates
from lcjax.systems.astrom3.config import AstroM3Experiment, InputsConfig
from lcjax.systems.astrom3.fitting import fitted, with_columns, with_statistics
from lcjax.systems.astrom3.network_inputs import SERIES
from lcjax.systems.astrom3.task import build_task
from lcjax.training.task import Task
from lcjax.training.updates import task_optimizers
from lcjax.transforms.catalogue import catalogue_features
from lcjax.typing import PyTree

_EVALUATIONS = 10
_ROWS = 128
_TEXT = ("object_id", "band", "record", "ra", "dec", "reference_time", "spectrum_length", "length")


@dataclass(frozen=True)
class Objects:
    """Batches' arrays of many objects; also what `fitted` asks of data."""

    arrays: dict[str, np.ndarray]
    class_names: tuple[str, ...]
    metadata_names: tuple[str, ...]
    standardised: bool
    batches_per_epoch: int = 1

    def __len__(self) -> int:
        return len(self.arrays["label"])

    @property
    def label(self) -> np.ndarray:
        """(N,) int32."""
        return self.arrays["label"]

    @property
    def metadata(self) -> np.ndarray:
        """(N, F)."""
        return self.arrays["metadata"]

    @property
    def used(self) -> np.ndarray:
        """All."""
        return np.arange(len(self))

    @property
    def n_points(self) -> int:
        """Of all light curves."""
        return int(self.arrays["mask"].sum())

    @property
    def spectrum_lengths(self) -> tuple[int, ...]:
        """All spectra are of one length."""
        return (self.arrays["spectrum"].shape[1],)

    @property
    def spectrum_grids(self) -> tuple[tuple[float, float], ...]:
        """Of one dataset, which was prepared on one: not asked for."""
        return ()

    def take(self, rows: np.ndarray) -> "Objects":
        """Some of them."""
        arrays = {name: value[rows] for name, value in self.arrays.items()}
        return Objects(arrays, self.class_names, self.metadata_names, self.standardised)


@dataclass(frozen=True)
class Trained:
    """A network after its run."""

    made: "_Compiled"
    variables: PyTree
    said: str
    cpu_seconds: float = float("nan")
    """Of all updates, compilation and evaluations left out."""


def all_objects(data: Path) -> Objects:
    """Every object of prepared data, whatever its split."""
    sources = [MultimodalSource([data], split, _ROWS) for split in SPLITS if has_split([data], split)]
    parts: list[dict[str, np.ndarray]] = []
    for source in sources:
        for batch in source.evaluation_batches():
            rows = batch["weight"] > 0
            parts.append({name: value[rows] for name, value in batch.items() if name not in _TEXT})
    width = max(part["time"].shape[1] for part in parts)
    for part in parts:
        for name in (*SERIES, "mask"):
            part[name] = np.pad(part[name], ((0, 0), (0, width - part[name].shape[1])))
    arrays = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    first = sources[0]
    return Objects(arrays, tuple(first.class_names), tuple(first.metadata_names), first.standardised)


@dataclass(frozen=True)
class _Compiled:
    """Functions of one network: the same for all seeds and fractions."""

    task: Task
    init: Callable[[jax.Array], PyTree]
    optimizer: Any
    step: Callable[..., tuple[PyTree, PyTree]]
    evaluate: Callable[..., Any]
    predict: Callable[..., Any]


@functools.cache
def _compiled(experiment: AstroM3Experiment, steps: int) -> _Compiled:
    task = build_task(experiment)
    (optimizer,) = task_optimizers(task, experiment.optimizer, steps).values()

    @jax.jit
    def step(params: PyTree, state: PyTree, arrays: dict, rows: jax.Array, key: jax.Array) -> tuple[PyTree, PyTree]:
        batch = {name: value[rows] for name, value in arrays.items()}
        grads = jax.grad(lambda p: task.loss(p, {}, batch, key)[0])(params)
        updates, state = optimizer.update(grads, state, params)
        return optax.apply_updates(params, updates), state

    init = jax.jit(lambda key: task.init(key, task.made_up(2)))
    return _Compiled(task, init, optimizer, step, jax.jit(task.evaluate), jax.jit(task.predict))


def standardised(parts: dict[str, Objects]) -> dict[str, Objects]:
    """The parts with catalogue numbers standardised by those of `train`, so that one compiled network serves all splits."""
    train = parts["train"]
    if train.standardised:
        return parts
    inputs = with_statistics(with_columns(InputsConfig(), train.metadata_names), train)
    names = (*inputs.photometry_columns, *inputs.metadata_columns)
    place = [train.metadata_names.index(name) for name in names]

    def of(part: Objects) -> Objects:
        values = catalogue_features(np.asarray(part.metadata, np.float64)[:, place], names)
        values = ((values - np.array(inputs.mean)) / np.array(inputs.std)).astype(np.float32)
        arrays = part.arrays | {"metadata": values, "standardised": np.ones(len(part), np.int32)}
        return Objects(arrays, part.class_names, names, True)

    return {name: of(part) for name, part in parts.items()}


def train(
    experiment: AstroM3Experiment,
    parts: dict[str, Objects],
    seed: int,
    steps: int,
    batch_size: int,
    start: Callable[[Task], PyTree] | None = None,
    rows: np.ndarray | None = None,
) -> Trained:
    """So many steps on `train`; the weights that are best on `validation`, looked at ten times, by accuracy.

    Args:
      rows: of `train` that are used; None: all.
    """
    made = _compiled(fitted(experiment, parts["train"]), steps)
    rows = np.arange(len(parts["train"])) if rows is None else rows
    arrays = jax.device_put(parts["train"].arrays)
    size = min(batch_size, len(rows))
    key = jax.random.key(seed)
    rng = np.random.default_rng(seed)
    variables = made.init(key)
    if start is not None:
        variables = _with(variables, start(made.task))
    params, state = variables["params"], made.optimizer.init(variables["params"])
    best, kept, order, spent = -1.0, params, np.zeros(0, int), 0.0
    for number in range(steps):
        if len(order) < size:
            order = rng.permutation(rows)
        now, order = order[:size], order[size:]
        # A short set of labels is drawn from with replacement to one size for all: the step compiles once.
        now = now if size == batch_size else rng.choice(rows, batch_size)
        began = time.process_time()
        params, state = jax.block_until_ready(made.step(params, state, arrays, now, jax.random.fold_in(key, number)))
        spent += time.process_time() - began if number else 0.0  # the first one compiles
        if (number + 1) % max(steps // _EVALUATIONS, 1) == 0:
            score = _mean(made.evaluate, {"params": params}, parts["validation"], "accuracy", key)
            if score > best:
                best, kept = score, params
    return Trained(
        made, {"params": jax.device_get(kept)}, f"validation accuracy {best:.3f}", spent * steps / max(steps - 1, 1)
    )


def _with(variables: PyTree, given: PyTree) -> PyTree:
    """The variables with those that are given in their place."""
    if not isinstance(variables, dict):
        return jnp.asarray(given)
    return {name: _with(value, given[name]) if name in given else value for name, value in variables.items()}


def batches(objects: Objects) -> list[dict[str, np.ndarray]]:
    """All objects in batches of one size; rows that fill up have weight 0."""
    found = []
    for first in range(0, len(objects), _ROWS):
        rows = np.arange(first, min(first + _ROWS, len(objects)))
        padded = np.concatenate([rows, np.full(_ROWS - len(rows), rows[0])])
        batch = {name: value[padded] for name, value in objects.arrays.items()}
        found.append(batch | {"weight": (np.arange(_ROWS) < len(rows)).astype(np.float32)})
    return found


def _mean(evaluate: Any, variables: PyTree, objects: Objects, name: str, key: jax.Array) -> float:
    sums = [evaluate(variables, batch, key)[name] for batch in batches(objects)]
    return float(sum(s for s, _ in sums)) / max(float(sum(w for _, w in sums)), 1.0)


def accuracy_of(trained: Trained, objects: Objects) -> dict[str, float]:
    """Accuracy and mean recall; objects without any of the modalities count as wrong."""
    predict = functools.partial(trained.made.predict, trained.variables)
    guesses, labels = [], []
    for batch in batches(objects):
        rows = batch["weight"] > 0
        guesses.append(np.asarray(predict(batch)["probabilities"]).argmax(axis=1)[rows])
        labels.append(batch["label"][rows])
    confusion = confusion_matrix(np.concatenate(labels), np.concatenate(guesses), len(objects.class_names))
    found = rates(confusion)
    return {name: float(found[name]) for name in ("accuracy", "balanced_accuracy")}
