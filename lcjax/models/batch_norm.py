"""Batch norm of any number of axes, with the statistics of the global batch."""

import flax.linen as nn
import jax
import jax.numpy as jnp

from lcjax.global_batch import mapped_axes
from lcjax.typing import Array, Axis


class BatchNorm(nn.Module):
    """Normalises each channel over rows and pixels; moving averages as in PyTorch (decay 0.9, unbiased variance, eps 1e-5)."""

    momentum: float = 0.9
    epsilon: float = 1e-5

    @nn.compact
    def __call__(self, x: Array, deterministic: bool, axis: Axis = None) -> Array:
        """(B, ..., C) -> the same; unless deterministic, takes the batch's statistics and moves `batch_stats`."""
        width = x.shape[-1]
        mean_average = self.variable("batch_stats", "mean", jnp.zeros, (width,), jnp.float32)
        var_average = self.variable("batch_stats", "var", jnp.ones, (width,), jnp.float32)
        scale = self.param("scale", nn.initializers.ones, (width,), jnp.float32)
        bias = self.param("bias", nn.initializers.zeros, (width,), jnp.float32)
        mean, var = mean_average.value, var_average.value
        x = x.astype(jnp.float32)
        if not deterministic:
            flat = x.reshape(-1, width)
            axes = mapped_axes(axis)
            over = (lambda v: jax.lax.pmean(v, axes)) if axes else lambda v: v
            count = flat.shape[0] * (jax.lax.psum(1, axes) if axes else 1)
            mean = over(jnp.mean(flat, axis=0))
            var = over(jnp.mean((flat - mean) ** 2, axis=0))
            if not self.is_initializing() and self.is_mutable_collection("batch_stats"):
                old = self.momentum
                mean_average.value = old * mean_average.value + (1 - old) * mean
                var_average.value = old * var_average.value + (1 - old) * var * count / max(count - 1, 1)
        return (x - mean) * jax.lax.rsqrt(var + self.epsilon) * scale + bias
