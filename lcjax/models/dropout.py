"""Dropout whose mask of a row depends on the row's index in the global batch, not on the device that holds it."""

import flax.linen as nn
import jax
import jax.numpy as jnp

from lcjax.typing import Array


class RowDropout(nn.Module):
    """Zeroes features with probability `rate` and rescales the rest by 1/(1-rate)."""

    rate: float

    @nn.compact
    def __call__(self, x: Array, row: Array, deterministic: bool) -> Array:
        """Applies dropout to `x` (B, ...); `row` (B,) int32 keys the mask of each row."""
        if deterministic or self.rate == 0.0:
            return x
        key = self.make_rng("dropout")
        keep = jax.vmap(lambda r: jax.random.bernoulli(jax.random.fold_in(key, r), 1 - self.rate, x.shape[1:]))(row)
        return jnp.where(keep, x / (1 - self.rate), 0.0).astype(x.dtype)
