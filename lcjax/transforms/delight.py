"""DELIGHT preprocessing: masked, rescaled images as a pyramid of block medians.

An image (H, H) is reduced to `levels` planes of S x S values, S = 2 floor(H / 2^levels): plane k holds medians over
blocks of 2^k pixels around the centre, so that the last plane sees the whole field (AJ 164, 195).
Functions are jitted and compute in the dtype of the image, as the published code does, so that recorded stacks come out to
the last bit. Pixels are indexed (y, x); offsets are (dx, dy) in pixels, dx along columns.
"""

from functools import partial

import chex
import jax
import jax.numpy as jnp

from lcjax.errors import ConfigError
from lcjax.typing import Array

MAD_THRESHOLD = 3.0


def stack_side(image_size: int, levels: int) -> int:
    """Pixels along a side of every plane.

    >>> stack_side(480, 5)
    30
    """
    if levels < 1 or image_size < 2**levels or image_size % 2 ** (levels - 1):
        raise ConfigError(
            f"an image of {image_size} pixels cannot be halved into {levels} levels: the side must be a multiple of "
            f"{2 ** max(levels - 1, 0)}, and at least {2 ** max(levels, 1)}"
        )
    return 2 * (image_size // 2**levels)


def plane_begin(image_size: int, side: int, level: int) -> int:
    """First pixel of the image (row and column) that a plane of blocks of 2^level pixels sees.

    Whole blocks count from the edge of the image, as published: where their number is odd, the plane lies half a block
    before the middle.

    >>> plane_begin(480, 30, 0), plane_begin(480, 30, 4), plane_begin(240, 14, 4)
    (225, 0, 0)
    """
    block = 2**level
    return (image_size // block // 2 - side // 2) * block


def finite_pixels(image: Array) -> Array:
    """The image with pixels that are not finite set to 0."""
    return jnp.where(jnp.isfinite(image), image, 0)


def lower_upper_median(values: Array) -> tuple[Array, Array]:
    """The two middle values along the first axis (equal for an odd count), by bisection on the bits of the floats.

    A sort does the same: on a CPU, XLA needs sixteen times as long for it.
    """
    keys = _ordered_integers(values)
    count = values.shape[0]
    lower = _select(keys, (count - 1) // 2)
    if count % 2:
        upper = lower
    else:
        more = jnp.sum(keys <= lower, axis=0) > count // 2
        larger = jnp.min(jnp.where(keys > lower, keys, jnp.iinfo(keys.dtype).max), axis=0)
        upper = jnp.where(more, lower, larger)
    return _from_ordered(lower, values.dtype), _from_ordered(upper, values.dtype)


def _ordered_integers(values: Array) -> Array:
    """Signed integers in the order of the (finite) floats; both zeros become one."""
    kind = jnp.int64 if values.dtype == jnp.float64 else jnp.int32
    bits = jax.lax.bitcast_convert_type(values + 0.0, kind)
    return jnp.where(bits < 0, bits ^ jnp.iinfo(kind).max, bits)


def _from_ordered(keys: Array, dtype: jnp.dtype) -> Array:
    return jax.lax.bitcast_convert_type(jnp.where(keys < 0, keys ^ jnp.iinfo(keys.dtype).max, keys), dtype)


def _select(keys: Array, rank: int) -> Array:
    """The value of that rank (0: smallest) along the first axis."""
    info = jnp.iinfo(keys.dtype)
    low = jnp.full(keys.shape[1:], info.min, keys.dtype)
    high = jnp.full(keys.shape[1:], info.max, keys.dtype)

    def halve(_: int, bounds: tuple[Array, Array]) -> tuple[Array, Array]:
        low, high = bounds
        middle = (low >> 1) + (high >> 1) + (low & high & 1)
        below = jnp.sum(keys <= middle, axis=0) > rank
        return jnp.where(below, low, middle + 1), jnp.where(below, middle, high)

    return jax.lax.fori_loop(0, info.bits, halve, (low, high))[1]


def median(values: Array) -> Array:
    """Median along the first axis: of an even count, the mean of the two middle values, in their dtype."""
    lower, upper = lower_upper_median(values)
    return (lower + upper) / 2


def block_median_pyramid(image: Array, levels: int = 5) -> Array:
    """(..., H, H) -> (..., levels, S, S): medians over blocks of 2^k pixels, the central S x S of them."""
    *batch, size, width = image.shape
    if size != width:
        raise ConfigError(f"an image of {size} x {width} pixels is not square: cut it out with `recentre`")
    side = stack_side(size, levels)
    flat = image.reshape(-1, size, size)
    planes = []
    for level in range(levels):
        block = 2**level
        begin = plane_begin(size, side, level)
        inner = slice(begin, begin + side * block)
        pieces = flat[:, inner, inner].reshape(-1, side, block, side, block)
        # One long row for each place in a block: this order is what makes the bisection fast.
        blocks = jnp.transpose(pieces, (2, 4, 0, 1, 3)).reshape(block**2, -1)
        planes.append(median(jax.lax.optimization_barrier(blocks)).reshape(*batch, side, side))
    return jnp.stack(planes, axis=-3)


def rescale(image: Array, mask: Array) -> Array:
    """Masked pixels scaled to [0, 1], zero outside; with an empty mask the extremes are those of the whole image.

    Args:
      image: (..., H, H) finite. mask: (..., H, H) bool, pixels of sources.
    """
    axes = (-2, -1)
    chex.assert_equal_shape([image, mask])
    use = mask | ~jnp.any(mask, axis=axes, keepdims=True)
    lowest = jnp.min(jnp.where(use, image, jnp.inf), axis=axes, keepdims=True)
    highest = jnp.max(jnp.where(use, image, -jnp.inf), axis=axes, keepdims=True)
    width = jnp.where(highest > lowest, highest - lowest, 1)
    # Behind the barrier, or XLA multiplies by the reciprocal, which differs in the last bit.
    width = jax.lax.optimization_barrier(jnp.broadcast_to(width, image.shape))
    return jnp.where(mask, (image - lowest) / width, 0)


def mad_mask(image: Array) -> tuple[Array, Array]:
    """The image less its median, and the pixels above three times the median absolute value of that (not 1.4826 of it).

    Args:
      image: (..., H, H) finite.
    """
    flat = jnp.moveaxis(image.reshape(*image.shape[:-2], -1), -1, 0)
    data = image - median(flat)[..., None, None]
    absolute = jnp.moveaxis(jnp.abs(data).reshape(*image.shape[:-2], -1), -1, 0)
    return data, data > MAD_THRESHOLD * median(absolute)[..., None, None]


@partial(jax.jit, static_argnames=("mode", "levels"))
def delight_stack(image: Array, mask: Array | None = None, mode: str = "sources", levels: int = 5) -> Array:
    """The multi-resolution stack of DELIGHT.

    Args:
      image: (..., H, H) float, H a multiple of 2^(levels - 1); pixels that are not finite count as 0.
      mask: (..., H, H) bool, with `sources`: pixels of detected sources (the published default; the package `sep` finds
        them on the host).
      mode: `sources`; `mad`: pixels that stand out from the median; `none`: every pixel.
      levels: resolutions.

    Returns:
      (..., levels, S, S) in the dtype of the image, values in [0, 1], axes (level, y, x).

    Raises:
      ConfigError: a mode that does not exist, a mask where none belongs or none where one does, an odd size.
    """
    if mode not in ("sources", "mad", "none") or (mode == "sources") != (mask is not None):
        raise ConfigError(f"mask mode '{mode}': use 'sources' with a mask, or 'mad' or 'none' without")
    image = jnp.asarray(image)
    if mask is not None:
        chex.assert_equal_shape([image, mask])
        chex.assert_type(mask, bool)
    if image.ndim == 3 and jax.default_backend() == "cpu":
        # One image after another stays in the cache of a core; an accelerator takes all at once.
        one = lambda pair: _stack(*pair, mode, levels)
        return jax.lax.map(one, (image, mask))
    return _stack(image, mask, mode, levels)


def _stack(image: Array, mask: Array | None, mode: str, levels: int) -> Array:
    image = finite_pixels(image)
    if mode == "mad":
        image, mask = mad_mask(image)
    elif mode == "none":
        mask = jnp.ones(image.shape, bool)
    return block_median_pyramid(rescale(image, mask), levels)


def network_input(stack: Array) -> Array:
    """(..., levels, S, S) -> (..., S, S, levels): every plane divided by its maximum, axes (x, y, level)."""
    chex.assert_axis_dimension(stack, -1, stack.shape[-2])
    highest = jnp.max(stack, axis=(-2, -1), keepdims=True)
    scaled = stack / jnp.where(highest == 0, 1, highest)
    return jnp.swapaxes(jnp.moveaxis(scaled, -3, -1), -3, -2)


def usable(stack: Array) -> Array:
    """(..., levels, S, S) -> (...) bool: every plane finite, and something in at least one of them."""
    highest = jnp.max(stack, axis=(-2, -1))
    return jnp.all(jnp.isfinite(highest), axis=-1) & jnp.any(highest > 0, axis=-1)


def recentre(image: Array, x: Array, y: Array, scale: Array, size: int) -> Array:
    """A size x size cut-out around pixel (x, y), resampled to pixels of another size.

    Linear, with the kernel widened where pixels grow, so that detail is averaged and not dropped; 0 beyond the edges.

    Args:
      image: (H, W) finite. x, y: position of the transient, pixels from 0, which comes to ((size - 1) / 2,) * 2.
      scale: old over new pixel size. size: pixels of the result.
    """
    scales = jnp.stack([scale, scale]).astype(jnp.float32)
    chex.assert_rank(image, 2)
    # scale_and_translate puts pixel i at (i + 0.5) scale + translation - 0.5.
    shift = size / 2 - (jnp.stack([y, x]).astype(jnp.float32) + 0.5) * scales
    return jax.image.scale_and_translate(image, (size, size), (0, 1), scales, shift, method="linear", antialias=True)


def mean_and_scatter(offsets: Array) -> tuple[Array, Array]:
    """(..., 8, 2) -> mean (..., 2) and the root mean square distance from it (...), pixels."""
    chex.assert_axis_dimension(offsets, -1, 2)
    centre = jnp.mean(offsets, axis=-2)
    squared = jnp.sum(jnp.square(offsets - centre[..., None, :]), axis=-1)
    return centre, jnp.sqrt(jnp.mean(squared, axis=-1))
