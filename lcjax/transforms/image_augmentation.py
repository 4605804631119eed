"""Augmentations of stamps on the device, each random by row: what a row gets depends on the key and its number alone.

All take images (B, H, W, C) of finite numbers and give the same shape. Turns by quarters and mirror images are in `dihedral`.
"""

import math

import chex
import jax
import jax.numpy as jnp
from jax.scipy.ndimage import map_coordinates

from lcjax.transforms.dihedral import pick, random_symmetries
from lcjax.typing import Array


def uniform_by_row(key: Array, row: Array, low: float, high: float, shape: tuple[int, ...] = ()) -> Array:
    """(B, *shape) uniform numbers, a row's by its number in the global batch."""
    return jax.vmap(lambda r: jax.random.uniform(jax.random.fold_in(key, r), shape, minval=low, maxval=high))(row)


def normal_by_row(key: Array, row: Array, shape: tuple[int, ...]) -> Array:
    """(B, *shape) standard normal numbers, a row's by its number in the global batch."""
    return jax.vmap(lambda r: jax.random.normal(jax.random.fold_in(key, r), shape))(row)


def warp(images: Array, angle: Array, shift: Array) -> Array:
    """Turned about the middle by `angle` (B,) radians, then moved by `shift` (B, 2) pixels (rows, columns), bilinear.

    Pixels from outside are those of the nearest edge.
    """
    chex.assert_rank([images, angle, shift], [4, 1, 2])
    height, width = images.shape[1:3]
    middle = jnp.array([(height - 1) / 2, (width - 1) / 2])
    grid = jnp.stack(jnp.meshgrid(jnp.arange(height), jnp.arange(width), indexing="ij")).astype(jnp.float32)

    def one(image: Array, a: Array, s: Array) -> Array:
        y, x = grid[0] - middle[0] - s[0], grid[1] - middle[1] - s[1]
        places = [jnp.cos(a) * y + jnp.sin(a) * x + middle[0], -jnp.sin(a) * y + jnp.cos(a) * x + middle[1]]
        channel = lambda plane: map_coordinates(plane, places, order=1, mode="nearest")
        return jnp.moveaxis(jax.vmap(channel)(jnp.moveaxis(image, -1, 0)), 0, -1)

    return jax.vmap(one)(images, angle, shift)


def blur(images: Array, sigma: Array, radius: int = 4) -> Array:
    """Convolved with a Gaussian of `sigma` (B,) pixels, which keeps the sum of an image that is 0 near its edges."""
    chex.assert_rank([images, sigma], [4, 1])
    offsets = jnp.arange(-radius, radius + 1)
    weights = jnp.exp(-0.5 * (offsets / jnp.maximum(sigma, 1e-3)[:, None]) ** 2)
    weights = weights / jnp.sum(weights, axis=1, keepdims=True)
    for axis in (1, 2):
        pad = [(radius, radius) if i == axis else (0, 0) for i in range(4)]
        wide = jnp.pad(images, pad, mode="edge")
        size = images.shape[axis]
        parts = (
            weights[:, k][:, None, None, None] * jax.lax.slice_in_dim(wide, k, k + size, axis=axis)
            for k in range(2 * radius + 1)
        )
        images = sum(parts, jnp.zeros_like(images))
    return images


def background_noise(images: Array) -> Array:
    """(B, 1, 1, C): scatter of neighbouring pixels, robust: 1.4826 median |difference| / sqrt(2)."""
    difference = jnp.abs(images[:, :, 1:] - images[:, :, :-1])
    return 1.4826 / math.sqrt(2) * jnp.median(difference, axis=(1, 2), keepdims=True)


def add_noise(images: Array, key: Array, row: Array, factor: Array) -> Array:
    """With Gaussian noise of `factor` (B,) times the image's own background noise (`background_noise`)."""
    noise = normal_by_row(key, row, images.shape[1:])
    return images + factor[:, None, None, None] * background_noise(images) * noise


def contrast(images: Array, factor: Array) -> Array:
    """Stretched about the mean of each channel by `factor` (B,), which keeps the mean."""
    mean = jnp.mean(images, axis=(1, 2), keepdims=True)
    return mean + factor[:, None, None, None] * (images - mean)


def cut_out(images: Array, centre: Array, side: int) -> Array:
    """With a square of `side` pixels about `centre` (B, 2) set to the mean of each channel."""
    height, width = images.shape[1:3]
    inside = lambda size, at: jnp.abs(jnp.arange(size)[None] - at[:, None]) < side / 2
    gone = inside(height, centre[:, 0])[:, :, None] & inside(width, centre[:, 1])[:, None]
    return jnp.where(gone[..., None], jnp.mean(images, axis=(1, 2), keepdims=True), images)


def weak_view(images: Array, key: Array, row: Array, shift: float = 1.0, symmetric: bool = True) -> Array:
    """Mirrored, turned by quarters (if `symmetric`) and moved by up to `shift` pixels, whole ones: no pixel is resampled."""
    turn, move = jax.random.split(key)
    square = images.shape[1] == images.shape[2]
    turned = pick(images, random_symmetries(turn, row)) if square and symmetric else images
    steps = jnp.round(uniform_by_row(move, row, -shift, shift, (2,))).astype(jnp.int32)
    most = math.ceil(shift)
    padded = jnp.pad(turned, [(0, 0), (most, most), (most, most), (0, 0)], mode="edge")
    cut = lambda image, at: jax.lax.dynamic_slice(image, (most - at[0], most - at[1], 0), images.shape[1:])
    return jax.vmap(cut)(padded, steps)


def strong_view(
    images: Array, key: Array, row: Array, noise: float = 1.0, cut_share: float = 0.25, symmetric: bool = True
) -> Array:
    """Any angle (up to 15 degrees and no mirror images unless `symmetric`), moved by up to 1.5 pixels, blurred, noisier, of another
    contrast, with a square cut out.
    """
    keys = jax.random.split(key, 8)
    images = weak_view(images, keys[0], row, 0.0, symmetric)
    most = math.pi if symmetric else math.pi / 12
    angle = uniform_by_row(keys[1], row, -most, most)
    images = warp(images, angle, uniform_by_row(keys[2], row, -1.5, 1.5, (2,)))
    images = blur(images, uniform_by_row(keys[3], row, 0.0, 1.0))
    images = add_noise(images, keys[4], row, uniform_by_row(keys[5], row, 0.0, noise))
    images = contrast(images, uniform_by_row(keys[6], row, 0.7, 1.4))
    height, width = images.shape[1:3]
    side = max(round(cut_share * min(height, width)), 1)
    centre = uniform_by_row(keys[7], row, 0.0, 1.0, (2,)) * jnp.array([height - 1, width - 1])
    return cut_out(images, centre, side)


def vector_view(vectors: Array, key: Array, row: Array, noise: float, drop: float) -> Array:
    """Of feature vectors (B, D): noise of `noise` standard deviations, and a share `drop` of the entries set to 0."""
    one, two = jax.random.split(key)
    kept = uniform_by_row(two, row, 0.0, 1.0, vectors.shape[1:]) >= drop
    return jnp.where(kept, vectors + noise * normal_by_row(one, row, vectors.shape[1:]), 0.0)
