"""Raw images of fields as arrays, on the network's grid -> the stacks it takes; any other image is `HostPredictor`'s to place."""

from collections.abc import Mapping
from typing import Any

import jax.numpy as jnp
import numpy as np

from lcjax.errors import ConfigError, DataError
from lcjax.inference.raw_batch import as_array, as_mask, entry, is_traced, received
from lcjax.systems.delight.config import ImageConfig
from lcjax.transforms.delight import delight_stack, usable
from lcjax.typing import Batch

UNKNOWN = 1e37
"""Pixels as large are not known: some templates of ZTF have the largest float32 there."""


def receive(batch: Mapping[str, Any], spec: Batch, image: ImageConfig) -> dict[str, Any]:
    """`images` (B, S, S), with `mask` (B, S, S) where sources mask, or `stamps` (B, s, s, levels) -> `stamps`.

    Pixels that are not finite, or beyond any measured one, count as 0, as in `lcjax predict`.

    Raises:
      DataError: an entry is missing or misshapen, or an image shows nothing. ConfigError: `images` without the mask of
        their sources.
    """
    if "images" not in batch:
        ready = received(spec, batch, exact=("stamps",))
        _check(ready["stamps"])
        return ready | {"stamps": jnp.nan_to_num(ready["stamps"], posinf=0.0, neginf=0.0)}
    pixels, size = as_array(entry(batch, "images", ()), "images"), image.image_size
    if np.shape(pixels)[1:] != (size, size):
        raise DataError(
            f"'images' has the shape {np.shape(pixels)}: the model takes (rows, {size}, {size}), pixels of "
            f"{image.pixel_scale} arcsec with the transient in the middle; lcjax.systems.delight.predictor.HostPredictor "
            "resamples others"
        )
    mask = None
    if image.mask == "sources":
        if "mask" not in batch:
            raise ConfigError(
                "this model masks by detected sources: give their pixels as 'mask' (rows, S, S) beside 'images'; "
                "data_pipelines.kinds.host_fields.source_mask finds them"
            )
        mask = jnp.asarray(as_mask(batch["mask"]))
        if mask.shape != np.shape(pixels):
            raise DataError(f"'mask' has the shape {mask.shape} and 'images' {np.shape(pixels)}: they must agree")
    if not is_traced(pixels):
        with np.errstate(over="ignore"):
            pixels = np.asarray(pixels).astype(np.float32)
    pixels = jnp.asarray(pixels, jnp.float32)
    pixels = jnp.where(jnp.abs(pixels) < UNKNOWN, pixels, 0.0)
    stamps = jnp.moveaxis(delight_stack(pixels, mask, image.mask, image.levels), 1, -1)
    _check(stamps)
    return {"stamps": stamps}


def _check(stamps: Any) -> None:
    """Raises DataError for the first of concrete stacks (B, s, s, levels) that shows nothing or is not finite."""
    if is_traced(stamps):
        return
    good = np.asarray(usable(jnp.moveaxis(jnp.asarray(stamps), -1, 1)))
    if not good.all():
        raise DataError(f"nothing finite stands out in image {int(np.argmin(good))} of the batch to find a host by")
