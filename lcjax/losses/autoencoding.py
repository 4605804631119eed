"""Losses and scores of autoencoders of feature tables (arXiv 2308.05011, as its program computes them)."""

import chex
import jax.numpy as jnp

from lcjax.global_batch import global_mean
from lcjax.typing import Array, Axis


def squared_error(reconstruction: Array, features: Array) -> Array:
    """The anomaly score: sum over the features of the squared error, (B, F) -> (B,)."""
    chex.assert_equal_shape([reconstruction, features])
    return jnp.sum((reconstruction - features) ** 2, axis=-1)


def reconstruction_loss(reconstruction: Array, features: Array, weight: Array, axis: Axis = None) -> Array:
    """Mean over rows and features of the squared error, a scalar.

    >>> float(reconstruction_loss(jnp.ones((2, 4)), jnp.zeros((2, 4)), jnp.ones(2)))
    1.0
    """
    return global_mean(squared_error(reconstruction, features) / features.shape[-1], weight, axis)


def mean_divergence(mean: Array, log_variance: Array, weight: Array, axis: Axis = None) -> Array:
    """Kullback-Leibler divergence from a standard normal, the mean over rows and latent entries; nats, a scalar.

    >>> float(mean_divergence(jnp.ones((2, 3)), jnp.zeros((2, 3)), jnp.ones(2)))
    0.5
    """
    chex.assert_equal_shape([mean, log_variance])
    each = 0.5 * (mean**2 + jnp.exp(log_variance) - 1.0 - log_variance)
    return global_mean(jnp.mean(each, axis=-1), weight, axis)


def variational_loss(
    reconstructions: Array, features: Array, mean: Array, log_variance: Array, weight: Array, axis: Axis = None
) -> Array:
    """Reconstruction loss, averaged over noise draws, plus the mean divergence.

    Args:
      reconstructions: (draws, B, F). features: (B, F). mean, log_variance: (B, Z). weight: (B,).
    """
    chex.assert_rank(reconstructions, 3)
    errors = jnp.mean(jnp.sum((reconstructions - features) ** 2, axis=-1), axis=0) / features.shape[-1]
    return global_mean(errors, weight, axis) + mean_divergence(mean, log_variance, weight, axis)
