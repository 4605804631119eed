"""Dropout whose mask of a row depends on the row's index in the global batch, not on the device that holds it."""

import chex
import flax.linen as nn
import jax
import jax.numpy as jnp

from lcjax.typing import Array


def _mix(word: Array) -> Array:
    """A bijection of 32-bit words in which every input bit moves every output bit about half of the time (Wellons)."""
    word = (word ^ (word >> 16)) * jnp.uint32(0x7FEB352D)
    word = (word ^ (word >> 15)) * jnp.uint32(0x846CA68B)
    return word ^ (word >> 16)


def row_bits(key: Array, row: Array, shape: tuple[int, ...]) -> Array:
    """Random 32-bit words (B, *shape) for the rows of a batch: a hash of key, row and position.

    Pure arithmetic on a counter, so that the compiler computes it where it is used. Threefry bits would be written to
    memory and read again: on two CPU cores that alone took half of the forward pass of Astromer 1.

    Args:
      key: typed PRNG key. row: (B,) int32, indices in the global batch. shape: of one row.
    """
    words = jax.random.key_data(key).reshape(-1).astype(jnp.uint32)
    start = row.astype(jnp.uint32) * jnp.uint32(0x9E3779B9)
    for i in range(words.shape[0]):
        start = _mix(start ^ words[i])
    start = start.reshape(-1, *(1 for _ in shape))
    size = 1
    for side in shape:
        size *= side
    position = jax.lax.iota(jnp.uint32, size).reshape(shape)
    return _mix(_mix(position + start) ^ words[-1])


class RowDropout(nn.Module):
    """Zeroes features with probability `rate` and rescales the rest by 1/(1-rate)."""

    rate: float

    @nn.compact
    def __call__(self, x: Array, row: Array | None, deterministic: bool) -> Array:
        """Applies dropout to `x` (B, ...); `row` (B,) int32 keys the mask of each row (None: only if deterministic)."""
        if deterministic or self.rate == 0.0:
            return x
        chex.assert_shape(row, (x.shape[0],))
        bits = row_bits(self.make_rng("dropout"), row, x.shape[1:])
        keep = bits < jnp.uint32(min(round((1 - self.rate) * 2**32), 2**32 - 1))
        return jnp.where(keep, x / (1 - self.rate), 0.0).astype(x.dtype)
