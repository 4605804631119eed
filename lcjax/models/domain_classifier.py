"""A network of images with a classifier on its feature vector, in two steps, so that adaptation can act between them."""

import chex
import flax.linen as nn
import jax.numpy as jnp

from lcjax.models.cosine_classifier import CosineClassifier
from lcjax.models.image_networks import ImageNetwork
from lcjax.models.image_networks_config import ImageNetworkConfig
from lcjax.typing import Array, Axis


class DomainClassifier(nn.Module):
    """Images (B, H, W, C), or vectors (B, D), to logits of K classes."""

    network: ImageNetworkConfig
    num_classes: int
    temperature: float | None = 0.05
    """Of a cosine classifier; None: a dense layer with bias."""

    def setup(self) -> None:
        """Parts `features` and `classifier`."""
        self.features = ImageNetwork(self.network)
        if self.temperature is None:
            self.classifier: nn.Module = nn.Dense(self.num_classes)
        else:
            self.classifier = CosineClassifier(self.num_classes, self.temperature)

    def embed(self, batch: dict, deterministic: bool = True, axis: Axis = None) -> Array:
        """`image`, scaled, optional `row` -> feature vectors (B, D) float32."""
        return self.features(batch, deterministic, axis)

    def classify(self, features: Array) -> Array:
        """(B, D) -> logits (B, K) float32."""
        chex.assert_rank(features, 2)
        return self.classifier(features).astype(jnp.float32)

    def __call__(self, batch: dict, deterministic: bool = True, axis: Axis = None) -> dict[str, Array]:
        """`logits` (B, K) and `embedding` (B, D)."""
        embedding = self.embed(batch, deterministic, axis)
        return {"logits": self.classify(embedding), "embedding": embedding}
