"""Classification heads on Astromer layers (A&A 707, A170): pooling over visible points, then a small network.

`mask` marks the points to pool (True = use it). The 2025 ablation pooled the padding by mistake in some heads; parity
tests reproduce that by passing the inverted mask, nothing here does.
"""

from collections.abc import Sequence
from typing import Any, Literal

import chex
import flax.linen as nn
import jax
import jax.numpy as jnp

from lcjax.typing import Array, Axis

HeadName = Literal["skip_avg_mlp", "avg_mlp", "avg_clf", "mlp_avg", "max", "att_avg", "att_cls"]


def pool_mean(x: Array, mask: Array) -> Array:
    """Mean over the points of `mask`: (..., B, L, D), (B, L) -> (..., B, D)."""
    weight = mask[..., None].astype(x.dtype)
    return jnp.sum(x * weight, axis=-2) / jnp.maximum(jnp.sum(weight, axis=-2), 1.0)


def pool_max(x: Array, mask: Array) -> Array:
    """Maximum over the points of `mask`: (B, L, D) -> (B, D)."""
    return jnp.max(jnp.where(mask[..., None], x, -jnp.inf), axis=-2)


def pool_layers(layers: Sequence[Array], mask: Array, gamma: Array) -> Array:
    """The weighted per-sample embedding of Astromer 2, (B, D).

    The masked mean of the input embedding and of every block is weighted by softmax(gamma) and averaged over the
    layers, that is, divided by their number once more.
    """
    pooled = pool_mean(jnp.stack([x.astype(jnp.float32) for x in layers]), mask)
    return jnp.mean(pooled * jax.nn.softmax(gamma)[:, None, None], axis=0)


def self_attention(x: Array, mask: Array) -> Array:
    """Unscaled dot-product self-attention without projections to the points of `mask`, (B, L, D) -> (B, L, D)."""
    logits = jnp.where(mask[:, None, :], jnp.einsum("bqd,bkd->bqk", x, x), -1e9)
    return jax.nn.softmax(logits, axis=-1) @ x


class Mlp(nn.Module):
    """Dense 1024, 512, 256 (relu), layer norm (epsilon 1e-3, the Keras default), logits."""

    num_classes: int
    widths: Sequence[int] = (1024, 512, 256)
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(self, x: Array) -> Array:
        """(..., D) -> (..., num_classes) logits."""
        for i, width in enumerate(self.widths):
            x = jax.nn.relu(nn.Dense(width, dtype=self.dtype, name=f"dense_{i}")(x))
        x = nn.LayerNorm(epsilon=1e-3, dtype=self.dtype, name="norm")(x)
        return nn.Dense(self.num_classes, dtype=self.dtype, name="logits")(x).astype(jnp.float32)


class ClassifierHead(nn.Module):
    """One of the published heads.

    `skip_avg_mlp` pools all layers with learned weights; `avg_mlp` the last block; `avg_clf` the same with a linear
    classifier; `mlp_avg` averages logits of single points; `max` pools by maximum; `att_avg` averages after
    self-attention; `att_cls` reads a trainable class vector after it.
    """

    num_classes: int
    kind: HeadName = "skip_avg_mlp"

    @nn.compact
    def __call__(self, batch: dict, deterministic: bool = True, axis: Axis = None) -> dict[str, Array]:
        """Classifies encoded windows.

        Args:
          batch: `layers`, a sequence of (B, L, D) float32, input embedding first, as `Astromer` gives them; `mask`
            (B, L) bool, the points to pool.
          deterministic, axis: as in other modules; nothing here is random or crosses rows.

        Returns:
          `logits` (B, num_classes) float32.
        """
        del deterministic, axis
        layers, mask = batch["layers"], batch["mask"]
        chex.assert_rank([*layers, mask], [*[3] * len(layers), 2])
        chex.assert_equal_shape_prefix([*layers, mask], 2)
        return {"logits": self._logits(layers, mask)}

    def _logits(self, layers: Sequence[Array], mask: Array) -> Array:
        last = layers[-1]
        if self.kind == "avg_clf":
            pooled = nn.LayerNorm(epsilon=1e-3, name="norm")(pool_mean(last, mask))
            return nn.Dense(self.num_classes, name="logits")(pooled)
        mlp = Mlp(self.num_classes, name="mlp")
        if self.kind == "skip_avg_mlp":
            count = len(layers)
            gamma = self.param("gamma", nn.initializers.constant(1.0 / count), (count,))
            return mlp(pool_layers(layers, mask, gamma))
        if self.kind == "avg_mlp":
            return mlp(pool_mean(last, mask))
        if self.kind == "mlp_avg":
            return pool_mean(mlp(last), mask)
        if self.kind == "max":
            return mlp(pool_max(last, mask))
        if self.kind == "att_avg":
            return mlp(pool_mean(self_attention(last, mask), mask))
        vector = self.param("class_vector", nn.initializers.normal(0.02), (1, 1, last.shape[-1]))
        joined = jnp.concatenate([jnp.broadcast_to(vector, (last.shape[0], 1, last.shape[-1])), last], axis=1)
        seen = jnp.pad(mask, ((0, 0), (1, 0)), constant_values=True)
        return mlp(self_attention(joined, seen)[:, 0])
