"""Terms of variational adaptation with class-conditional Gaussian latents shared by both domains (AVDA, arXiv 1909.11651).

All densities are handled as logarithms. Shapes: B rows, J latent dimensions, K classes, D pixels.
"""

import math

import chex
import jax
import jax.numpy as jnp

from lcjax.typing import Array

_LOG_TWO_PI = math.log(2 * math.pi)


def sample_latent(mean: Array, log_variance: Array, noise: Array) -> Array:
    """Mean + sigma * noise, all (B, J)."""
    return mean + jnp.exp(0.5 * log_variance) * noise


def component_log_density(z: Array, mean: Array, log_variance: Array) -> Array:
    """Log N(z; mean_k, variance_k) of z (B, J) under K diagonal Gaussians (K, J): (B, K) float32."""
    chex.assert_rank([z, mean, log_variance], 2)
    square = (z[:, None] - mean) ** 2 * jnp.exp(-log_variance)
    return -0.5 * jnp.sum(square + log_variance + _LOG_TWO_PI, axis=-1)


def log_responsibilities(
    z: Array, log_prior: Array, mean: Array, log_variance: Array, floor: float | None = None
) -> Array:
    """Log q(y|z): (B, K), which of the classes z is of.

    Args:
      z: (B, J). log_prior: (K,) logarithms of the shares of classes. mean, log_variance: (K, J) of the classes.
      floor: added to every joint density, as in the published code of a related model (1e-20); None: exact.
    """
    joint = log_prior + component_log_density(z, mean, log_variance)
    if floor is not None:
        joint = jnp.logaddexp(joint, math.log(floor))
    return joint - jax.nn.logsumexp(joint, axis=-1, keepdims=True)


def latent_divergences(mean: Array, log_variance: Array, class_mean: Array, class_log_variance: Array) -> Array:
    """KL of N(mean, variance) (B, J) from every class (K, J): (B, K), nats."""
    difference = class_log_variance - log_variance[:, None]
    square = (mean[:, None] - class_mean) ** 2 * jnp.exp(-class_log_variance)
    return 0.5 * jnp.sum(difference + jnp.exp(-difference) + square - 1.0, axis=-1)


def chosen(values: Array, label: Array) -> Array:
    """The entry of each row (B, K) at its label (B,); 0 where the label is -1."""
    picked = jnp.take_along_axis(values, jnp.maximum(label, 0)[:, None], axis=-1)[:, 0]
    return jnp.where(label >= 0, picked, 0.0)


def expected_divergence(log_responsibility: Array, divergence: Array) -> Array:
    """sum_k q_k KL_k: (B,)."""
    return jnp.sum(jnp.exp(log_responsibility) * divergence, axis=-1)


def class_divergence(log_responsibility: Array, log_prior: Array) -> Array:
    """KL of the responsibilities (B, K) from the shares of the classes (K,): (B,)."""
    return jnp.sum(jnp.exp(log_responsibility) * (log_responsibility - log_prior), axis=-1)


def bernoulli_reconstruction(target: Array, probability_logits: Array) -> Array:
    """-log p(x|z) of pixels in [0, 1] under Bernoulli decoders, summed over pixels: (B, ...) -> (B,)."""
    rows = target.shape[0]
    x, logits = target.reshape(rows, -1), probability_logits.reshape(rows, -1)
    return jnp.sum(jax.nn.softplus(logits) - x * logits, axis=-1)


def gaussian_reconstruction(target: Array, mean: Array, deviation: float = 1.0) -> Array:
    """-log p(x|z) of real numbers under Gaussian decoders of one deviation, summed: (B, ...) -> (B,)."""
    rows = target.shape[0]
    square = ((target - mean) / deviation).reshape(rows, -1) ** 2
    return 0.5 * jnp.sum(square + _LOG_TWO_PI + 2 * math.log(deviation), axis=-1)


def discriminator_losses(source_logit: Array, target_logit: Array) -> tuple[Array, Array]:
    """-log D of source rows (B,) and -log(1 - D) of target rows (B,), D the sigmoid of the logits: what the discriminator descends.

    The encoder descends log(1 - D) of target rows, the second's negative, or, so that its gradient does not vanish where the
    discriminator is sure, -log D of them.
    """
    return jax.nn.softplus(-source_logit), jax.nn.softplus(target_logit)
