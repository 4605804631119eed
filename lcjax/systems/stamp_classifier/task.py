"""The single-stamp classifier: stamps and metadata of an object's first alert to class probabilities.

Everything from raw pixels and candidate columns on happens inside the jitted step: crop, min-max, derived features,
clipping, standardisation, network, loss. `classifier_task` watches the network's health: the published 26-feature
checkpoint has a dead branch, and a run that ends there warns.
"""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np

from lcjax.errors import ConfigError
from lcjax.models.stamp_classifier import StampClassifier, stamp_train_flops
from lcjax.systems.classifier.surveys import usual_side
from lcjax.systems.classifier.task import classifier_task
from lcjax.systems.stamp_classifier.config import PUBLISHED_STATISTICS, StampExperiment, StampInputsConfig
from lcjax.training.task import Task
from lcjax.transforms import clip_features, network_features, prepare_stamps, raw_features
from lcjax.typing import Array

EXPERIMENT = StampExperiment


def resolve(experiment: StampExperiment) -> StampExperiment:
    """The experiment with parity spelt out and the shape of the network set from its inputs."""
    inputs, model = experiment.inputs, experiment.model
    if model.parity:
        inputs = dataclasses.replace(inputs, center_isdiffpos=False, ignore_fill=False)
        model = dataclasses.replace(model, norm="none", live_dropout=False)
    if len(inputs.feature_mean) not in (0, len(inputs.features)) or len(inputs.feature_mean) != len(inputs.feature_std):
        raise ConfigError(
            f"--inputs.feature-mean and --inputs.feature-std have {len(inputs.feature_mean)} and "
            f"{len(inputs.feature_std)} values for {len(inputs.features)} features: give one a feature, or none"
        )
    features = inputs.used_features
    kept = [inputs.features.index(name) for name in features]
    take = lambda values: tuple(values[i] for i in kept) if values else ()
    inputs = dataclasses.replace(
        inputs,
        features=features,
        without=(),
        feature_mean=take(inputs.feature_mean),
        feature_std=take(inputs.feature_std),
    )
    model = dataclasses.replace(
        model, num_classes=len(inputs.class_names), num_features=len(features), image_size=inputs.crop
    )
    return dataclasses.replace(experiment, inputs=inputs, model=model)


def feature_statistics(inputs: StampInputsConfig) -> tuple[np.ndarray, np.ndarray]:
    """Mean and standard deviation of every feature, (F,) float64.

    Centring `isdiffpos`, a binary feature, needs its mean p, which follows from its spread: p (1 - p) = std^2.
    """
    known = [PUBLISHED_STATISTICS.get(name, (0.0, 1.0)) for name in inputs.features]
    mean = np.array(inputs.feature_mean or [m for m, _ in known], np.float64)
    std = np.array(inputs.feature_std or [s for _, s in known], np.float64)
    if inputs.center_isdiffpos and not inputs.feature_mean and "isdiffpos" in inputs.features:
        i = inputs.features.index("isdiffpos")
        mean[i] = 0.5 - np.sqrt(max(0.25 - std[i] ** 2, 0.0))
    return mean, std


def fitted_statistics(inputs: StampInputsConfig, metadata: np.ndarray, label: np.ndarray) -> StampInputsConfig:
    """The inputs with means and spreads of the training alerts' clipped features, all classes weighing the same.

    Args:
      inputs: with `metadata_names` as the columns are.
      metadata: (N, M), nulls NaN. label: (N,) int, -1 unknown; without any label all alerts weigh the same.

    Returns:
      `feature_mean` and `feature_std` set; a feature that never changes, or is always null, gets spread 1.
    """
    if not inputs.features:
        return inputs
    columns = {name: metadata[:, i] for i, name in enumerate(inputs.metadata_names)}
    # Of no more features than the network takes: the others' columns need not be there.
    names = inputs.used_features
    clipped = np.asarray(clip_features(raw_features(columns, names), names), np.float64)
    count = np.bincount(label[label >= 0], minlength=1)
    weight = np.where(label >= 0, 1.0 / np.maximum(count[label], 1), 0.0) if count.any() else np.ones(len(label))
    known = np.isfinite(clipped) * weight[:, None]
    total = np.maximum(known.sum(0), 1e-300)
    values = np.where(np.isfinite(clipped), clipped, 0.0)
    mean = (known * values).sum(0) / total
    std = np.sqrt((known * (values - mean) ** 2).sum(0) / total)
    found = {
        n: (float(m), float(s) if s > 1e-6 * (1 + abs(m)) else 1.0) for n, m, s in zip(names, mean, std, strict=True)
    }
    mean_std = [found.get(name, (0.0, 1.0)) for name in inputs.features]
    return dataclasses.replace(
        inputs, feature_mean=tuple(m for m, _ in mean_std), feature_std=tuple(s for _, s in mean_std)
    )


def prepare_inputs(batch: dict, inputs: StampInputsConfig) -> dict[str, Array]:
    """Raw alerts -> what the network takes: `images` (B, crop, crop, C) and `features` (B, F), both float32.

    Args:
      batch: `stamps` (B, H, W, C) in the survey's units; `metadata` (B, M) with the columns `inputs.metadata_names`;
        `ra`, `dec` (B,) degrees, used where the metadata does not hold them.
    """
    images = prepare_stamps(batch["stamps"], inputs.crop, inputs.ignore_fill)
    if not inputs.features:
        return {"images": images, "features": jnp.zeros((images.shape[0], 0), jnp.float32)}
    columns = {name: batch[name] for name in ("ra", "dec") if name in batch}
    columns |= {name: batch["metadata"][:, i] for i, name in enumerate(inputs.metadata_names)}
    raw = raw_features(columns, inputs.features)
    mean, std = feature_statistics(inputs)
    return {"images": images, "features": network_features(raw, inputs.features, mean, std, inputs.missing)}


def build_task(experiment: StampExperiment) -> Task:
    """The Task of a stamp-classifier experiment."""
    experiment = resolve(experiment)
    inputs, model = experiment.inputs, experiment.model
    dtype = jnp.bfloat16 if experiment.training.precision == "bfloat16" else jnp.float32
    size = usual_side(inputs.surveys, inputs.crop)
    spec = {
        "stamps": jax.ShapeDtypeStruct((2, size, size, model.num_channels), jnp.float32),
        "metadata": jax.ShapeDtypeStruct((2, len(inputs.metadata_names)), jnp.float32),
        "ra": jax.ShapeDtypeStruct((2,), jnp.float32),
        "dec": jax.ShapeDtypeStruct((2,), jnp.float32),
    }
    return classifier_task(
        experiment,
        StampClassifier(model, dtype),
        lambda batch: prepare_inputs(batch, inputs),
        inputs.features,
        spec,
        lambda rows: stamp_train_flops(model, rows),
    )
