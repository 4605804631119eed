"""Images of surveys as networks take them: cut to one size, missing pixels filled, scaled."""

import chex
import jax.numpy as jnp

from lcjax.errors import ConfigError
from lcjax.typing import Array

SCALES = ("min_max", "full_scale", "none")
_HUGE = 1e10
"""Beyond it a number stands for a missing pixel."""


def centre_crop(images: Array, size: int) -> Array:
    """The middle square of (..., H, W, C); of an even difference exactly the middle, else half a pixel up and left.

    Raises:
      ConfigError: the images are smaller.
    """
    height, width = images.shape[-3:-1]
    if min(height, width) < size:
        raise ConfigError(f"images of {height} x {width} pixels are smaller than the {size} that the network takes")
    top, left = (height - size) // 2, (width - size) // 2
    return images[..., top : top + size, left : left + size, :]


def scale_images(images: Array, scale: str, full_scale: Array | None = None) -> Array:
    """Missing pixels (NaN, beyond +-1e10) become 0, the others are scaled.

    Args:
      images: (B, H, W, C). scale: `min_max`: each channel of each image to [0, 1] by its finite pixels (a constant one is 0);
        `full_scale`: divided by the largest number that the file could hold; `none`.
      full_scale: (B,), needed by `full_scale`; NaN: 1.
    """
    chex.assert_rank(images, 4)
    images = images.astype(jnp.float32)
    there = jnp.isfinite(images) & (jnp.abs(images) < _HUGE)
    if scale == "full_scale":
        top = jnp.where(jnp.isfinite(full_scale), full_scale, 1.0)[:, None, None, None]
        return jnp.where(there, images / top, 0.0)
    if scale == "none":
        return jnp.where(there, images, 0.0)
    low = jnp.min(jnp.where(there, images, jnp.inf), axis=(1, 2), keepdims=True)
    high = jnp.max(jnp.where(there, images, -jnp.inf), axis=(1, 2), keepdims=True)
    span = high - low
    known = jnp.isfinite(span) & (span > 0)
    scaled = (images - jnp.where(known, low, 0.0)) / jnp.where(known, span, 1.0)
    return jnp.where(there & known, scaled, 0.0)
