"""Many small detectors trained at once on one device: `vmap` over held-out classes, folds and seeds.

Every member has rows, weights, moments and early stopping of its own; the program is compiled once for all. Members that have
stopped leave the computation when half of them have.
"""

import dataclasses
from collections.abc import Callable
from functools import partial
from typing import Any, Literal

import jax
import jax.numpy as jnp
import numpy as np
import optax

from lcjax.errors import DataError
from lcjax.systems.svdd.core import Core
from lcjax.typing import Array, PyTree


@dataclasses.dataclass(frozen=True)
class Members:
    """M detectors of one kind: which rows of which table each learns from."""

    source: np.ndarray
    """(M,) int, the table of scaled features."""
    label: np.ndarray
    """(M, N) int, class among the member's own known classes; -1: not learned from."""
    train: np.ndarray
    """(M, N) bool."""
    validation: np.ndarray
    """(M, N) bool, rows that say when to stop."""
    seed: np.ndarray
    """(M,) int."""

    def __post_init__(self) -> None:
        """Raises DataError where a member has nothing to learn from or to validate on."""
        known = self.label >= 0
        for rows, what in ((self.train, "learn from"), (self.validation, "validate on")):
            if not (rows & known).any(1).all():
                raise DataError(
                    f"one of the detectors has no objects to {what}: classes are too small for so many folds"
                )

    def __len__(self) -> int:
        return len(self.source)

    def taken(self, which: np.ndarray) -> "Members":
        """Some of them."""
        return Members(*(getattr(self, field.name)[which] for field in dataclasses.fields(self)))


@dataclasses.dataclass(frozen=True)
class Schedule:
    """How long members train."""

    learning_rate: float = 5e-4
    batch_size: int = 1024
    max_epochs: int = 400
    patience: int = 100
    """Epochs without a better validation loss."""
    epochs_at_once: int = 10
    """Between two looks of the host."""
    spread: Literal["auto", "vmap", "map"] = "auto"
    """Members side by side (`vmap`), or one after the other in one program (`map`); auto: by device."""


@dataclasses.dataclass(frozen=True)
class Trained:
    """What became of M members."""

    variables: PyTree
    """Of the best epochs, first axis M."""
    best_loss: np.ndarray
    """(M,) validation loss."""
    best_epoch: np.ndarray
    """(M,)"""
    epochs: np.ndarray
    """(M,) that were computed."""


def initial_variables(core: Core, members: Members, features: int) -> PyTree:
    """Fresh weights of every member by its seed, first axis M; biases and kernels N(0, 0.02) as published for autoencoders."""
    return _fresh(core, features, jnp.asarray(members.seed, jnp.uint32))


@partial(jax.jit, static_argnums=(0, 1))
def _fresh(core: Core, features: int, seeds: Array) -> PyTree:
    batch = {"features": jnp.zeros((2, features))}

    def one(seed: Array) -> PyTree:
        variables = core.model.init(jax.random.key(seed), batch)
        leaves, tree = jax.tree_util.tree_flatten_with_path(variables["params"])
        keys = jax.random.split(jax.random.fold_in(jax.random.key(seed), 7), len(leaves))
        drawn = [
            leaf if "norm" in str(path) else 0.02 * jax.random.normal(key, leaf.shape)
            for (path, leaf), key in zip(leaves, keys, strict=True)
        ]
        return variables | {"params": jax.tree.unflatten(tree, drawn)}

    return jax.vmap(one)(seeds)


def train_members(
    core: Core,
    tables: Array,
    members: Members,
    variables: PyTree,
    centres: Array,
    schedule: Schedule,
    say: Callable[[str], None] = lambda text: None,
) -> Trained:
    """Trains all members until each has stopped.

    Args:
      tables: (S, N, F) scaled features. variables: `params` and `batch_stats`, first axis M. centres: (M, K, Z).
      say: told of the progress.
    """
    arrays = _member_arrays(members, schedule)
    adam = optax.adam(schedule.learning_rate)
    state = {
        "variables": variables,
        "moments": jax.vmap(adam.init)(variables["params"]),
        "best": variables,
        "best_loss": jnp.full(len(members), jnp.inf, jnp.float32),
        "best_epoch": jnp.zeros(len(members), jnp.int32),
        "epoch": jnp.zeros(len(members), jnp.int32),
    }
    steps, size = _steps(members, schedule)
    state, arrays, centres = jax.tree.map(jnp.asarray, (state, arrays, centres))
    alive, done = np.arange(len(members)), {}
    while True:
        state = _epochs(core, schedule, steps, size, state, arrays, centres, tables)
        epoch, best = np.asarray(state["epoch"]), np.asarray(state["best_epoch"])
        active = (epoch < schedule.max_epochs) & (epoch - best < schedule.patience)
        say(f"epoch {int(epoch.max(initial=0))}: {int(active.sum())} of {len(members)} detectors in training")
        if active.any() and 2 * active.sum() > len(alive):
            continue
        # Those that have stopped leave; the rest go on in a smaller program.
        host = jax.tree.map(np.asarray, {k: state[k] for k in ("best", "best_loss", "best_epoch", "epoch")})
        for place in np.flatnonzero(~active):
            done[alive[place]] = jax.tree.map(lambda x: x[place], host)
        keep = np.flatnonzero(active)
        alive = alive[keep]
        if not len(alive):
            break
        state, arrays, centres = jax.tree.map(lambda x: x[keep], (state, arrays, centres))
    whole: Any = jax.tree.map(lambda *x: np.stack(x), *(done[i] for i in range(len(members))))
    return Trained(whole["best"], whole["best_loss"], whole["best_epoch"], whole["epoch"])


def _steps(members: Members, schedule: Schedule) -> tuple[int, int]:
    """Updates of an epoch, and rows of each: as many rows as there are to learn from, in batches of equal size."""
    rows = int((members.train & (members.label >= 0)).sum(1).max())
    steps = -(-rows // schedule.batch_size)
    return steps, -(-rows // steps)


def _member_arrays(members: Members, schedule: Schedule) -> dict[str, np.ndarray]:
    """What the program reads of every member."""
    known = members.train & (members.label >= 0)
    counts = [np.bincount(label[rows], minlength=1) for label, rows in zip(members.label, known, strict=True)]
    chance = np.stack(
        [
            np.where(rows, 1 / np.maximum(count, 1)[np.maximum(label, 0)], 0.0)
            for label, rows, count in zip(members.label, known, counts, strict=True)
        ]
    )
    ladder = np.cumsum(chance, axis=1)
    checked = members.validation & (members.label >= 0)
    width = int(checked.sum(1).max())
    rows = np.zeros((len(members), width), np.int32)
    weight = np.zeros((len(members), width), np.float32)
    for i, mask in enumerate(checked):
        found = np.flatnonzero(mask)
        rows[i, : len(found)], weight[i, : len(found)] = found, 1
    return {
        "source": members.source.astype(np.int32),
        "label": members.label.astype(np.int32),
        "ladder": (ladder / ladder[:, -1:]).astype(np.float32),
        "last": np.array([np.flatnonzero(mask)[-1] for mask in known], np.int32),
        "validation": rows,
        "validation_weight": weight,
        "seed": members.seed.astype(np.uint32),
    }


@partial(jax.jit, static_argnums=(0, 1, 2, 3))
def _epochs(
    core: Core,
    schedule: Schedule,
    steps: int,
    size: int,
    state: dict,
    arrays: dict,
    centres: Array,
    tables: Array,
) -> dict:
    """Some epochs of every member."""
    adam = optax.adam(schedule.learning_rate)

    def one(state: dict, member: dict, centres: Array) -> dict:
        table = tables[member["source"]]

        def step(carry: tuple, number: Array) -> tuple[tuple, None]:
            variables, moments = carry
            key = jax.random.fold_in(jax.random.key(member["seed"]), number)
            draws, noise = jax.random.split(key)
            # Rounding of the ladder must not reach a row behind the last one that is learned from.
            found = jnp.searchsorted(member["ladder"], jax.random.uniform(draws, (size,)), side="right")
            rows = jnp.minimum(found, member["last"])
            batch = {"features": table[rows], "label": member["label"][rows], "weight": jnp.ones(size)}
            descend = lambda params: core.loss(
                {"params": params, "batch_stats": variables["batch_stats"]}, batch, centres, noise
            )
            (_, statistics), gradient = jax.value_and_grad(descend, has_aux=True)(variables["params"])
            change, moments = adam.update(gradient, moments, variables["params"])
            params = optax.apply_updates(variables["params"], change)
            return ({"params": params, "batch_stats": statistics}, moments), None

        def epoch(state: dict, _: None) -> tuple[dict, None]:
            active = (state["epoch"] < schedule.max_epochs) & (state["epoch"] - state["best_epoch"] < schedule.patience)
            numbers = state["epoch"] * steps + jnp.arange(steps)
            (variables, moments), _ = jax.lax.scan(step, (state["variables"], state["moments"]), numbers)
            rows = member["validation"]
            batch = {
                "features": table[rows],
                "label": member["label"][rows],
                "weight": member["validation_weight"],
            }
            key = jax.random.fold_in(jax.random.key(member["seed"]), 0x7FFFFFFF)
            loss, _ = core.loss(variables, batch, centres, key, training=False)
            better = active & (loss < state["best_loss"])
            choose = lambda new, old: jnp.where(better, new, old)
            number = state["epoch"] + 1
            new = {
                "variables": variables,
                "moments": moments,
                "best": jax.tree.map(choose, variables, state["best"]),
                "best_loss": choose(loss, state["best_loss"]),
                "best_epoch": choose(number, state["best_epoch"]),
                "epoch": jnp.where(active, number, state["epoch"]),
            }
            return new, None

        return jax.lax.scan(epoch, state, None, length=schedule.epochs_at_once)[0]

    if schedule.spread == "vmap" or (schedule.spread == "auto" and jax.default_backend() != "cpu"):
        return jax.vmap(one)(state, arrays, centres)
    return jax.lax.map(lambda parts: one(*parts), (state, arrays, centres))
