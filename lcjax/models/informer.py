"""The published photometry encoder of AstroM3: an Informer without distilling (arXiv 2411.08842)."""

import chex
import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np

from lcjax.errors import ConfigError
from lcjax.models.astrom3_config import PhotometryConfig
from lcjax.models.dropout import RowDropout
from lcjax.models.initial import torch_bias, torch_kernel
from lcjax.models.prob_sparse import draw_samples, mixed_heads, prob_sparse_attention
from lcjax.typing import Array, Axis

EPSILON = 1e-5
"""Of the layer normalisations, as in the reference; the default of Flax is another."""


def row_positions(length: int, width: int) -> np.ndarray:
    """Sines (even channels) and cosines (odd ones) of the row number, (L, D) float32."""
    angle = np.arange(length)[:, None] * np.exp(np.arange(0, width, 2) * -(np.log(10000.0) / width))
    return np.stack([np.sin(angle), np.cos(angle)], axis=-1).reshape(length, -1)[:, :width].astype(np.float32)


def activation(name: str, x: Array) -> Array:
    """`gelu`, by the error function and not by its approximation, or `relu`."""
    return jax.nn.gelu(x, approximate=False) if name == "gelu" else jax.nn.relu(x)


def dense(features: int, fan_in: int, name: str) -> nn.Dense:
    """A linear layer that starts as those of the reference."""
    return nn.Dense(features, kernel_init=torch_kernel, bias_init=torch_bias(fan_in), name=name)


class InformerLayer(nn.Module):
    """Attention and a feed-forward network, each followed by its normalisation."""

    config: PhotometryConfig

    @nn.compact
    def __call__(self, x: Array, samples: Array, row: Array | None, deterministic: bool) -> Array:
        """(B, L, D), (L, U) -> (B, L, D)."""
        config, (batch, length, width) = self.config, x.shape
        part = width // config.num_heads

        def heads(name: str) -> Array:
            return dense(width, width, name)(x).reshape(batch, length, -1, part).transpose(0, 2, 1, 3)

        context = prob_sparse_attention(heads("query"), heads("key"), heads("value"), samples)
        drop = lambda y: RowDropout(config.dropout)(y, row, deterministic)
        attended = dense(width, width, "out")(mixed_heads(context))
        self.sow("intermediates", "attention", attended)
        x = nn.LayerNorm(EPSILON, name="norm_1")(x + drop(attended))
        y = drop(activation(config.activation, dense(config.hidden, width, "dense_1")(x)))
        return nn.LayerNorm(EPSILON, name="norm_2")(x + drop(dense(width, config.hidden, "dense_2")(y)))


class Informer(nn.Module):
    """Light curves (B, L, C) -> (B, L * D), row after row, rows of padding zero."""

    config: PhotometryConfig

    @nn.compact
    def __call__(self, batch: dict, deterministic: bool = True, axis: Axis = None) -> dict[str, Array]:
        """Encodes.

        Args:
          batch: `values` (B, L, C); `mask` (B, L) bool, True observed; optionally `samples` (layers, L, U) int32, the keys
            that each layer samples, else drawn with the rng `samples`, or always alike where there is none; `row` (B,).

        Returns:
          `features` (B, L * D), `tokens` (B, L, D).
        """
        config, values = self.config, batch["values"]
        chex.assert_rank([values, batch["mask"]], [3, 2])
        chex.assert_equal_shape_prefix([values, batch["mask"]], 2)
        length = values.shape[1]
        if length != config.length or config.width % config.num_heads:
            raise ConfigError(
                f"the Informer takes {config.length} points of a width that its {config.num_heads} heads divide, not "
                f"{length} of width {config.width}"
            )
        around = jnp.concatenate([values[:, -1:], values, values[:, :1]], axis=1)
        token = nn.Conv(config.width, (3,), padding="VALID", use_bias=False, kernel_init=token_kernel, name="token")
        x = token(around) + row_positions(length, config.width)
        self.sow("intermediates", "embedding", x)
        row = batch.get("row")
        x = RowDropout(config.embedding_dropout)(x, row, deterministic)
        tables = self._tables(batch, length)
        for number in range(config.layers):
            x = InformerLayer(config, name=f"layer_{number}")(x, tables[number], row, deterministic)
            self.sow("intermediates", f"layer_{number}_out", x)
        x = nn.LayerNorm(EPSILON, name="norm")(x)
        self.sow("intermediates", "normalised", x)
        x = RowDropout(config.dropout)(x, row, deterministic) * batch["mask"][..., None]
        return {"features": x.reshape(x.shape[0], -1), "tokens": x}

    def _tables(self, batch: dict, length: int) -> Array | list[Array]:
        if "samples" in batch:
            return batch["samples"]
        key = self.make_rng("samples") if self.has_rng("samples") else jax.random.key(0)
        keys = [jax.random.fold_in(key, number) for number in range(self.config.layers)]
        return [draw_samples(key, length, self.config.factor) for key in keys]


token_kernel = nn.initializers.variance_scaling(2 / (1 + 0.01**2), "fan_in", "normal")
"""Kaiming's normal numbers for leaky rectifiers of slope 0.01."""
