"""What attention knows of time by itself: rotations, differences, distances, products of encodings."""

import chex
import jax.numpy as jnp
import numpy as np

from lcjax.typing import Array


def products(query: Array, key: Array) -> Array:
    """Unscaled logits of queries and keys (B, L, H, d), (B, H, L, L) float32."""
    return jnp.matmul(query.transpose(0, 2, 1, 3), key.transpose(0, 2, 3, 1), preferred_element_type=jnp.float32)


def rotations(time: Array, frequencies: Array) -> tuple[Array, Array]:
    """Sine and cosine of frequency times time, (B, L, H, d / 2) float32 each: computed once for all blocks.

    Args:
      time: (B, L) days. frequencies: (H, d / 2) rad/day.
    """
    angles = time.astype(jnp.float32)[:, :, None, None] * frequencies
    return jnp.sin(angles), jnp.cos(angles)


def rotated(x: Array, sine: Array, cosine: Array) -> Array:
    """Channel pairs turned by the angles of `rotations`: products of two points turned so depend on t_i - t_j alone.

    The rotations of RoPE (arXiv 2104.09864) with time for the index.

    Args:
      x: (B, L, H, d), d even; channels k and d / 2 + k are a pair.
    """
    first, second = jnp.split(x.astype(jnp.float32), 2, axis=-1)
    turned = jnp.concatenate([first * cosine - second * sine, first * sine + second * cosine], axis=-1)
    return turned.astype(x.dtype)


def distance_slopes(num_heads: int) -> np.ndarray:
    """Slopes of ALiBi, 2^(-8 (h + 1) / H) for head h (arXiv 2108.12409), (H,).

    >>> distance_slopes(4).tolist()
    [0.25, 0.0625, 0.015625, 0.00390625]
    """
    return (2.0 ** (-8.0 * np.arange(1, num_heads + 1) / num_heads)).astype(np.float32)


def distance_penalty(mask: Array, num_heads: int) -> Array:
    """Unscaled logits of ALiBi: minus slope times how many observed points apart two points are.

    Args:
      mask: (B, L) bool, observed points; others do not count as steps.

    Returns:
      (B, H, L, L)
    """
    index = jnp.cumsum(mask, axis=1).astype(jnp.float32)
    distance = jnp.abs(index[:, :, None] - index[:, None, :])
    return -jnp.asarray(distance_slopes(num_heads))[None, :, None, None] * distance[:, None]


def time_differences(time: Array, mask: Array, longest: int) -> Array:
    """Rows t_i - t_j, (B, L, longest) days; 0 where there is no point j.

    Args:
      time: (B, L) days. mask: (B, L) bool. longest: columns of a row, at least L.
    """
    chex.assert_rank(time, 2)
    chex.assert_equal_shape([time, mask])
    rows = jnp.where(mask[:, None, :], time[:, :, None] - time[:, None, :], 0.0)
    return jnp.pad(rows, ((0, 0), (0, 0), (0, longest - time.shape[1])))
