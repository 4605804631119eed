"""Batch norm of any number of axes, with the statistics of the global batch."""

import chex
import flax.linen as nn
import jax
import jax.numpy as jnp

from lcjax.global_batch import global_mean_of_rows, mapped_axes
from lcjax.typing import Array, Axis


class BatchNorm(nn.Module):
    """Normalises each channel over rows and pixels; moving averages as in PyTorch (decay 0.9, unbiased variance, eps 1e-5).

    On several devices the sums cross them, so that results do not depend on how rows are spread.
    """

    momentum: float = 0.9
    epsilon: float = 1e-5
    unbiased: bool = True
    """Of the moving variance; that of a batch never is."""
    shift: bool = True
    """Whether a learned number is added to each channel."""

    @nn.compact
    def __call__(self, x: Array, deterministic: bool, axis: Axis = None, weight: Array | None = None) -> Array:
        """(B, ..., C) -> the same; unless deterministic, takes the batch's statistics and moves `batch_stats`.

        Args:
          weight: (B,), of rows; those of weight 0 do not count. None: all count alike.
        """
        chex.assert_axis_dimension_gt(x, 1, 0)
        if weight is not None:
            chex.assert_rank(weight, 1)
            chex.assert_equal_shape_prefix([x, weight], 1)
        width = x.shape[-1]
        mean_average = self.variable("batch_stats", "mean", jnp.zeros, (width,), jnp.float32)
        var_average = self.variable("batch_stats", "var", jnp.ones, (width,), jnp.float32)
        scale = self.param("scale", nn.initializers.ones, (width,), jnp.float32)
        mean, var = mean_average.value, var_average.value
        x = x.astype(jnp.float32)
        if not deterministic:
            mean = _mean(x, weight, axis)
            var = _mean((x - mean) ** 2, weight, axis)
            if not self.is_initializing() and self.is_mutable_collection("batch_stats"):
                old = self.momentum
                count = _count(x, weight, axis)
                moved = var * count / jnp.maximum(count - 1, 1) if self.unbiased else var
                mean_average.value = old * mean_average.value + (1 - old) * mean
                var_average.value = old * var_average.value + (1 - old) * moved
        out = (x - mean) * (scale / jnp.sqrt(var + self.epsilon))
        return out + self.param("bias", nn.initializers.zeros, (width,), jnp.float32) if self.shift else out


def _mean(x: Array, weight: Array | None, axis: Axis) -> Array:
    """(C,) of (B, ..., C), over the global batch."""
    if weight is not None:
        return global_mean_of_rows(jnp.mean(x, axis=tuple(range(1, x.ndim - 1))), weight, axis)
    axes, mean = mapped_axes(axis), jnp.mean(x.reshape(-1, x.shape[-1]), axis=0)
    return jax.lax.pmean(mean, axes) if axes else mean


def _count(x: Array, weight: Array | None, axis: Axis) -> Array | float:
    """Values of a channel in the global batch."""
    axes = mapped_axes(axis)
    own = (x.shape[0] if weight is None else jnp.sum(weight)) * (x[0].size // x.shape[-1])
    return jax.lax.psum(own, axes) if axes else own
