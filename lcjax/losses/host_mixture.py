"""Mixture densities over the sky plane: likelihood of a position, probability near an answer."""

import chex
import jax
import jax.numpy as jnp
import numpy as np
from jax.scipy.special import logsumexp

from lcjax.typing import Array

_DRAWS = 128


def mixture_log_density(at: Array, centres: Array, widths: Array, log_weights: Array) -> Array:
    """Log density (per square pixel) of round Gaussians.

    Args:
      at: (..., 2) pixels. centres: (..., K, 2) pixels. widths: (..., K) standard deviations. log_weights: (..., K), summing
        to 1 as weights.
    """
    _check(centres, widths, log_weights)
    chex.assert_axis_dimension(at, -1, 2)
    squared = jnp.sum(jnp.square(at[..., None, :] - centres), axis=-1) / jnp.square(widths)
    return logsumexp(log_weights - 0.5 * squared - 2 * jnp.log(widths) - jnp.log(2 * jnp.pi), axis=-1)


def _spiral() -> np.ndarray:
    """(_DRAWS, 2) points of a standard normal, evenly spread: equal shares of radius, turned by the golden angle."""
    number = np.arange(_DRAWS)
    radius = np.sqrt(-2 * np.log(1 - (number + 0.5) / _DRAWS))
    turn = number * np.pi * (3 - np.sqrt(5))
    return np.stack([radius * np.cos(turn), radius * np.sin(turn)], axis=-1).astype(np.float32)


SPIRAL = _spiral()


def probability_within(radius: float, at: Array, centres: Array, widths: Array, log_weights: Array) -> Array:
    """Probability of the circle around `at` (..., 2), to about half a percent."""
    _check(centres, widths, log_weights)
    draws = centres[..., None, :] + widths[..., None, None] * SPIRAL
    squared = jnp.sum(jnp.square(draws - at[..., None, None, :]), axis=-1)
    inside = jnp.mean((squared < radius**2).astype(jnp.float32), axis=-1)
    return jnp.sum(jnp.exp(log_weights) * inside, axis=-1)


def two_best_hosts(centres: Array, widths: Array, log_weights: Array, radius: float) -> tuple[Array, Array]:
    """The two most probable hosts of a mixture.

    The first is where a circle of `radius` pixels around a component holds most probability, the second likewise among those
    at least two radii away, so that the circles do not overlap. Each is then moved to the mean of the components inside
    its circle (by weight over variance), which averages what the eight variants say of the same host.

    Args:
      centres: (B, K, 2). widths, log_weights: (B, K).

    Returns:
      positions (B, 2, 2) and their probabilities (B, 2); without a second position, its probability is 0.
    """
    chex.assert_rank([centres, widths, log_weights], [3, 2, 2])
    _check(centres, widths, log_weights)
    within = lambda at: probability_within(radius, at, centres, widths, log_weights)
    held = jax.vmap(within, in_axes=1, out_axes=1)(centres)
    first = jnp.argmax(held, axis=1)
    pick = lambda index: jnp.take_along_axis(centres, index[:, None, None], axis=1)[:, 0]
    apart = jnp.sum(jnp.square(centres - pick(first)[:, None]), axis=-1) >= (2 * radius) ** 2
    others = jnp.where(apart, held, 0.0)
    second = jnp.argmax(others, axis=1)
    precision = jnp.exp(log_weights) / jnp.square(widths)

    def centred(at: Array) -> Array:
        near = jnp.sum(jnp.square(centres - at[:, None]), axis=-1) <= radius**2
        share = jnp.where(near, precision, 0.0)
        return jnp.sum(share[..., None] * centres, axis=1) / jnp.sum(share, axis=1, keepdims=True)

    found = jnp.stack([centred(pick(first)), centred(pick(second))], axis=1)
    one = within(found[:, 0])
    two = jnp.where(jnp.max(others, axis=1) > 0, jnp.minimum(within(found[:, 1]), 1 - one), 0.0)
    swap = (two > one)[:, None]
    held = jnp.stack([one, two], axis=1)
    return jnp.where(swap[..., None], found[:, ::-1], found), jnp.where(swap, held[:, ::-1], held)


def _check(centres: Array, widths: Array, log_weights: Array) -> None:
    chex.assert_axis_dimension(centres, -1, 2)
    chex.assert_equal_shape([widths, log_weights])
    chex.assert_equal_shape_prefix([centres, widths], widths.ndim)
