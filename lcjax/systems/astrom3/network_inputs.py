"""From batches of objects to what the encoders take: crops, the scalars of every point, standardised catalogue numbers."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from lcjax.global_batch import rows_of
from lcjax.models.astrom3_config import IMAGES, MultimodalConfig
from lcjax.models.image_trunks import example_images, prepared_images
from lcjax.systems.astrom3.config import InputsConfig
from lcjax.systems.astrom3.curve_encoder import magnitude_window
from lcjax.transforms.catalogue import catalogue_features
from lcjax.typing import Array, Axis

DAYS = 365.0
"""Of a year, as the published code has it."""
SERIES = ("time", "flux", "flux_error")
"""Of every point: 0 at the first, 1 at the last; (flux - mean) / spread; error / spread."""


def crop_starts(count: Array, length: int, padding: str, key: Array | None, row: Array) -> Array:
    """First point of each crop, (B,) int32: in the middle, or random where there is a key."""
    room = jnp.maximum(count - length, 0)
    if key is None:
        return room // 2
    draw = jax.vmap(lambda r: jax.random.uniform(jax.random.fold_in(key, r)))(row)
    places = room + 1 if padding == "release" else jnp.maximum(room, 1)
    return jnp.minimum((draw * places).astype(jnp.int32), places - 1)


def cropped(batch: dict, length: int, start: Array) -> tuple[Array, Array]:
    """Series (B, L, 3) and mask (B, L) of `length` consecutive points; zeros where there are none."""
    series = jnp.stack([batch[name] for name in SERIES], axis=-1)
    short = max(length - series.shape[1], 0)
    series = jnp.pad(series, ((0, 0), (0, short), (0, 0)))
    mask = jnp.pad(batch["mask"], ((0, 0), (0, short)))
    index = jnp.minimum(start[:, None] + jnp.arange(length), series.shape[1] - 1)
    picked = jnp.take_along_axis(mask, index, axis=1)
    values = jnp.take_along_axis(series, index[..., None], axis=1)
    return jnp.where(picked[..., None], values, 0.0), picked


def standardised_columns(batch: dict, inputs: InputsConfig) -> Array:
    """(B, F) columns of photometry, then of metadata, standardised; NaN where missing."""
    names = (*inputs.photometry_columns, *inputs.metadata_columns)
    place = {name: i for i, name in enumerate(inputs.data_columns or names)}
    values = batch["metadata"][:, np.array([place[name] for name in names], np.int32)]
    if not names:
        return values
    if not inputs.mean:
        return values
    ready = (catalogue_features(values, names) - jnp.asarray(inputs.mean, jnp.float32)) / jnp.asarray(
        inputs.std, jnp.float32
    )
    return jnp.where(batch["standardised"][:, None] > 0, values, ready)


def network_inputs(
    batch: dict,
    config: MultimodalConfig,
    inputs: InputsConfig,
    key: Array | None = None,
    axis: Axis = None,
) -> dict[str, dict[str, Array]]:
    """Modality -> what its encoder takes, with `present` (B,) bool.

    Args:
      batch: as the kind of data `multimodal` gives it. key: of random crops; None: from the middle.
    """
    row = rows_of(batch, batch["metadata"].shape[0], axis)
    columns = standardised_columns(batch, inputs)
    known = jnp.isfinite(columns)
    filled = jnp.where(known, columns, 0.0)
    found: dict[str, dict[str, Array]] = {}
    for name in config.modalities:
        if name == "photometry":
            found[name] = _photometry(batch, config, inputs, filled, key, row)
        elif name == "spectra":
            found[name] = _spectra(batch, inputs)
        elif name in IMAGES:
            ready = prepared_images(batch[name], batch[f"{name}_full_scale"], getattr(config, name))
            found[name] = {**ready, "present": jnp.asarray(batch[f"{name}_mask"])}
        else:
            first = len(inputs.photometry_columns)
            found[name] = {"values": filled[:, first:], "present": known[:, first:].any(axis=1)}
    return {name: {**arrays, "row": row} for name, arrays in found.items()}


def _photometry(
    batch: dict, config: MultimodalConfig, inputs: InputsConfig, filled: Array, key: Array | None, row: Array
) -> dict[str, Array]:
    length = config.photometry.length
    count = jnp.sum(batch["mask"], axis=1)
    points, mask = cropped(batch, length, crop_starts(count, length, inputs.padding, key, row))
    scalars = [filled[:, : len(inputs.photometry_columns)], batch["log_spread"][:, None], batch["years"][:, None]]
    tiled = jnp.repeat(jnp.concatenate(scalars, axis=1)[:, None], length, axis=1)
    if inputs.padding == "release":
        tiled = jnp.where(mask[..., None], tiled, 0.0)
    days = points[..., 0] * (DAYS * batch["years"][:, None])
    values = jnp.concatenate([points, tiled], axis=-1)
    present = count > 0
    if inputs.light_curves == "magnitudes":
        window = magnitude_window(points, mask, batch, days, row)
        present = window.pop("present")
        # The same scalars at every point: those of the first; an object without points has none.
        return {"windows": window, "scalars": jnp.where(present[:, None], values[:, 0, 3:], 0.0), "present": present}
    # What is not there must be finite, and nothing else.
    return {"values": jnp.where(present[:, None, None], values, 0.0), "mask": mask, "time": days, "present": present}


def _spectra(batch: dict, inputs: InputsConfig) -> dict[str, Array]:
    error, spread = batch["spectrum_error"], batch["spectrum_log_spread"]
    if inputs.spectrum_error == "root":
        # An inverse variance divided by the spread was stored: back, and the error divided by the spread instead.
        variance = error * 10.0 ** spread[:, None]
        error = jnp.where(variance > 0, jax.lax.rsqrt(jnp.where(variance > 0, variance, 1.0)), 0.0)
        error = error * 10.0 ** -spread[:, None]
    channels = [batch["spectrum"], error, jnp.broadcast_to(spread[:, None], error.shape)]
    present = batch["spectrum_mask"].any(axis=1)
    values = jnp.where(present[:, None, None], jnp.stack(channels, axis=1), 0.0)
    return {"values": values, "present": present}


def batch_spec(config: MultimodalConfig, inputs: InputsConfig) -> dict[str, Any]:
    """Shapes of a batch of two."""
    f32 = lambda *shape: jax.ShapeDtypeStruct((2, *shape), jnp.float32)
    flags = lambda *shape: jax.ShapeDtypeStruct((2, *shape), jnp.bool_)
    length, samples = config.photometry.length, config.spectra.length
    columns = len(inputs.data_columns) or len(inputs.photometry_columns) + len(inputs.metadata_columns)
    magnitudes = {"flux_mean": f32()} if inputs.light_curves == "magnitudes" else {}
    images: dict[str, Any] = {}
    for name in (name for name in IMAGES if name in config.modalities):
        image = getattr(config, name)
        images |= {name: f32(*image.size, image.channels), f"{name}_mask": flags(), f"{name}_full_scale": f32()}
    return {
        **magnitudes,
        **images,
        **{name: f32(length) for name in SERIES},
        "mask": flags(length),
        "log_spread": f32(),
        "years": f32(),
        "spectrum": f32(samples),
        "spectrum_error": f32(samples),
        "spectrum_mask": flags(samples),
        "spectrum_log_spread": f32(),
        "metadata": f32(columns),
        "standardised": jax.ShapeDtypeStruct((2,), jnp.int32),
    }


def example_inputs(config: MultimodalConfig, rows: int) -> dict[str, dict[str, np.ndarray]]:
    """Zeros of the shapes that the encoders take."""
    p, there = config.photometry, np.ones(rows, bool)
    points = {"values": np.zeros((rows, p.length, p.channels), np.float32), "mask": np.ones((rows, p.length), bool)}
    every = {
        "photometry": points | {"time": np.zeros((rows, p.length), np.float32)},
        "spectra": {"values": np.zeros((rows, config.spectra.channels[0], config.spectra.length), np.float32)},
        "metadata": {"values": np.zeros((rows, config.metadata.inputs), np.float32)},
    }
    every |= {name: example_images(getattr(config, name), rows) for name in IMAGES if name in config.modalities}
    return {name: every[name] | {"present": there} for name in config.modalities}
