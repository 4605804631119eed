"""A classifier by the direction of a feature vector."""

import chex
import flax.linen as nn
import jax
import jax.numpy as jnp

from lcjax.typing import Array

_SMALLEST = 1e-12


def normalised(features: Array) -> Array:
    """Rows over their length, or over 1e-12 where they are shorter; float32, with a finite gradient."""
    features = features.astype(jnp.float32)
    square = jnp.sum(features**2, axis=-1, keepdims=True)
    length = jnp.sqrt(jnp.where(square > 0, square, 1.0))
    return features / jnp.maximum(jnp.where(square > 0, length, 0.0), _SMALLEST)


class CosineClassifier(nn.Module):
    """Logits W f / (|f| T): prototypes W are not normalised, there is no bias (Chen et al. 2019; MME, arXiv 1904.06487)."""

    num_classes: int
    temperature: float = 0.05

    @nn.compact
    def __call__(self, features: Array) -> Array:
        """(B, D) -> (B, K) float32."""
        chex.assert_rank(features, 2)
        shape = (features.shape[-1], self.num_classes)
        kernel = self.param("kernel", nn.initializers.glorot_normal(), shape, jnp.float32)
        return jnp.matmul(normalised(features), kernel, precision=jax.lax.Precision.HIGHEST) / self.temperature
