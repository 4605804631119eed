"""What a detector computes from scaled features: loss, latents, score. Shared by single runs and by many detectors at once."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial

import flax.linen as nn
import jax
import jax.numpy as jnp

from lcjax.global_batch import rows_of
from lcjax.losses.autoencoding import reconstruction_loss, squared_error, variational_loss
from lcjax.losses.hypersphere import class_means, hypersphere_loss, off_zero, squared_distances
from lcjax.models.svdd import FeatureAutoencoder, Hypersphere, VariationalAutoencoder
from lcjax.models.svdd_config import DetectorModelConfig
from lcjax.systems.svdd.config import SvddExperiment
from lcjax.typing import Array, Axis, PyTree

SPHERE_STAGE = "autoencoder"
"""The detector whose encoder a hypersphere begins with."""


@dataclass(frozen=True, eq=False)
class Core:
    """Pure functions of `variables` (`params`, `batch_stats`), a batch with scaled `features` (B, F), and centres (K, Z)."""

    model: nn.Module
    loss: Callable[..., tuple[Array, PyTree]]
    """(variables, batch, centres, key, training, axis) -> (scalar, batch statistics); the batch has `label` and `weight` too."""
    outputs: Callable[[PyTree, Array, Array], dict[str, Array]]
    """(variables, scaled features, centres) -> `anomaly_score` (B,), `embedding` (B, Z), and `distances` (B, K) of spheres,
    squared, or `feature_errors` (B, F) of autoencoders, squared."""
    centres: Callable[[PyTree, Array, Array], Array]
    """(variables, scaled features (N, F) of known objects, label (N,), -1 to leave out) -> centres (K, Z), inference mode."""


def build_core(experiment: SvddExperiment, centres: int | None = None) -> Core:
    """The functions of a detector; of equal settings the same ones, so that they are compiled once.

    Args:
      centres: number of them; None: as the experiment's classes say.
    """
    count = experiment.centres if centres is None else centres
    if experiment.spheres:
        return _sphere_core(experiment.model, experiment.detector == "deep_svdd", count, experiment.centre_epsilon)
    return _autoencoder_core(experiment.model, experiment.noise_draws if experiment.detector == "vae" else 0)


@cache
def _autoencoder_core(config: DetectorModelConfig, draws: int) -> Core:
    """draws: of noise, of a variational autoencoder; 0: a plain one."""
    variational = draws > 0
    model = (VariationalAutoencoder if variational else FeatureAutoencoder)(config)

    def loss(
        variables: PyTree, batch: dict, centres: Array, key: Array, training: bool = True, axis: Axis = None
    ) -> tuple[Array, PyTree]:
        del centres
        inputs = {"features": batch["features"], "weight": batch["weight"]}
        if variational:
            rows = rows_of(batch, len(batch["features"]), axis)
            draw = lambda row: jax.random.normal(jax.random.fold_in(key, row), (draws, config.latent))
            inputs["noise"] = jnp.swapaxes(jax.vmap(draw)(rows), 0, 1)
        out, state = _run(model, variables, inputs, training, axis)
        if variational:
            parts = (out["reconstruction"], batch["features"], out["embedding"], out["log_variance"], batch["weight"])
            return variational_loss(*parts, axis), state
        return reconstruction_loss(out["reconstruction"], batch["features"], batch["weight"], axis), state

    def outputs(variables: PyTree, features: Array, centres: Array) -> dict[str, Array]:
        del centres
        out = model.apply(variables, {"features": features})
        decoded = out["reconstruction"][0] if variational else out["reconstruction"]
        errors = (decoded - features) ** 2
        return {
            "anomaly_score": squared_error(decoded, features),
            "embedding": out["embedding"],
            "feature_errors": errors,
        }

    return Core(model, loss, outputs, lambda variables, features, label: jnp.zeros((0, config.latent)))


@cache
def _sphere_core(config: DetectorModelConfig, single: bool, count: int, epsilon: float) -> Core:
    """single: one centre for all classes."""
    model = Hypersphere(config)

    def own(label: Array) -> Array:
        return jnp.minimum(label, 0) if single else label

    def loss(
        variables: PyTree, batch: dict, centres: Array, key: Array, training: bool = True, axis: Axis = None
    ) -> tuple[Array, PyTree]:
        del key
        out, state = _run(model, variables, batch, training, axis)
        return hypersphere_loss(out["embedding"], centres, own(batch["label"]), batch["weight"], axis), state

    def outputs(variables: PyTree, features: Array, centres: Array) -> dict[str, Array]:
        latent = model.apply(variables, {"features": features})["embedding"]
        distances = squared_distances(latent, centres)
        return {"anomaly_score": jnp.min(distances, axis=-1), "embedding": latent, "distances": distances}

    def found_centres(variables: PyTree, features: Array, label: Array) -> Array:
        latent = model.apply(variables, {"features": features})["embedding"]
        return off_zero(class_means(latent, own(label), count), epsilon)

    return Core(model, loss, outputs, found_centres)


def _run(model: nn.Module, variables: PyTree, batch: dict, training: bool, axis: Axis) -> tuple[dict, PyTree]:
    entries = {name: batch[name] for name in ("features", "weight", "noise") if name in batch}
    # Rows that say nothing must not move the statistics of those that do.
    if "label" in batch:
        entries["weight"] = entries["weight"] * (batch["label"] >= 0)
    if not training:
        return model.apply(variables, entries, axis=axis), variables["batch_stats"]
    run = partial(model.apply, deterministic=False, axis=axis, mutable=["batch_stats"])
    out, state = run(variables, entries)
    return out, state["batch_stats"]
