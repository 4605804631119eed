"""AVDA (Perez-Carrasco, Cabrera-Vives et al. 2019, arXiv 1909.11651): one encoder, two decoders, class-conditional Gaussian latents."""

import math
from collections.abc import Sequence

import chex
import flax.linen as nn
import jax
import jax.numpy as jnp

from lcjax.losses.avda import log_responsibilities
from lcjax.models.avda_config import AvdaConfig
from lcjax.models.image_networks import ImageNetwork
from lcjax.models.image_networks_config import ImageNetworkConfig
from lcjax.typing import Array, Axis

_WIDEST = 10.0


class Dense(nn.Module):
    """Dense layers with leaky ReLU between them."""

    widths: tuple[int, ...]

    @nn.compact
    def __call__(self, x: Array) -> Array:
        """(B, F) -> (B, widths[-1])."""
        for i, width in enumerate(self.widths, 1):
            x = nn.Dense(width, name=f"dense_{i}")(x)
            x = nn.leaky_relu(x) if i < len(self.widths) else x
        return x


class Encoder(nn.Module):
    """Images to mean and log variance of the latents."""

    network: ImageNetworkConfig
    dimensions: int

    @nn.compact
    def __call__(self, batch: dict, deterministic: bool, axis: Axis = None) -> tuple[Array, Array]:
        """(B, J) each."""
        features = ImageNetwork(self.network, name="features")(batch, deterministic, axis)
        features = nn.leaky_relu(features)
        mean = nn.Dense(self.dimensions, name="mean")(features)
        log_variance = nn.Dense(self.dimensions, name="log_variance", kernel_init=nn.initializers.zeros)(features)
        return mean, jnp.clip(log_variance, -_WIDEST, _WIDEST)


class Prior(nn.Module):
    """Shares, means and log variances of the classes."""

    classes: int
    dimensions: int

    @nn.compact
    def __call__(self) -> tuple[Array, Array, Array]:
        """Log pi (K,), mean (K, J), log variance (K, J); pi is a softmax."""
        shape = (self.classes, self.dimensions)
        share = self.param("share", nn.initializers.zeros, (self.classes,), jnp.float32)
        mean = self.param("mean", nn.initializers.normal(1.0), shape, jnp.float32)
        log_variance = self.param("log_variance", nn.initializers.zeros, shape, jnp.float32)
        return jax.nn.log_softmax(share), mean, log_variance


class Avda(nn.Module):
    """The whole model; the prior is that of both domains."""

    network: ImageNetworkConfig
    config: AvdaConfig
    num_classes: int
    pixel_shape: Sequence[int]
    """Of one image, or vector."""

    def setup(self) -> None:
        """Parts `encoder`, `decoder_source`, `decoder_target`, `discriminator`, `prior`."""
        size = math.prod(self.pixel_shape)
        self.encoder = Encoder(self.network, self.config.dimensions)
        self.decoder_source = Dense((*self.config.decoder, size))
        self.decoder_target = Dense((*self.config.decoder, size))
        self.discriminator = Dense((*self.config.discriminator, 1))
        self.prior = Prior(self.num_classes, self.config.dimensions)

    def encode(self, batch: dict, deterministic: bool = True, axis: Axis = None) -> tuple[Array, Array]:
        """`image`, scaled, optional `row` -> mean and log variance (B, J)."""
        return self.encoder(batch, deterministic, axis)

    def decode(self, z: Array, target: bool) -> Array:
        """(B, J) -> (B, *pixel_shape): logits of Bernoulli pixels, or means of Gaussian ones."""
        chex.assert_shape(z, (None, self.config.dimensions))
        decoder = self.decoder_target if target else self.decoder_source
        return decoder(z).reshape(z.shape[0], *self.pixel_shape)

    def classes(self) -> tuple[Array, Array, Array]:
        """Log pi (K,), mean and log variance (K, J)."""
        return self.prior()

    def discriminate(self, z: Array) -> Array:
        """(B, J) -> (B,) logit of `from the source`."""
        chex.assert_shape(z, (None, self.config.dimensions))
        return self.discriminator(z)[:, 0]

    def __call__(self, batch: dict) -> dict[str, Array]:
        """`logits` (B, K), log q(y|z) at the mean latent, and `embedding` (B, J); makes all parts."""
        mean, _ = self.encode(batch)
        if self.is_initializing():
            self.decode(mean, True), self.decode(mean, False), self.discriminate(mean)
        return {"logits": log_responsibilities(mean, *self.prior()), "embedding": mean}
