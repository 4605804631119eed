"""Losses of fractions of votes, which are distributions over classes (Perez-Carrasco et al. 2019)."""

import chex
import jax.numpy as jnp

from lcjax.global_batch import global_mean
from lcjax.typing import Array, Axis


def vote_errors(probabilities: Array, votes: Array) -> Array:
    """(B,) root mean square over the classes of (p - v), (B, K) each. The gradient is 0, and finite, where p = v.

    >>> float(vote_errors(jnp.array([[1.0, 0.0]]), jnp.array([[0.0, 1.0]]))[0])
    1.0
    """
    chex.assert_equal_shape([probabilities, votes])
    squared = jnp.mean(jnp.square(probabilities - votes), axis=-1)
    exact = squared <= 0
    return jnp.where(exact, 0.0, jnp.sqrt(jnp.where(exact, 1.0, squared)))


def vote_loss(probabilities: Array, votes: Array, weight: Array, axis: Axis = None) -> Array:
    """Mean of `vote_errors` over the global batch: the published loss and metric."""
    return global_mean(vote_errors(probabilities, votes), weight, axis)


def pooled_rmse(probabilities: Array, votes: Array, weight: Array, axis: Axis = None) -> Array:
    """Sqrt of the mean over rows and classes of (p - v)^2, never smaller than `vote_loss`."""
    squared = jnp.mean(jnp.square(probabilities - votes), axis=-1)
    return jnp.sqrt(global_mean(squared, weight, axis))
