"""Stamps of galaxies as Deep-CLASH sees them: one size, each image scaled by itself."""

import math

import chex
import jax
import jax.numpy as jnp

from lcjax.errors import ConfigError
from lcjax.transforms.image_augmentation import uniform_by_row, warp
from lcjax.typing import Array

HUGE = 1e10
"""Beyond it a number stands for a missing pixel."""


def prepare_galaxies(
    images: Array,
    side: int,
    channels: str = "one",
    stretch: str = "none",
    softening: float = 0.1,
    eight_bit: bool = False,
) -> Array:
    """(B, H, W, C) of any numbers -> (B, side, side, 1) of 0 to 1: the same for an image whatever else is in the batch.

    Missing pixels (NaN, beyond +-1e10) take the lowest value of their image; bilinear resize; least and largest pixel of each image to 0
    and 1 (a constant image is 0).

    Args:
      channels: `one`: there is one; `mean`: of all, for pictures. stretch: `arcsinh` of the scaled image over `softening`.
      eight_bit: round to 256 levels, as the published code does before all else.

    Raises:
      ConfigError: several channels and `one`.
    """
    chex.assert_rank(images, 4)
    images = images.astype(jnp.float32)
    if images.shape[-1] > 1 and channels == "one":
        raise ConfigError(
            f"these images have {images.shape[-1]} channels, and each band is an image of its own: prepare them with one, or take "
            "their mean with --image.channels mean"
        )
    there = jnp.isfinite(images) & (jnp.abs(images) < HUGE)
    lowest = jnp.min(jnp.where(there, images, jnp.inf), axis=(1, 2), keepdims=True)
    images = jnp.where(there, images, jnp.where(jnp.isfinite(lowest), lowest, 0.0))
    images = jnp.mean(images, axis=-1, keepdims=True)
    if eight_bit:
        images = jnp.round(_min_max(images) * 255)
    if images.shape[1:3] != (side, side):
        images = jax.image.resize(images, (images.shape[0], side, side, 1), "bilinear", antialias=False)
    images = _min_max(images)
    if stretch == "arcsinh":
        images = jnp.arcsinh(images / softening) / math.asinh(1 / softening)
    return images


def _min_max(images: Array) -> Array:
    low, high = (f(images, axis=(1, 2, 3), keepdims=True) for f in (jnp.min, jnp.max))
    span = high - low
    return jnp.where(span > 0, (images - low) / jnp.where(span > 0, span, 1.0), 0.0)


def random_views(images: Array, key: Array, row: Array, degrees: float = 360.0, shift: float = 0.05) -> Array:
    """Turned by up to `degrees`, moved by up to `shift` of the side along both axes, mirrored along both; edges repeated.

    What a row gets depends on the key and its number in the global batch alone.
    """
    turn, move, mirror = jax.random.split(key, 3)
    most = math.radians(degrees)
    flips = uniform_by_row(mirror, row, 0.0, 1.0, (2,)) < 0.5
    for i, axis in enumerate((1, 2)):
        images = jnp.where(flips[:, i, None, None, None], jnp.flip(images, axis), images)
    angle = uniform_by_row(turn, row, -most, most)
    return warp(images, angle, uniform_by_row(move, row, -shift, shift, (2,)) * images.shape[1])
