"""Classification heads on Astromer layers (A&A 707, A170): pooling over visible points, then a small network.

`mask` marks the points to pool (True = use it). The 2025 ablation pooled the padding by mistake in some heads; parity
tests reproduce that by passing the inverted mask, nothing here does.
"""

from collections.abc import Sequence

import chex
import flax.linen as nn
import jax
import jax.numpy as jnp
from jax.typing import DTypeLike

from lcjax.models.light_curve_head_config import PooledHead
from lcjax.typing import Array, Axis


def pool_mean(x: Array, mask: Array) -> Array:
    """Mean over the points of `mask`: (..., B, L, D), (B, L) -> (..., B, D)."""
    weight = mask[..., None].astype(x.dtype)
    return jnp.sum(x * weight, axis=-2) / jnp.maximum(jnp.sum(weight, axis=-2), 1.0)


def pool_max(x: Array, mask: Array) -> Array:
    """Maximum over the points of `mask`, 0 where there is none: (B, L, D) -> (B, D)."""
    largest = jnp.max(jnp.where(mask[..., None], x, -jnp.inf), axis=-2)
    return jnp.where(jnp.any(mask, axis=-1)[..., None], largest, 0.0)


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
    dtype: DTypeLike = jnp.float32

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
    self-attention; `att_cls` reads a trainable class vector after it; `input_mean` is `avg_mlp` on the input embedding.
    """

    num_classes: int
    kind: PooledHead = "skip_avg_mlp"
    widths: Sequence[int] = (1024, 512, 256)
    dtype: DTypeLike = jnp.float32

    @nn.compact
    def __call__(self, batch: dict, deterministic: bool = True, axis: Axis = None) -> dict[str, Array]:
        """Classifies encoded windows.

        Args:
          batch: `layers`, a sequence of (B, L, D) float32, input embedding first, as `Astromer` gives them; `mask`
            (B, L) bool, the points to pool.
          deterministic, axis: as in other modules; nothing here is random or crosses rows.

        Returns:
          `logits` (B, num_classes) float32; `embedding` (B, D), the vector that is classified (of `mlp_avg` the mean of
          the points).
        """
        del deterministic, axis
        layers, mask = batch["layers"], batch["mask"]
        chex.assert_rank([*layers, mask], [*[3] * len(layers), 2])
        chex.assert_equal_shape_prefix([*layers, mask], 2)
        pooled = self._pooled(layers, mask)
        if self.kind == "avg_clf":
            normed = nn.LayerNorm(epsilon=1e-3, dtype=self.dtype, name="norm")(pooled)
            logits = nn.Dense(self.num_classes, dtype=self.dtype, name="logits")(normed).astype(jnp.float32)
            return {"logits": logits, "embedding": pooled}
        mlp = Mlp(self.num_classes, self.widths, self.dtype, name="mlp")
        logits = pool_mean(mlp(layers[-1]), mask) if self.kind == "mlp_avg" else mlp(pooled)
        return {"logits": logits, "embedding": pooled}

    def _pooled(self, layers: Sequence[Array], mask: Array) -> Array:
        """One vector a window, (B, D)."""
        last = layers[-1]
        if self.kind == "skip_avg_mlp":
            count = len(layers)
            gamma = self.param("gamma", nn.initializers.constant(1.0 / count), (count,))
            return pool_layers(layers, mask, gamma)
        if self.kind == "max":
            return pool_max(last, mask)
        if self.kind == "input_mean":
            return pool_mean(layers[0], mask)
        if self.kind == "att_avg":
            return pool_mean(self_attention(last, mask), mask)
        if self.kind != "att_cls":
            return pool_mean(last, mask)
        vector = self.param("class_vector", nn.initializers.normal(0.02), (1, 1, last.shape[-1]))
        joined = jnp.concatenate([jnp.broadcast_to(vector, (last.shape[0], 1, last.shape[-1])), last], axis=1)
        seen = jnp.pad(mask, ((0, 0), (1, 0)), constant_values=True)
        return self_attention(joined, seen)[:, 0]
