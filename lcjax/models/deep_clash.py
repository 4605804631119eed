"""The Deep-CLASH network (Perez-Carrasco et al. 2019, PASP 131, 108002): vote fractions of galaxy morphologies from one stamp.

All convolutions are followed by a ReLU, those of the stem and of the first three inception modules by batch norm over the channels
after it (the published code normalises columns of the image, by an axis left at its default).
"""

import itertools

import chex
import flax.linen as nn
import jax.numpy as jnp

from lcjax.global_batch import rows_of
from lcjax.models.batch_norm import BatchNorm
from lcjax.models.deep_clash_config import DeepClashModelConfig
from lcjax.models.dropout import RowDropout
from lcjax.typing import Array, Axis

_NORMALISED = 3
"""Inception modules with batch norm."""
_POOLED = (2, 5)
"""Modules (counted from 1) that a 2 x 2 max-pool follows."""


class DeepClash(nn.Module):
    """Stamps (B, S, S, 1), scaled to 0 to 1, -> logits (B, K)."""

    config: DeepClashModelConfig = DeepClashModelConfig()
    dtype: jnp.dtype = jnp.float32
    """Of convolutions and dense layers; norms and logits are float32."""

    @nn.compact
    def __call__(self, batch: dict, deterministic: bool = True, axis: Axis = None) -> dict[str, Array]:
        """Runs the network.

        Args:
          batch: `stamps` (B, S, S, 1) float32; optional `row` (B,) int32, index of each row in the global batch.
          deterministic: False: dropout acts (key `dropout`) and batch norm takes and moves batch statistics.
          axis: that rows are spread over; only training needs it.

        Returns:
          `logits` (B, K) and `embedding` (B, D), what the last layer sees, float32.
        """
        config, x = self.config, batch["stamps"]
        chex.assert_shape(x, (None, config.side, config.side, 1))
        row = None if deterministic else rows_of(batch, x.shape[0], axis)
        x = x.astype(self.dtype)
        for i, (filters, kernel) in enumerate(zip(config.stem, config.stem_kernels, strict=True), 1):
            x = _convolved(self, f"stem_{i}", filters, kernel, x, "VALID")
            x = _normalised(self, f"stem_{i}_norm", x, deterministic, axis)
            x = nn.max_pool(x, (2, 2), (2, 2))
            self._note(f"stem_{i}", x)
        for i, widths in enumerate(config.inceptions, 1):
            doubled = config.doubled_branch and i == _NORMALISED
            module = Inception(widths, i <= _NORMALISED, doubled, config, self.dtype, name=f"inception_{i}")
            x = module(x, deterministic, axis)
            x = nn.max_pool(x, (2, 2), (2, 2)) if i in _POOLED else x
            self._note(f"inception_{i}", x)
        x = nn.avg_pool(x, (2, 2), (2, 2))
        x = _convolved(self, "head", config.head, 1, x)
        x = x.reshape(x.shape[0], -1)
        for i, width in enumerate(config.dense, 1):
            dense = nn.Dense(width, kernel_init=nn.initializers.glorot_uniform(), dtype=self.dtype, name=f"dense_{i}")
            x = RowDropout(config.dropout)(nn.relu(dense(x)), row, deterministic)
        x = x.astype(jnp.float32)
        last = nn.Dense(config.num_classes, kernel_init=nn.initializers.glorot_uniform(), name="logits")
        return {"logits": last(x), "embedding": x}

    def _note(self, name: str, x: Array) -> None:
        self.sow("intermediates", f"{name}_out", x)


class Inception(nn.Module):
    """Four branches side by side: 3 x 3, 5 x 5, pooled and 1 x 1."""

    widths: tuple[int, ...]
    norm: bool
    doubled: bool
    config: DeepClashModelConfig
    dtype: jnp.dtype

    @nn.compact
    def __call__(self, x: Array, deterministic: bool, axis: Axis = None) -> Array:
        """(B, S, S, C) -> (B, S, S, sum of the widths of the four branches)."""
        reduce_3, conv_3, reduce_5, conv_5, pool, conv_1 = self.widths

        def layer(name: str, filters: int, kernel: int, inputs: Array) -> Array:
            out = _convolved(self, name, filters, kernel, inputs)
            return _normalised(self, f"{name}_norm", out, deterministic, axis) if self.norm else out

        three = layer("conv_3", conv_3, 3, layer("reduce_3", reduce_3, 1, x))
        five = three if self.doubled else layer("conv_5", conv_5, 5, layer("reduce_5", reduce_5, 1, x))
        pooled = layer("pool", pool, 1, nn.max_pool(x, (3, 3), (1, 1), "SAME"))
        return jnp.concatenate([three, five, pooled, layer("conv_1", conv_1, 1, x)], axis=-1)


def _convolved(
    module: DeepClash | Inception, name: str, filters: int, kernel: int, x: Array, padding: str = "SAME"
) -> Array:
    conv = nn.Conv(
        filters,
        (kernel, kernel),
        padding=padding,
        kernel_init=nn.initializers.glorot_uniform(),
        dtype=module.dtype,
        name=name,
    )
    return nn.relu(conv(x))


def _normalised(module: DeepClash | Inception, name: str, x: Array, deterministic: bool, axis: Axis) -> Array:
    config = module.config
    return BatchNorm(config.norm_momentum, config.norm_epsilon, name=name)(x, deterministic, axis).astype(module.dtype)


def deep_clash_flops(config: DeepClashModelConfig, rows: int) -> float:
    """Operations of one training step over `rows` stamps: convolutions and matrix products, forward and backward.

    >>> round(deep_clash_flops(DeepClashModelConfig(), 1) / 1e6)
    3350
    """
    sides, total, channels = config.sides, 0.0, 1
    side = config.side
    for kernel, filters in zip(config.stem_kernels, config.stem, strict=True):
        side = side - kernel + 1
        total += 2.0 * side**2 * kernel**2 * channels * filters
        side, channels = side // 2, filters
    for i, (reduce_3, conv_3, reduce_5, conv_5, pool, conv_1) in enumerate(config.inceptions, 1):
        per_pixel = channels * (reduce_3 + reduce_5 + pool + conv_1) + 9 * reduce_3 * conv_3 + 25 * reduce_5 * conv_5
        total += 2.0 * side**2 * per_pixel
        channels = conv_3 + conv_5 + pool + conv_1
        side = side // 2 if i in _POOLED else side
    side = sides[-1] // 2
    total += 2.0 * side**2 * channels * config.head
    widths = (side**2 * config.head, *config.dense, config.num_classes)
    return 3.0 * rows * (total + sum(2.0 * a * b for a, b in itertools.pairwise(widths)))
