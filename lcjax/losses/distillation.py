"""Self-distillation: a network foretells what a slow copy of itself makes of another view. No other row is compared with."""

import chex
import jax
import jax.numpy as jnp

from lcjax.global_batch import global_mean
from lcjax.losses.contrastive import unit_length
from lcjax.typing import Array, Axis, PyTree


def distillation_loss(foretold: Array, taught: Array, weight: Array | None = None, axis: Axis = None) -> Array:
    """Mean squared distance of unit vectors, 2 - 2 cos, a scalar from 0 to 4 (BYOL, Grill et al. 2020, arXiv 2006.07733, eq. 2).

    Nothing flows back through the teacher. That all embeddings are alike is a minimum too: watch `effective_rank`.

    Args:
      foretold: (B, D) of the predictor. taught: (B, D) of the teacher. weight: (B,), 0 for rows that only fill up a batch.

    >>> float(distillation_loss(jnp.eye(3), 2 * jnp.eye(3)))
    0.0
    """
    chex.assert_equal_shape([foretold, taught])
    chex.assert_rank(foretold, 2)
    weight = jnp.ones(foretold.shape[0], jnp.float32) if weight is None else weight
    cosine = jnp.sum(unit_length(foretold) * jax.lax.stop_gradient(unit_length(taught)), axis=-1)
    return global_mean(2.0 - 2.0 * cosine, weight, axis)


def moved_teacher(teacher: PyTree, student: PyTree, momentum: float) -> PyTree:
    """The teacher's parameters a step nearer to the student's: momentum * teacher + (1 - momentum) * student.

    >>> moved_teacher({"w": jnp.zeros(1)}, {"w": jnp.ones(1)}, 0.75)["w"].tolist()
    [0.25]
    """
    blind = jax.lax.stop_gradient
    return jax.tree.map(lambda old, new: momentum * old + (1.0 - momentum) * blind(new), blind(teacher), student)
