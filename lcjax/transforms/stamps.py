"""Stamps before a network: central crop, min-max per alert and channel, missing pixels (AJ 162, 231).

Pixels come in the survey's own units with NaN where nothing was measured; what leaves is in [0, 1] without NaN. All
functions are pure and jittable and take (..., H, W, C).
"""

import chex
import jax
import jax.numpy as jnp

from lcjax.errors import DataError
from lcjax.transforms.multiscale import HUGE
from lcjax.typing import Array


def crop_center(stamps: Array, size: int) -> Array:
    """The central `size` x `size` pixels of (..., H, W, C); the centre is pixel (H // 2, W // 2).

    Raises:
      DataError: the stamps are smaller than that.

    >>> crop_center(jnp.arange(63 * 63).reshape(1, 63, 63, 1), 21)[0, 0, 0, 0] == 21 * 63 + 21
    Array(True, dtype=bool)
    """
    chex.assert_axis_dimension_gt(stamps, -3, 0)
    height, width = stamps.shape[-3:-1]
    if size > height or size > width:
        raise DataError(
            f"stamps of {height} x {width} pixels cannot be cropped to {size} x {size}: give larger stamps or a "
            "smaller --inputs.crop"
        )
    top, left = height // 2 - size // 2, width // 2 - size // 2
    return stamps[..., top : top + size, left : left + size, :]


def minmax(stamps: Array, ignore_fill: bool = True) -> Array:
    """Scales every channel of every stamp to [0, 1] over its own pixels; NaN stays NaN.

    Args:
      stamps: (..., H, W, C) float32.
      ignore_fill: pixels beyond +-1e10 (fill values such as -3.4e38, infinities) count as missing. False is the
        reference: one such pixel blanks its channel or makes it constant.

    Returns:
      (..., H, W, C) float32; a constant channel becomes NaN (0 / 0), as in the reference.
    """
    stamps = jnp.asarray(stamps, jnp.float32)
    chex.assert_axis_dimension_gt(stamps, -3, 0)
    if ignore_fill:
        stamps = jnp.where(jnp.abs(stamps) <= HUGE, stamps, jnp.nan)
    shifted = stamps - jnp.nanmin(stamps, axis=(-3, -2), keepdims=True)
    largest = jnp.broadcast_to(jnp.nanmax(shifted, axis=(-3, -2), keepdims=True), shifted.shape)
    # A true division: the compiler would multiply by the reciprocal, which is 0 where a fill value is the range.
    return shifted / jax.lax.optimization_barrier(largest)


def prepare_stamps(stamps: Array, crop: int, ignore_fill: bool = True) -> Array:
    """Raw stamps (..., H, W, C) -> network images (..., crop, crop, C) float32 in [0, 1], missing pixels 0."""
    scaled = minmax(crop_center(stamps, crop), ignore_fill)
    return jnp.where(jnp.isnan(scaled), 0.0, scaled)
