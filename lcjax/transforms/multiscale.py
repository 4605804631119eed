"""Stamps for the multi-scale classifier: normalisation and four ways to spend few pixels (arXiv 2304.13080).

| scenario | array | field | pixel |
| --- | --- | --- | --- |
| cropped | 16 x 16, one level | 16" | 1" |
| low_res | 16 x 16, one level | 63" | 4" |
| multiscale | 8 x 8, four levels, finest first | 8", 16", 32", 63" | 1", 2", 4", 8" |
| full | 63 x 63, one level | 63" | 1" |

(for ZTF; every size is an argument). Pixels come in the survey's own units, missing ones NaN. All functions are pure and
jittable and take (..., H, W, C). Means over blocks are those of SAME pooling: cells that a block lacks at the edge do not
count, a missing pixel (0 after normalisation) does.
"""

import math
from typing import Literal

import chex
import jax
import jax.numpy as jnp
import numpy as np

from lcjax.errors import DataError
from lcjax.typing import Array

Scenario = Literal["cropped", "low_res", "multiscale", "full", "rings"]
Fourier = Literal["none", "field", "stamp"]

HUGE = 1e10
"""Larger pixels (the survey's fill values) have no say in the range of a stamp."""
PERCENTILE = 99.0
CLIP = 2.0
EPSILON = 1e-8


def sky_vector(ra: Array, dec: Array) -> Array:
    """Right ascension and declination (...), degrees, as a point (..., 3) of the unit sphere.

    >>> sky_vector(0.0, 0.0).tolist()
    [1.0, 0.0, 0.0]
    """
    ra, dec = jnp.deg2rad(jnp.asarray(ra, jnp.float32)), jnp.deg2rad(jnp.asarray(dec, jnp.float32))
    return jnp.stack([jnp.cos(ra) * jnp.cos(dec), jnp.sin(ra) * jnp.cos(dec), jnp.sin(dec)], axis=-1)


def upper_percentile(values: Array, valid: Array, percentile: float = PERCENTILE) -> Array:
    """Percentile above 50 of the valid entries of the last axis, linear between ranks; NaN where nothing is valid.

    Only the largest entries are sorted, which is what makes it cheap: (..., N) float32 and bool -> (...).

    >>> float(upper_percentile(jnp.arange(101.0), jnp.arange(101) < 51, 90.0))
    45.0
    """
    chex.assert_equal_shape([values, valid])
    rest = 1.0 - percentile / 100.0
    total = values.shape[-1]
    kept = min(total, math.floor((total - 1) * rest) + 2)
    largest, _ = jax.lax.top_k(jnp.where(valid, values, -jnp.inf), kept)
    count = jnp.sum(valid, axis=-1)
    from_top = jnp.maximum(count - 1, 0) * rest
    rank = jnp.minimum(jnp.floor(from_top).astype(jnp.int32), kept - 1)
    take = lambda at: jnp.take_along_axis(largest, at[..., None], axis=-1)[..., 0]
    above, below = take(rank), take(jnp.minimum(rank + 1, jnp.clip(count - 1, 0, kept - 1)))
    value = above - (above - below) * (from_top - rank)
    return jnp.where(count > 0, value, jnp.nan)


def value_range(values: Array, valid: Array) -> tuple[Array, Array]:
    """Smallest and 99th-percentile absolute value over the last axis, both (...); NaN where nothing is valid.

    Args:
      values: (..., N). valid: (..., N) bool, entries that count; infinite and huge ones never do.
    """
    size = jnp.abs(values)
    valid = valid & jnp.isfinite(size) & (size <= HUGE)
    safe = jnp.where(valid, size, 0.0)
    low = jnp.min(jnp.where(valid, size, jnp.inf), axis=-1)
    return jnp.where(jnp.any(valid, axis=-1), low, jnp.nan), upper_percentile(safe, valid)


def scaled(values: Array, low: Array, high: Array) -> Array:
    """Brings `low` to 0 and `high` to 1, clips to [-2, 2]; what is missing, or has no range, becomes 0."""
    known = ~jnp.isnan(values) & ~jnp.isnan(low)
    ready = jnp.clip((jnp.where(known, values, 0.0) - low) / (high - low + EPSILON), -CLIP, CLIP)
    return jnp.where(known & ~jnp.isnan(ready), ready, 0.0)


def normalize_stamps(stamps: Array) -> Array:
    """Raw stamps (..., H, W, C) -> (..., H, W, 2 C) float32: normalised pixels, then masks of pixels that are not finite.

    Range per stamp and channel: from the smallest to the 99th percentile of the absolute pixels.
    """
    stamps = jnp.asarray(stamps, jnp.float32)
    finite = jnp.isfinite(stamps)
    flat = lambda x: jnp.moveaxis(x.reshape(*x.shape[:-3], -1, x.shape[-1]), -1, -2)
    low, high = value_range(flat(stamps), flat(finite))
    pixels = scaled(stamps, low[..., None, None, :], high[..., None, None, :])
    return jnp.concatenate([pixels, (~finite).astype(jnp.float32)], axis=-1)


def central(stamps: Array, size: int) -> Array:
    """The central `size` x `size` pixels; where that cannot be halved, one pixel more is cut off before than behind.

    Raises:
      DataError: the stamps are smaller than that.

    >>> central(jnp.arange(63 * 63).reshape(63, 63, 1), 16)[0, 0, 0] == 24 * 63 + 24
    Array(True, dtype=bool)
    """
    height, width = stamps.shape[-3:-1]
    if size > height or size > width:
        raise DataError(
            f"stamps of {height} x {width} pixels have no central {size} x {size}: give larger stamps or a smaller "
            "--inputs.size"
        )
    top, left = (-(-(side - size) // 2) for side in (height, width))
    return stamps[..., top : top + size, left : left + size, :]


def mean_pool(stamps: Array, factor: int) -> Array:
    """Means over `factor` x `factor` blocks, (..., H, W, C) -> (..., ceil(H / factor), ceil(W / factor), C).

    What the last blocks lack is shared between both edges, the larger part at the bottom and right, and does not count.

    >>> mean_pool(jnp.arange(9.0).reshape(3, 3, 1), 2)[..., 0].tolist()
    [[2.0, 3.5], [6.5, 8.0]]
    """
    height, width = stamps.shape[-3:-1]
    sides = [-(-side // factor) for side in (height, width)]
    pads = [
        (lacking // 2, lacking - lacking // 2) for lacking in (sides[0] * factor - height, sides[1] * factor - width)
    ]

    def block_sum(x: Array) -> Array:
        x = jnp.pad(x, [(0, 0)] * (x.ndim - 3) + [*pads, (0, 0)])
        blocks = (*x.shape[:-3], sides[0], factor, sides[1], factor, x.shape[-1])
        return jnp.sum(x.reshape(blocks), axis=(-4, -2))

    return block_sum(stamps) / block_sum(jnp.ones((height, width, 1), stamps.dtype))


def mean_levels(stamps: Array, size: int = 8, levels: int = 4) -> Array:
    """The centre at ever coarser pixels: level k is the central `size` x `size` of the image pooled k times by 2.

    Args:
      stamps: (..., H, W, C), H and W above `size * 2^(levels - 2)`.

    Returns:
      (..., levels, size, size, C), finest first.

    Raises:
      DataError: the stamps are smaller than that.
    """
    height, width = stamps.shape[-3:-1]
    if -(-min(height, width) // 2 ** (levels - 1)) < size:
        raise DataError(
            f"stamps of {height} x {width} pixels are too small for {levels} levels of {size} x {size}: give larger "
            "stamps, a smaller --inputs.size or fewer --inputs.levels"
        )
    out = [central(stamps, size)]
    for _ in range(levels - 1):
        stamps = mean_pool(stamps, 2)
        out.append(central(stamps, size))
    return jnp.stack(out, axis=-4)


def stack_levels(levels: Array) -> Array:
    """(..., L, S, S, C) -> (..., S, S, L * C), level after level: the published layout."""
    moved = jnp.moveaxis(levels, -4, -2)
    return moved.reshape(*moved.shape[:-2], -1)


def stamp_view(normalized: Array, scenario: Scenario, size: int = 16, levels: int = 4) -> Array:
    """What a network sees of normalised stamps (..., H, W, C) in a scenario: (..., L, S, S, C), L = 1 but for multiscale.

    Args:
      size: side S of the result in pixels; `full` ignores it. For `low_res` blocks have ceil(H / size) pixels a side.
    """
    if scenario == "full":
        seen = normalized
    elif scenario == "cropped":
        seen = central(normalized, size)
    elif scenario == "low_res":
        seen = mean_pool(normalized, -(-max(normalized.shape[-3:-1]) // size))
    else:
        return mean_levels(normalized, size, levels)
    return seen[..., None, :, :, :]


def fourier_amplitude(image: Array, size: int) -> Array:
    """log(1 + amplitude) of the `size` x `size` lowest spatial frequencies of (..., S, S): trains of glints repeat.

    Frequencies are whole cycles a stamp for odd sizes and half-way between for even ones, so that they lie evenly about
    zero: turning or flipping the stamp turns or flips the result, exactly. Amplitudes are divided by S.
    """
    side = image.shape[-1]
    chex.assert_axis_dimension(image, -2, side)
    at = np.arange(side) - (side - 1) / 2
    phase = 2 * np.pi * np.outer(np.arange(size) - (size - 1) / 2, at) / side
    cos, sin = np.cos(phase).astype(np.float32), np.sin(phase).astype(np.float32)
    turn = lambda a, b: jnp.einsum("ij,...jk,lk->...il", a, image, b, precision=jax.lax.Precision.HIGHEST)
    real, imaginary = turn(cos, cos) - turn(sin, sin), turn(sin, cos) + turn(cos, sin)
    return jnp.log1p(jnp.sqrt(real**2 + imaginary**2 + 1e-12) / side)


def add_fourier(seen: Array, normalized: Array, which: Fourier, channel: int = 2) -> Array:
    """Appends the Fourier amplitude of one channel (the difference image) as one more channel.

    Args:
      seen: (..., L, S, S, C) from `stamp_view`. normalized: (..., H, W, C) it was made from.
      which: `field` transforms each level as it is seen, which costs no byte; `stamp` transforms the whole stamp and keeps
        its S x S lowest frequencies, the same for all levels; `none` changes nothing.
    """
    if which == "none":
        return seen
    if which == "field":
        extra = fourier_amplitude(seen[..., channel], seen.shape[-2])
    else:
        low = fourier_amplitude(normalized[..., channel], min(seen.shape[-2], normalized.shape[-2]))
        extra = jnp.broadcast_to(low[..., None, :, :], seen.shape[:-1])
    return jnp.concatenate([seen, extra[..., None]], axis=-1)
