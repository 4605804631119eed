"""Encoders and autoencoders of feature tables (Perez-Carrasco et al. 2023, arXiv 2308.05011 and AJ 166, 151).

Every module takes a batch with scaled `features` (B, F), and `weight` (B,) where rows only fill up.
"""

import chex
import flax.linen as nn
import jax.numpy as jnp

from lcjax.models.batch_norm import BatchNorm
from lcjax.models.svdd_config import DetectorModelConfig
from lcjax.typing import Array, Axis

_SLOPE = 0.01


class HiddenLayers(nn.Module):
    """Dense, norm, leaky ReLU, for every width."""

    widths: tuple[int, ...]
    biases: bool = True

    @nn.compact
    def __call__(self, x: Array, weight: Array, deterministic: bool = True, axis: Axis = None) -> Array:
        """(B, F), (B,) -> (B, last width)."""
        for i, width in enumerate(self.widths, 1):
            x = nn.Dense(width, use_bias=self.biases, name=f"dense_{i}")(x)
            x = BatchNorm(shift=self.biases, name=f"norm_{i}")(x, deterministic, axis, weight)
            x = nn.leaky_relu(x, _SLOPE)
        return x


class FeatureEncoder(nn.Module):
    """The encoder of all detectors: `embedding` (B, latent)."""

    config: DetectorModelConfig

    @nn.compact
    def __call__(self, batch: dict, deterministic: bool = True, axis: Axis = None) -> dict[str, Array]:
        """As the other modules."""
        x, weight = _entries(batch)
        hidden = HiddenLayers(self.config.widths, self.config.biases, name="hidden")(x, weight, deterministic, axis)
        latent = nn.Dense(self.config.latent, use_bias=self.config.final_bias, name="latent")
        return {"embedding": latent(hidden)}


class FeatureDecoder(nn.Module):
    """Latents (B, Z), row weights (B,) -> features (B, F) in (-1, 1)."""

    config: DetectorModelConfig
    features: int

    @nn.compact
    def __call__(self, latent: Array, weight: Array, deterministic: bool = True, axis: Axis = None) -> Array:
        """The features."""
        hidden = HiddenLayers(self.config.widths[::-1], name="hidden")(latent, weight, deterministic, axis)
        return jnp.tanh(nn.Dense(self.features, name="features")(hidden))


class FeatureAutoencoder(nn.Module):
    """`embedding` (B, Z) and `reconstruction` (B, F)."""

    config: DetectorModelConfig

    @nn.compact
    def __call__(self, batch: dict, deterministic: bool = True, axis: Axis = None) -> dict[str, Array]:
        """As the other modules."""
        x, weight = _entries(batch)
        latent = FeatureEncoder(self.config, name="encoder")(batch, deterministic, axis)["embedding"]
        decoded = FeatureDecoder(self.config, x.shape[1], name="decoder")(latent, weight, deterministic, axis)
        return {"embedding": latent, "reconstruction": decoded}


class Hypersphere(nn.Module):
    """The encoder under the name it has in an autoencoder, so that its weights are taken over: `embedding` (B, Z)."""

    config: DetectorModelConfig

    @nn.compact
    def __call__(self, batch: dict, deterministic: bool = True, axis: Axis = None) -> dict[str, Array]:
        """As the other modules."""
        return FeatureEncoder(self.config, name="encoder")(batch, deterministic, axis)


class VariationalAutoencoder(nn.Module):
    """`embedding` (the mean) and `log_variance` (B, Z), `reconstruction` (draws, B, F), one for every noise draw.

    The batch may hold `noise` (draws, B, Z); without it the mean alone is decoded.
    """

    config: DetectorModelConfig

    @nn.compact
    def __call__(self, batch: dict, deterministic: bool = True, axis: Axis = None) -> dict[str, Array]:
        """As the other modules."""
        x, weight = _entries(batch)
        hidden = HiddenLayers(self.config.widths, name="hidden")(x, weight, deterministic, axis)
        mean = nn.Dense(self.config.latent, name="mean")(hidden)
        log_variance = nn.Dense(self.config.latent, name="log_variance")(hidden)
        decoder = FeatureDecoder(self.config, x.shape[1], name="decoder")
        noise = batch.get("noise", jnp.zeros((1, *mean.shape), mean.dtype))
        decoded = [decoder(mean + jnp.exp(0.5 * log_variance) * one, weight, deterministic, axis) for one in noise]
        return {"embedding": mean, "log_variance": log_variance, "reconstruction": jnp.stack(decoded)}


def _entries(batch: dict) -> tuple[Array, Array]:
    """Features and row weights, checked."""
    x = jnp.asarray(batch["features"])
    chex.assert_rank(x, 2)
    weight = batch.get("weight")
    weight = jnp.ones(x.shape[0], x.dtype) if weight is None else jnp.asarray(weight)
    chex.assert_shape(weight, (x.shape[0],))
    return x, weight
