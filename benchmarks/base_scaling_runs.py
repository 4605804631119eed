"""Trainings of lcjax-base whose stars lie on the device: the engine's own update, many to a call."""

import dataclasses
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from benchmarks.base_scaling_cases import Case
from benchmarks.base_scaling_data import Windows
from lcjax.systems import build_task
from lcjax.systems.base_encoder.config import BaseEncoderExperiment
from lcjax.systems.base_encoder.kept_views import kept_views
from lcjax.systems.base_encoder.parts import grid_of, points_of, unpacked
from lcjax.systems.base_encoder.prepared import PreparedStars
from lcjax.systems.base_encoder.simulated_stars import SimulatedStars
from lcjax.training.state import TrainState, init_state
from lcjax.training.step import make_update
from lcjax.training.updates import task_optimizers
from lcjax.typing import Array, PyTree

_ROWS_KEY = 0x5EED
VALIDATION = 256
"""Rows that are judged at once."""


class Stars(NamedTuple):
    """What all trainings learn from and are judged on."""

    train: PyTree  #: windows, first parts and views of parts (N, ...)
    simulated: PyTree  #: views, points, label, period (M, ...)
    validation: PyTree  #: batches of windows parted once, (K, VALIDATION, ...)
    whole: PyTree  #: windows and their views, of the stars that are embedded (W, ...)
    record: np.ndarray  #: (W,) star of each


def prepared(learned: Windows, judged: Windows, embedded: Windows, stars: int, batches: int = 4) -> Stars:
    """All views, which do not depend on the case.

    Args:
      stars: that are simulated. batches: of validation.
    """
    experiment = dataclasses.replace(Case("", "", points=1).experiment(stars))
    parted = lambda windows, first, views: {**windows, "first": first, "views": views}
    train = parted(*PreparedStars(learned, experiment, True).arrays())
    simulated = SimulatedStars(learned, experiment).arrays()
    validation = parted(*PreparedStars(judged, experiment, False).arrays())
    rows = np.arange(batches * VALIDATION) % len(validation["mask"])
    cut = lambda x: x[rows].reshape(batches, VALIDATION, *x.shape[1:])
    windows = points_of(embedded.windows)
    views = kept_views(windows, windows["mask"][:, None], experiment)
    whole = {**windows, "views": {name: value[:, 0] for name, value in views.items()}}
    keep = lambda tree: {name: value for name, value in tree.items() if name not in ("object_id", "record", "weight")}
    return Stars(keep(train), simulated, jax.tree.map(cut, keep(validation)), whole, embedded.windows["record"])


def drawn(train: PyTree, simulated: PyTree, key: Array, batch: int, share: float) -> dict[str, Any]:
    """A batch: rows with equal chances, each parted in one of its ways, and simulated ones."""
    row_key, way_key, other_key = jax.random.split(key, 3)
    count, ways = train["first"].shape[:2]
    rows = jax.random.randint(row_key, (batch,), 0, count)
    way = jax.random.randint(way_key, (batch,), 0, ways)
    out = {name: value[rows] for name, value in train.items() if name not in ("first", "views")}
    out["first"] = train["first"][rows, way]
    for part, name in enumerate(("first_views", "second_views")):
        out[name] = {leaf: value[rows, 2 * way + part] for leaf, value in train["views"].items()}
    if share:
        others = jax.random.randint(other_key, (max(round(batch * share), 1),), 0, len(simulated["label"]))
        out["simulated"] = jax.tree.map(lambda value: value[others], simulated)
    return out


class Run:
    """One case, compiled: `stretch` makes `every` updates, `judge` and `embed` say what has become of it."""

    def __init__(self, case: Case, stars: Stars, every: int, simulated: int, seed: int = 0) -> None:
        """Compiles; may run in a thread beside others."""
        self.case, self.every = case, every
        experiment = case.experiment(simulated, seed)
        self.task = build_task(experiment)
        optimizers = task_optimizers(self.task, experiment.optimizer, case.steps)
        update = make_update(self.task, optimizers, seed, case.average)
        share = experiment.simulation.share if case.simulated else 0.0
        base = jax.random.fold_in(jax.random.key(seed), _ROWS_KEY)
        shapes = partial(jax.tree.map, lambda x: jax.ShapeDtypeStruct(x.shape, x.dtype))
        self._start = lambda: init_state(self.task, optimizers, jax.random.key(seed), case.average is not None)

        def stretch(state: TrainState, train: PyTree, others: PyTree) -> tuple[TrainState, dict]:
            def one(state: TrainState, _: None) -> tuple[TrainState, dict]:
                batch = drawn(train, others, jax.random.fold_in(base, state.step), case.batch, share)
                state, out = update(state, jax.tree.map(lambda x: x[None, None], batch))
                return state, jax.tree.map(lambda x: x[0], out)

            state, out = jax.lax.scan(one, state, None, length=every)
            return state, jax.tree.map(lambda x: jnp.sum(x, axis=0), out["sums"])

        def judge(variables: PyTree, batches: PyTree) -> dict:
            def one(_: None, batch: dict) -> tuple[None, dict]:
                views = {
                    part: {k: v[:, i] for k, v in batch["views"].items()}
                    for i, part in enumerate(("first_views", "second_views"))
                }
                batch = {**batch, "first": batch["first"][:, 0], **views, "row": jnp.arange(VALIDATION)}
                return None, self.task.evaluate(variables, batch, jax.random.key(0))

            sums = jax.lax.scan(one, None, batches)[1]
            return jax.tree.map(lambda x: jnp.sum(x, axis=0), sums)

        state = jax.eval_shape(self._start)
        train, others, validation = shapes(stars.train), shapes(stars.simulated), shapes(stars.validation)
        self.stretch = jax.jit(stretch, donate_argnums=0).lower(state, train, others).compile()
        variables = jax.eval_shape(lambda state: state.variables, state)
        self._judge = jax.jit(judge).lower(variables, validation).compile()
        self._embed = jax.jit(embedding(experiment, self.task.model))
        self.parameters = sum(int(np.prod(x.shape)) for x in jax.tree.leaves(state.params["encode_star"]))

    def begin(self) -> TrainState:
        """The state before the first update."""
        return jax.jit(self._start)()

    def judge(self, state: TrainState, stars: Stars) -> dict[str, float]:
        """Means over the validation rows."""
        sums = jax.device_get(self._judge(state.variables, stars.validation))
        return self.task.summarize({name: float(a) / max(float(b), 1e-9) for name, (a, b) in sums.items()})

    def embed(self, state: TrainState, stars: Stars, at_once: int = 1024) -> np.ndarray:
        """(stars, width) float32, means over the windows of each star."""
        count = len(stars.record)
        rows = np.arange(-(-count // at_once) * at_once) % count
        cut = lambda some: jax.tree.map(lambda x: x[some], stars.whole)
        parts = [
            np.asarray(self._embed(state.variables, cut(rows[i : i + at_once]))) for i in range(0, len(rows), at_once)
        ]
        found = np.concatenate(parts)[:count]
        out = np.zeros((int(stars.record.max()) + 1, found.shape[1]), np.float32)
        np.add.at(out, stars.record, found)
        return out / np.bincount(stars.record)[:, None]


def embedding(experiment: BaseEncoderExperiment, model: Any) -> Callable[[PyTree, Mapping[str, Any]], Array]:
    """(variables, windows with packed views) -> (B, width)."""
    from lcjax.systems.base_encoder.decoder_inputs import star_inputs

    def embed(variables: PyTree, stars: Mapping[str, Any]) -> Array:
        views = unpacked(stars["views"], grid_of(experiment))
        points = points_of(stars)
        inputs = star_inputs(points, points["mask"], views, experiment)
        return model.apply(variables, inputs, method="encode")["embedding"]

    return embed
