"""Losses of semi-supervised domain adaptation: minimax entropy with a reversed gradient, consistency of two views.

Rows of weight 0 only fill up a batch. Sums go over the global batch.
"""

from functools import partial

import chex
import jax
import jax.numpy as jnp

from lcjax.global_batch import global_mean
from lcjax.losses.classification import cross_entropy
from lcjax.typing import Array, Axis

EPSILON = 1e-10
"""Added to probabilities before their logarithm; 1e-5 in the code of the article's authors."""


@partial(jax.custom_vjp, nondiff_argnums=(1,))
def reverse_gradient(x: Array, eta: float = 1.0) -> Array:
    """The identity, whose gradient is multiplied by -eta (Ganin and Lempitsky 2015, arXiv 1409.7495, section 3.1).

    >>> float(jax.grad(lambda x: 3.0 * reverse_gradient(x, 0.5))(1.0))
    -1.5
    """
    del eta
    return x


def _forward(x: Array, eta: float) -> tuple[Array, None]:
    del eta
    return x, None


def _backward(eta: float, residual: None, gradient: Array) -> tuple[Array]:
    del residual
    return (jax.tree.map(lambda g: -eta * g, gradient),)


reverse_gradient.defvjp(_forward, _backward)


def negative_entropy(logits: Array, epsilon: float = EPSILON) -> Array:
    """sum_k p_k log(p_k + epsilon) of the softmax p, nats: (B, K) -> (B,) float32 (Saito et al. 2019, arXiv 1904.06487, eq. 2).

    >>> round(float(negative_entropy(jnp.zeros((1, 4)))[0]), 4)
    -1.3863
    """
    chex.assert_rank(logits, 2)
    probability = jax.nn.softmax(logits.astype(jnp.float32))
    return jnp.sum(probability * jnp.log(probability + epsilon), axis=-1)


def agreed_labels(first: Array, second: Array, threshold: float | Array) -> tuple[Array, Array, Array]:
    """What two views of each row say together: softmax of the mean of their logits, without gradient.

    Args:
      first, second: logits (B, K). threshold: of the largest probability.

    Returns:
      probability (B, K), its largest class (B,) int32, and (B,) float32, 1 where that is above the threshold
      (Perez-Carrasco et al. 2022, arXiv 2204.01558).
    """
    chex.assert_equal_shape([first, second])
    mean = 0.5 * (first.astype(jnp.float32) + second.astype(jnp.float32))
    probability = jax.lax.stop_gradient(jax.nn.softmax(mean))
    sure = (jnp.max(probability, axis=-1) > threshold).astype(jnp.float32)
    return probability, jnp.argmax(probability, axis=-1).astype(jnp.int32), sure


def masked_consistency(
    first: Array, second: Array, threshold: float | Array, weight: Array | None = None, axis: Axis = None
) -> tuple[Array, Array, Array]:
    """Cross entropy of each view's logits (B, K) with the class both agree on, where they are sure.

    Returns:
      the loss of the first view and of the second, means over all rows, those that are not sure counting as zero; and the share
      of rows that are sure. Both views receive gradients.
    """
    weight = jnp.ones(first.shape[0], jnp.float32) if weight is None else weight
    _, label, sure = agreed_labels(first, second, threshold)
    losses = [global_mean(sure * cross_entropy(view, label), weight, axis) for view in (first, second)]
    return losses[0], losses[1], global_mean(sure, weight, axis)
