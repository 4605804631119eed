"""Many adaptations at once: the updates of a system's own Task under `vmap` over runs, whose images lie on the device.

A run has its own seed, pair of domains, shots and rows. All runs of one program have the same shapes; where runs have fewer shots than a
batch has places, the rest of the batch has weight 0.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import flax.linen as nn
import flax.struct
import jax
import jax.numpy as jnp
import numpy as np

from benchmarks.adaptation_convolution import patched
from benchmarks.adaptation_data import Domains, Draw
from lcjax.systems import build_task
from lcjax.systems.domain_pairs.config import PairExperiment, PairInputsConfig
from lcjax.training.state import TrainState, init_state
from lcjax.training.step import make_update
from lcjax.training.updates import task_optimizers
from lcjax.typing import Array, PyTree

_PIECE = 128
"""Images that are judged at once."""
_ORDER_KEY = 0x5EED


@flax.struct.dataclass
class Plan:
    """The rows of a run, or with a leading axis those of many."""

    seed: Array  #: ()
    domain: Mapping[str, Array]  #: stream -> number of its domain, ()
    rows: Mapping[str, Array]  #: stream -> (N,) rows of the domain, zeros at the end
    count: Mapping[str, Array]  #: stream -> how many of them are rows, ()
    judged: Mapping[str, Array]  #: `validation`, `source`, `target` -> (M,) rows, -1 at the end


@dataclass(frozen=True)
class Program:
    """What all runs of a compilation have in common."""

    experiment: PairExperiment
    streams: tuple[str, ...]
    sizes: Mapping[str, int]
    """Stream -> rows of a batch."""
    every: int
    """Steps between two validations."""
    dtype: Any = jnp.float32
    """Of the factors of convolutions."""


def fitted(experiment: PairExperiment, domains: Domains) -> PairExperiment:
    """The experiment for images of this shape, which are scaled already; rows of one pixel's height are vectors."""
    height, width, channels = domains.images.shape[2:]
    names = tuple(str(k) for k in range(domains.classes))
    vectors = width if height == 1 else 0
    inputs = PairInputsConfig(
        names, tuple(f"c{k}" for k in range(channels)), None if vectors else height, vectors, "none"
    )
    return replace(experiment, inputs=inputs)


def batch_sizes(experiment: PairExperiment, streams: Sequence[str], shots: int) -> dict[str, int]:
    """Stream -> rows of a batch; `shots`: labelled target images of the run with most of them."""
    size, domains = experiment.training.batch_size, experiment.domains
    sizes = {"source": size, "unlabelled": domains.unlabelled_batch or 2 * size}
    sizes["target"] = min(domains.target_batch or size, shots)
    return {name: sizes[name] for name in streams}


def planned(domains: Domains, draws: Sequence[Draw], seeds: Sequence[int]) -> Plan:
    """The plans of many runs, with a leading axis."""
    number = domains.names.index
    lists = {name: [draw.rows[name] for draw in draws] for name in ("source", "target", "unlabelled")}
    judged = {name: [draw.judged[name] for draw in draws] for name in ("source", "target")}
    judged["validation"] = [draw.validation for draw in draws]
    of = lambda name: [number(draw.source if name == "source" else draw.target) for draw in draws]
    return Plan(
        seed=np.asarray(seeds, np.int32),
        domain={name: np.asarray(of(name), np.int32) for name in lists},
        rows={name: _filled(rows, 0, _PIECE) for name, rows in lists.items()},
        count={name: np.asarray([len(r) for r in rows], np.int32) for name, rows in lists.items()},
        judged={name: _filled(rows, -1, _PIECE if name != "validation" else 1) for name, rows in judged.items()},
    )


def _filled(rows: Sequence[np.ndarray], fill: int, multiple: int) -> np.ndarray:
    most = max(max(len(r) for r in rows), 1)
    out = np.full((len(rows), -(-most // multiple) * multiple), fill, np.int32)
    for i, own in enumerate(rows):
        out[i, : len(own)] = own
    return out


def ordered(rows: Array, count: Array, key: Array) -> Array:
    """Rows (N,) with the first `count` in random order; what lies behind them stays behind."""
    places = jnp.where(jnp.arange(len(rows)) < count, jax.random.uniform(key, rows.shape), 2.0)
    return rows[jnp.argsort(places)]


def batch_at(
    program: Program, plan: Plan, orders: Mapping[str, Array], images: Array, label: Array, number: Array
) -> dict[str, Any]:
    """The batch of a step, as the Task takes it: the next rows of every stream's order, which begins anew at its end.

    Args:
      images: (D, N, H, W, C). label: (D, N). number: of the step since the orders were drawn.
    """
    found: dict[str, dict[str, Array]] = {}
    for name in program.streams:
        size, count, place = program.sizes[name], plan.count[name], jnp.arange(program.sizes[name])
        rows = orders[name][jnp.where(count >= size, (number * size + place) % jnp.maximum(count, 1), place)]
        image = images[plan.domain[name], rows]
        one = {"image": image, "full_scale": jnp.full(size, jnp.nan, jnp.float32)}
        one["weight"] = (place < count).astype(jnp.float32)
        if name != "unlabelled":
            one["label"] = label[plan.domain[name], rows]
        found[name] = one
    first = found.pop(program.streams[0])
    return {**first, **found}


def recalls(predict: Any, variables: PyTree, domain: Array, rows: Array, images: Array, label: Array) -> dict:
    """Of the rows that are not -1: `balanced` and `accuracy`, mean `entropy` of the answers and mean `loss` -log p(label), nats."""
    classes = jnp.arange(predict.classes)

    def piece(own: Array) -> Array:
        at = jnp.maximum(own, 0)
        batch = {"image": images[domain, at], "full_scale": jnp.full(len(own), jnp.nan, jnp.float32)}
        probability = predict.answer(variables, batch)["probabilities"]
        truth = (label[domain, at][:, None] == classes) & (own >= 0)[:, None]
        right = truth & (jnp.argmax(probability, -1)[:, None] == classes)
        logs = jnp.log(probability + 1e-10)
        entropy = -jnp.sum(probability * logs * (own >= 0)[:, None])
        nats = jnp.stack([entropy, -jnp.sum(truth * logs)])
        return jnp.concatenate([jnp.sum(truth, 0), jnp.sum(right, 0), nats])

    size = min(_PIECE, len(rows))
    sums = jnp.sum(jax.lax.map(piece, rows.reshape(-1, size)), 0)
    there, hits, nats = jnp.split(sums, [len(classes), 2 * len(classes)])
    balanced = jnp.sum(hits / jnp.maximum(there, 1)) / jnp.maximum(jnp.sum(there > 0), 1)
    total = jnp.maximum(jnp.sum(there), 1)
    return {
        "balanced": balanced,
        "accuracy": jnp.sum(hits) / total,
        "entropy": nats[0] / total,
        "loss": nats[1] / total,
    }


@dataclass(frozen=True)
class _Predict:
    answer: Any
    classes: int


@dataclass(frozen=True)
class Lowered:
    """Traced training of many runs of one program, to be compiled; which many threads can do at once, as they cannot trace."""

    program: Program
    domains: Domains
    first: Any
    stretch: Any

    def compiled(self) -> "Runs":
        """Ready to run."""
        return Runs(self.program, self.domains, self.first.compile(), self.stretch.compile())


def lowered(program: Program, domains: Domains, plan: Plan) -> Lowered:
    """Traces a program for the shapes of a plan."""
    task = build_task(program.experiment)
    optimizers = task_optimizers(task, program.experiment.optimizer, program.experiment.training.steps)

    def begin(seed: Array) -> TrainState:
        return init_state(task, optimizers, jax.random.key(seed), False)

    stretch = partial(_stretch, program, task, optimizers, _Predict(task.predict, domains.classes))
    with nn.intercept_methods(patched(program.dtype)):
        first = jax.jit(jax.vmap(begin)).lower(plan.seed)
        state = jax.eval_shape(jax.vmap(begin), plan.seed)
        many = jax.vmap(stretch, in_axes=(0, 0, None, None))
        given = (plan, domains.images, domains.label)
        shapes = jax.tree.map(lambda x: jax.ShapeDtypeStruct(x.shape, x.dtype), given)
        return Lowered(program, domains, first, jax.jit(many, donate_argnums=0).lower(state, *shapes))


class Runs:
    """Compiled training of many runs of one program."""

    def __init__(self, program: Program, domains: Domains, first: Any, stretch: Any) -> None:
        """Of two compiled functions: what makes states, and what trains them for a while."""
        self.program, self._begin, self._stretch = program, first, stretch
        self._images, self._label = jnp.asarray(domains.images), jnp.asarray(domains.label)

    def begin(self, plan: Plan, start: PyTree | None = None) -> TrainState:
        """States of the runs, with given `variables` (leading axis) in place of random ones."""
        state = self._begin(plan.seed)
        if start is None:
            return state
        rest = {name: value for name, value in start.items() if name != "params"}
        return state.replace(params=start["params"], model_state={**state.model_state, **rest})

    def stretch(self, state: TrainState, plan: Plan) -> tuple[TrainState, dict[str, dict[str, np.ndarray]]]:
        """Trains `every` steps: the states, and scores (R,) on `validation`, `source`, `target`."""
        state, scores = self._stretch(state, plan, self._images, self._label)
        return state, jax.tree.map(np.asarray, scores)


def _stretch(
    program: Program,
    task: Any,
    optimizers: Any,
    predict: _Predict,
    state: TrainState,
    plan: Plan,
    images: Array,
    label: Array,
) -> tuple[TrainState, dict]:
    """`every` steps of one run and its scores."""
    update = make_update(task, optimizers, plan.seed, None)
    key = jax.random.fold_in(jax.random.fold_in(jax.random.key(plan.seed), _ORDER_KEY), state.step)
    keys = dict(zip(program.streams, jax.random.split(key, len(program.streams)), strict=True))
    orders = {name: ordered(plan.rows[name], plan.count[name], own) for name, own in keys.items()}

    def step(state: TrainState, number: Array) -> tuple[TrainState, None]:
        batch = batch_at(program, plan, orders, images, label, number)
        return update(state, jax.tree.map(lambda x: x[None, None], batch))[0], None

    state, _ = jax.lax.scan(step, state, jnp.arange(program.every))
    domain = {"validation": plan.domain["target"], "source": plan.domain["source"], "target": plan.domain["target"]}
    scores = {
        name: recalls(predict, state.variables, domain[name], rows, images, label) for name, rows in plan.judged.items()
    }
    return state, scores
