"""What a detector begins with: the scaler of the known objects, an autoencoder's encoder, and centres."""

import dataclasses
from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np

from lcjax.errors import WeightsError
from lcjax.systems.svdd.config import SvddExperiment
from lcjax.systems.svdd.core import SPHERE_STAGE, build_core
from lcjax.systems.svdd.ensemble import Members, Schedule, initial_variables, train_members
from lcjax.systems.svdd.rows import FeatureRows
from lcjax.systems.svdd.scaler import fit_scaler, scale
from lcjax.systems.svdd.task import CENTRES, SCALER
from lcjax.typing import PyTree

_HELD_BACK = 10
"""One in so many objects of each class says when the autoencoder's training stops."""


def starting_variables(
    experiment: SvddExperiment, rows: FeatureRows, given: PyTree | None, say: Callable[[str], None]
) -> PyTree:
    """Scaler, weights and centres.

    Args:
      given: variables of another detector, whose encoder and scaler are taken; None: fitted here.

    Raises:
      WeightsError: those are of other features.
    """
    if given is not None:
        scaler = {name: np.asarray(value) for name, value in given[SCALER].items()}
        if scaler["table"].shape[1] != rows.features.shape[1]:
            raise WeightsError(
                f"the initial weights are of {scaler['table'].shape[1]} features and the data has {rows.features.shape[1]}"
            )
    else:
        scaler = fit_scaler(experiment.inputs, rows.features, rows.labels)
    scaled = jax.jit(scale, static_argnums=0)(experiment.inputs.scaling, scaler["table"], rows.features)
    network = _network(experiment, rows, scaled, given, say)
    start: PyTree = {SCALER: scaler, **network}
    if experiment.spheres:
        core = build_core(experiment)
        if not network:
            network = jax.jit(core.model.init)(jax.random.key(experiment.training.seed), {"features": scaled[:2]})
            start |= network
        start[CENTRES] = {"centres": np.asarray(jax.jit(core.centres)(network, scaled, rows.labels))}
    return jax.tree.map(np.asarray, start)


def _network(
    experiment: SvddExperiment, rows: FeatureRows, scaled: jax.Array, given: PyTree | None, say: Callable[[str], None]
) -> PyTree:
    """Weights to begin with; empty: random ones."""
    if given is not None:
        parts = {name: given[name] for name in ("params", "batch_stats")}
        if not experiment.spheres:
            return parts
        if "encoder" not in parts["params"]:
            raise WeightsError(
                "the initial weights have no encoder that a hypersphere could begin with: give an autoencoder's"
            )
        return {name: {"encoder": part["encoder"]} for name, part in parts.items()}
    if not experiment.spheres or not experiment.pretraining_epochs:
        return {}
    say("training the autoencoder that the hypersphere begins with")
    trained = pretrained_encoder(experiment, rows, scaled)
    say(f"its validation loss is {float(trained[1]):.4g}")
    return trained[0]


def pretrained_encoder(experiment: SvddExperiment, rows: FeatureRows, scaled: jax.Array) -> tuple[PyTree, float]:
    """The encoder of an autoencoder of the known objects, and its validation loss."""
    core = build_core(dataclasses.replace(experiment, detector=SPHERE_STAGE))
    held = held_back(rows.labels, experiment.training.seed)
    members = Members(
        np.zeros(1, int),
        rows.labels[None],
        ~held[None] & (rows.labels >= 0)[None],
        held[None],
        np.array([experiment.training.seed]),
    )
    schedule = Schedule(
        experiment.pretraining_rate, experiment.training.batch_size, experiment.pretraining_epochs, patience=50
    )
    fresh = initial_variables(core, members, scaled.shape[1])
    trained = train_members(core, scaled[None], members, fresh, jnp.zeros((1, 0, experiment.model.latent)), schedule)
    first = jax.tree.map(lambda x: x[0], trained.variables)
    return {name: {"encoder": part["encoder"]} for name, part in first.items()}, trained.best_loss[0]


def held_back(label: np.ndarray, seed: int) -> np.ndarray:
    """(N,) bool, a tenth of every class, at least one object of it.

    >>> held_back(np.array([0, 0, 1, 1, -1]), 0).sum()
    np.int64(2)
    """
    out = np.zeros(len(label), bool)
    rng = np.random.default_rng((seed, 11))
    for c in np.unique(label[label >= 0]):
        own = rng.permutation(np.flatnonzero(label == c))
        out[own[: max(1, len(own) // _HELD_BACK)]] = True
    return out
