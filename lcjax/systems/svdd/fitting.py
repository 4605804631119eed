"""Networks of many detectors fitted together: autoencoders first, hyperspheres begin with their encoders."""

import dataclasses
from collections.abc import Callable, Sequence
from functools import partial
from typing import Literal

import jax
import jax.numpy as jnp
import numpy as np

from lcjax.systems.svdd.config import SvddExperiment
from lcjax.systems.svdd.core import SPHERE_STAGE, Core, build_core
from lcjax.systems.svdd.ensemble import Members, Schedule, Trained, initial_variables, train_members
from lcjax.typing import Array, PyTree

NETWORKS = ("autoencoder", "deep_svdd", "mcdsvdd", "vae")


@dataclasses.dataclass(frozen=True)
class FitSettings:
    """How the networks of detectors are trained."""

    learning_rate: float = 5e-4
    batch_size: int = 1024
    max_epochs: int = 400
    """Of each network; an epoch holds as many rows as there are to learn from."""
    vae_epochs: int = 200
    patience: int = 100
    centres: Literal["fixed", "recomputed"] = "fixed"
    """`fixed`: the score uses the centres that were trained to; `recomputed`: those of the trained network, before the test,
    as published."""
    spread: Literal["auto", "vmap", "map"] = "auto"
    """Networks side by side (`vmap`) or one after the other in one program (`map`); auto: by device."""

    def schedule(self, name: str) -> Schedule:
        """Of one kind of detector."""
        epochs = self.vae_epochs if name == "vae" else self.max_epochs
        usual = Schedule(self.learning_rate, self.batch_size, epochs, self.patience, spread=self.spread)
        return dataclasses.replace(usual, epochs_at_once=min(usual.epochs_at_once, max(epochs, 1)))


@dataclasses.dataclass(frozen=True)
class FittedNetworks:
    """M detectors of one kind."""

    core: Core
    trained: Trained
    centres: np.ndarray
    """(M, K, Z)."""

    def member(self, number: int) -> tuple[PyTree, np.ndarray]:
        """Variables and centres of one."""
        return jax.tree.map(lambda x: x[number], self.trained.variables), self.centres[number]


def fit_networks(
    names: Sequence[str],
    experiment: SvddExperiment,
    tables: np.ndarray | Array,
    members: Members,
    classes: int,
    settings: FitSettings,
    say: Callable[[str], None] = lambda text: None,
) -> dict[str, FittedNetworks]:
    """Networks of every kind asked for, of all members.

    Args:
      names: of `NETWORKS`. tables: (S, N, F) scaled. classes: known classes of each member.
    """
    tables = jnp.asarray(tables)
    found: dict[str, FittedNetworks] = {}
    kinds = [name for name in NETWORKS if name in names]
    if set(kinds) & {"deep_svdd", "mcdsvdd"} and SPHERE_STAGE not in kinds:
        kinds.insert(0, SPHERE_STAGE)
    for name in kinds:
        own = dataclasses.replace(experiment, detector=name)  # type: ignore[arg-type]
        core = build_core(own, {"mcdsvdd": classes, "deep_svdd": 1}.get(name, 0))
        start = initial_variables(core, members, tables.shape[-1])
        if own.spheres:
            encoders = found[SPHERE_STAGE].trained.variables
            start = {part: {"encoder": encoders[part]["encoder"]} for part in start}
        centres = _centres(core, tables, members, start)
        told = lambda text, name=name: say(f"{name}: {text}")
        trained = train_members(core, tables, members, start, centres, settings.schedule(name), told)
        if own.spheres and settings.centres == "recomputed":
            centres = _centres(core, tables, members, trained.variables)
        found[name] = FittedNetworks(core, trained, np.asarray(centres))
    return {name: value for name, value in found.items() if name in names}


def _centres(core: Core, tables: Array, members: Members, variables: PyTree) -> Array:
    """(M, K, Z) of the rows that each member learns from, each row once, one member after the other."""
    label = jnp.asarray(np.where(members.train, members.label, -1), jnp.int32)
    return _centres_of(core, tables, jax.tree.map(jnp.asarray, variables), jnp.asarray(members.source), label)


@partial(jax.jit, static_argnums=0)
def _centres_of(core: Core, tables: Array, variables: PyTree, source: Array, label: Array) -> Array:
    def one(member: tuple) -> Array:
        variables, source, label = member
        return core.centres(variables, tables[source], label)

    return jax.lax.map(one, (variables, source, label))


def score_members(fitted: FittedNetworks, tables: np.ndarray | Array, source: np.ndarray) -> np.ndarray:
    """Scores of every row by every member, (M, N)."""
    parts = jax.tree.map(jnp.asarray, (fitted.trained.variables, fitted.centres, source))
    return np.asarray(_scores(fitted.core, jnp.asarray(tables), *parts))


@partial(jax.jit, static_argnums=0)
def _scores(core: Core, tables: Array, variables: PyTree, centres: Array, source: Array) -> Array:
    def one(member: tuple) -> Array:
        variables, centres, source = member
        return core.outputs(variables, tables[source], centres)["anomaly_score"]

    return jax.lax.map(one, (variables, centres, source))
