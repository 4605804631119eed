"""The multi-scale stamp classifier: stamps at several scales and sky position to class probabilities, satellites included.

Everything from raw pixels and candidate columns on happens inside the jitted step: normalisation, scenario, features,
network, loss.
"""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np

from lcjax.errors import ConfigError
from lcjax.models.multiscale_stamps import MultiscaleClassifier, multiscale_train_flops
from lcjax.systems.classifier.surveys import usual_side
from lcjax.systems.classifier.task import classifier_task
from lcjax.systems.multiscale_stamps.config import MultiscaleExperiment, MultiscaleInputsConfig
from lcjax.training.task import Task
from lcjax.transforms.flux_rings import encode, normalize_rings
from lcjax.transforms.multiscale import add_fourier, normalize_stamps, sky_vector, stamp_view
from lcjax.transforms.ranks import quantile_ranks
from lcjax.transforms.stamp_features import SURVEY_MISSING, raw_features
from lcjax.typing import Array

EXPERIMENT = MultiscaleExperiment

STAMPS = 3
"""Science, template, difference."""


def resolve(experiment: MultiscaleExperiment) -> MultiscaleExperiment:
    """The experiment with the shape of the network set from its inputs."""
    inputs = experiment.inputs
    for name in ("feature_mean", "feature_std", "feature_quantiles"):
        given = len(getattr(inputs, name))
        if given not in (0, len(inputs.features)):
            flag = name.replace("_", "-")
            raise ConfigError(
                f"--inputs.{flag} has {given} values for {len(inputs.features)} features: give one each, or none"
            )
    model = dataclasses.replace(
        experiment.model,
        num_classes=len(inputs.class_names),
        num_features=len(inputs.feature_names),
        image_size=inputs.size,
        num_levels=inputs.used_levels,
        num_channels=2 * STAMPS + (inputs.fourier != "none"),
    )
    return dataclasses.replace(experiment, inputs=inputs, model=model)


def prepare_images(stamps: Array, inputs: MultiscaleInputsConfig) -> Array:
    """Raw stamps (B, H, W, 3) in the survey's units -> what the network sees, (B, L, S, S, C) float32."""
    if inputs.scenario == "rings":
        seen = normalize_rings(encode(stamps, inputs.size, inputs.levels), inputs.size, inputs.levels)
        # Beside rings there is no whole stamp to transform.
        return add_fourier(seen, seen[..., 0, :, :, :], inputs.fourier)
    normalized = normalize_stamps(stamps)
    return add_fourier(stamp_view(normalized, inputs.scenario, inputs.size, inputs.levels), normalized, inputs.fourier)


def prepare_features(batch: dict, inputs: MultiscaleInputsConfig) -> Array:
    """Position and metadata -> (B, F) float32 in the order of `inputs.feature_names`."""
    columns = {name: batch[name] for name in ("ra", "dec") if name in batch}
    columns |= {name: batch["metadata"][:, i] for i, name in enumerate(inputs.metadata_names)}
    parts = [jnp.zeros((batch["stamps"].shape[0], 0), jnp.float32)]
    if inputs.position != "none":
        position = raw_features(columns, ("ra", "dec"))
        parts.append(sky_vector(position[:, 0], position[:, 1]) if inputs.position == "cartesian" else position)
    if inputs.features:
        parts.append(_metadata(columns, inputs))
    return jnp.concatenate(parts, axis=-1)


def _metadata(columns: dict[str, Array], inputs: MultiscaleInputsConfig) -> Array:
    """Metadata features standardised or ranked; what is missing gets the middle."""
    raw = raw_features(columns, inputs.features)
    signs = np.array([name == "isdiffpos" for name in inputs.features])
    raw = jnp.where(signs, 1.0 - 2.0 * raw, raw)
    missing = ~jnp.isfinite(raw) | (raw == SURVEY_MISSING)
    if inputs.transform == "quantile" and inputs.feature_quantiles:
        ranks = quantile_ranks(jnp.where(missing, 0.0, raw), np.array(inputs.feature_quantiles, np.float32))
        return jnp.where(missing, 0.5, ranks)
    mean = np.array(inputs.feature_mean or [0.0] * len(inputs.features), np.float32)
    std = np.array(inputs.feature_std or [1.0] * len(inputs.features), np.float32)
    return jnp.where(missing, 0.0, (raw - mean) / std)


def build_task(experiment: MultiscaleExperiment) -> Task:
    """The Task of a multi-scale experiment."""
    experiment = resolve(experiment)
    inputs, model = experiment.inputs, experiment.model
    dtype = jnp.bfloat16 if experiment.training.precision == "bfloat16" else jnp.float32
    size = inputs.size if inputs.scenario == "full" else usual_side(inputs.surveys, inputs.size)
    spec = {
        "stamps": jax.ShapeDtypeStruct((2, size, size, STAMPS), jnp.float32),
        "metadata": jax.ShapeDtypeStruct((2, len(inputs.metadata_names)), jnp.float32),
        "ra": jax.ShapeDtypeStruct((2,), jnp.float32),
        "dec": jax.ShapeDtypeStruct((2,), jnp.float32),
    }
    return classifier_task(
        experiment,
        MultiscaleClassifier(model, dtype),
        lambda batch: {
            "levels": prepare_images(batch["stamps"], inputs),
            "features": prepare_features(batch, inputs),
        },
        inputs.feature_names,
        spec,
        lambda rows: multiscale_train_flops(model, rows),
    )
