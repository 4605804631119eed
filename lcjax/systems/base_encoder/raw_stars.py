"""Raw stars in several bands as arrays: what `lcjax.load(W).predict(batch)` and exported programs take beside light curves."""

import functools
from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from lcjax.errors import DataError
from lcjax.inference.raw_batch import as_array, as_mask, entry, is_traced
from lcjax.passbands import star_slots
from lcjax.systems.base_encoder.config import BaseEncoderExperiment
from lcjax.systems.masked_pretraining import raw_curves
from lcjax.systems.masked_pretraining.task import made_up_windows, on_windows
from lcjax.transforms.asinh_magnitudes import asinh_magnitudes
from lcjax.typing import Array

MEANING = {
    "band": "slot of the band of each point, int32: about 0 u, 1 g, 2 r, 3 i, 4 z, 5 y; other bands in the order of their wavelengths, no two of a "
    "star in one slot; of a star in one band any. lcjax.load(...).predict takes names as well",
    "magnitude": "all bands of a star in one system, such as AB: colours are differences of magnitudes",
}


def on_stars(experiment: BaseEncoderExperiment) -> dict[str, Any]:
    """Parts of a `Task` on raw light curves, or on stars of several bands, whose points have a `band` (B, L)."""
    window, bands, brightness = experiment.window, experiment.model.encoder.bands, experiment.model.encoder.brightness
    received = functools.partial(receive, bands=bands, brightness=brightness)
    example = functools.partial(made_up_stars, length=window.length, bands=bands)
    if bands == 1:
        return on_windows(window) | {"receive": received, "example": example}
    found = on_windows(window, MEANING)
    spec = found["batch_spec"] | {"band": jax.ShapeDtypeStruct((2, window.length), jnp.int32)}
    return found | {
        "batch_spec": spec,
        "receive": received,
        "example": example,
    }


def made_up_stars(rows: int, length: int, bands: int) -> dict[str, np.ndarray]:
    """Stars with periods, one full, one half full, one with a single point; their points in bands one after the other.

    Of noise, where no period is better than the next, a network may see one or the other as sums are rounded.

    >>> made_up_stars(3, 4, 3)["band"][0].tolist(), "band" in made_up_stars(3, 4, 1)
    ([0, 1, 2, 0], False)
    """
    batch = made_up_windows(rows, length)
    mask, rng = batch["mask"], np.random.default_rng(1)
    band = np.where(mask, np.arange(length) % bands, 0).astype(np.int32)
    time = np.sort(np.where(mask, rng.uniform(-40, 40, mask.shape), 50.0), 1)
    wave = np.sin(2 * np.pi * time / (5.3 + np.arange(rows)[:, None]))
    batch["time"] = np.where(mask, time, 0).astype(np.float32)
    batch["magnitude"] = np.where(mask, 15 + 0.3 * band + 0.5 * wave, 0).astype(np.float32)
    batch["magnitude_error"] = np.where(mask, 0.02, 0).astype(np.float32)
    return batch | ({"band": band} if bands > 1 else {})


def receive(batch: Mapping[str, Any], bands: int, brightness: bool = False) -> dict[str, Any]:
    """As `raw_curves.receive`, with the slots `band` (B, L) int32 where several bands are told apart.

    Args:
      batch: `band` are names or slots, one a point (B, L) or one a row (B,); names outside of `jit` alone. `flux` and `flux_error` in
        place of magnitudes become `asinh_magnitudes`; all bands in one zero point, and of the object itself, no differences.
      brightness: whether the model looks at the magnitude itself, which fluxes without a zero point do not say.

    Raises:
      DataError: as there; no `band`, one of another shape, or bands that cannot be told apart; magnitudes and fluxes.
    """
    if "flux" in batch:
        batch = _of_fluxes(batch, brightness)
    ready = raw_curves.receive(batch)
    if bands == 1:
        return ready
    if "band" not in batch:
        raise DataError(
            f"the batch has no 'band', and this encoder tells {bands} apart: give names such as g, or slots from 0, one for each point or row"
        )
    shape = np.shape(ready["mask"])
    band = batch["band"] if isinstance(batch["band"], jax.Array) else np.asarray(batch["band"])
    if tuple(band.shape) == shape[:1]:
        band = (jnp if is_traced(band) else np).repeat(band[:, None], shape[1], axis=1)
    if tuple(band.shape) != shape:
        raise DataError(
            f"'band' has the shape {tuple(band.shape)}: give one for each point, {shape}, or row, {shape[:1]}"
        )
    return ready | {"band": _slots(band, ready["mask"], bands)}


def _of_fluxes(batch: Mapping[str, Any], brightness: bool) -> dict[str, Any]:
    """The batch with asinh magnitudes, NaN where flux or error is no number."""
    if "magnitude" in batch or brightness:
        why = (
            "it has magnitudes as well"
            if "magnitude" in batch
            else "the model looks at the brightness, and fluxes have no zero point here"
        )
        raise DataError(f"the batch has a 'flux', and {why}: give magnitudes, or fluxes alone")
    arrays = {name: as_array(entry(batch, name, ("flux", "flux_error")), name) for name in ("flux", "flux_error")}
    mask = as_mask(entry(batch, "mask", ("mask",)))
    shapes = {tuple(np.shape(x)) for x in (*arrays.values(), mask)}
    if len(shapes) > 1:
        raise DataError(f"'flux', 'flux_error' and 'mask' are arrays (rows, points) of one shape, not {sorted(shapes)}")
    flux, error = (jnp.asarray(arrays[name], jnp.float32) for name in ("flux", "flux_error"))
    good = mask & jnp.isfinite(flux) & jnp.isfinite(error) & (error > 0)
    found = asinh_magnitudes(flux, error, good)
    magnitude, spread = (jnp.where(good, one, jnp.nan) for one in found)
    return {**batch, "magnitude": magnitude, "magnitude_error": spread}


def _slots(band: Any, mask: Any, bands: int) -> Array | np.ndarray:
    if is_traced(band, mask):
        return jnp.where(mask, band, 0).astype(jnp.int32)
    band, mask = np.asarray(band), np.asarray(mask)
    if band.dtype.kind in "iu":
        if (odd := mask & ((band < 0) | (band >= bands))).any():
            row, point = np.argwhere(odd)[0]
            raise DataError(
                f"'band' of row {row} is {band[row, point]}, and slots are 0 to {bands - 1}: give these, or names such as g"
            )
        return np.where(mask, band, 0).astype(np.int32)
    if band.dtype.kind not in "UO":
        raise DataError(f"'band' is of {band.dtype}: give names such as g, or whole numbers, the slots")
    found = np.zeros(mask.shape, np.int32)
    for row, there in enumerate(mask):
        names = band[row, there].astype(str)
        try:
            slot = star_slots(names.tolist(), bands)
        except DataError as error:
            raise DataError(f"row {row}: {error}") from error
        found[row, there] = [slot[name] for name in names.tolist()]
    return found
