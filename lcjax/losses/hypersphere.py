"""Hyperspheres around the centres of known classes: Deep SVDD (Ruff et al. 2018) and its multi-class form (arXiv 2308.05011)."""

import chex
import jax
import jax.numpy as jnp

from lcjax.global_batch import global_mean, global_mean_of_rows
from lcjax.typing import Array, Axis

CENTRE_EPSILON = 0.01


def off_zero(centre: Array, epsilon: float = CENTRE_EPSILON) -> Array:
    """Entries closer to 0 than epsilon moved to -epsilon or epsilon; an exact 0 stays.

    A centre entry near 0 could be met by weights of 0.

    >>> [round(x, 4) for x in off_zero(jnp.array([0.0, 0.004, -0.004, 0.5])).tolist()]
    [0.0, 0.01, -0.01, 0.5]
    """
    near = (jnp.abs(centre) < epsilon) & (centre != 0)
    return jnp.where(near, jnp.sign(centre) * epsilon, centre)


def class_means(latent: Array, label: Array, classes: int, weight: Array | None = None, axis: Axis = None) -> Array:
    """Mean latent of each class: (B, Z), (B,) int, -1 for none -> (classes, Z); 0 for a class without rows."""
    chex.assert_rank([latent, label], [2, 1])
    rows = jax.nn.one_hot(label, classes, dtype=latent.dtype)
    rows = rows if weight is None else rows * weight[:, None]
    return jax.vmap(lambda own: global_mean_of_rows(latent, own, axis), in_axes=1)(rows)


def squared_distances(latent: Array, centres: Array) -> Array:
    """(B, Z), (K, Z) -> (B, K) squared distances."""
    chex.assert_rank([latent, centres], 2)
    chex.assert_equal_shape_suffix([latent, centres], 1)
    return jnp.sum((latent[:, None, :] - centres[None]) ** 2, axis=-1)


def nearest_squared_distance(latent: Array, centres: Array) -> Array:
    """The anomaly score: squared distance to the nearest centre, (B,)."""
    return jnp.min(squared_distances(latent, centres), axis=-1)


def hypersphere_loss(latent: Array, centres: Array, label: Array, weight: Array, axis: Axis = None) -> Array:
    """Mean squared distance of the rows to the centre of their class, a scalar.

    Args:
      latent: (B, Z). centres: (K, Z), constants. label: (B,) int, -1 for rows that say nothing. weight: (B,).
    """
    chex.assert_rank([label, weight], 1)
    own = jnp.asarray(centres)[jnp.maximum(label, 0)]
    distance = jnp.sum((latent - own) ** 2, axis=-1)
    return global_mean(distance, weight * (label >= 0), axis)
