"""Losses of classifiers: cross entropy, entropy of the answers, focal loss.

Labels are class indices; -1 means unknown and says nothing. Sums go over the global batch.
"""

import chex
import jax
import jax.numpy as jnp

from lcjax.global_batch import global_mean
from lcjax.typing import Array, Axis


def cross_entropy(logits: Array, label: Array) -> Array:
    """-log p(label), natural log: logits (B, K), label (B,) int -> (B,) float32; 0 where the label is -1.

    >>> round(float(cross_entropy(jnp.zeros((1, 5)), jnp.array([3]))[0]), 4)
    1.6094
    """
    _check(logits, label)
    log_probability = jax.nn.log_softmax(logits.astype(jnp.float32))
    picked = jnp.take_along_axis(log_probability, jnp.maximum(label, 0)[:, None], axis=-1)[:, 0]
    return jnp.where(label >= 0, -picked, 0.0)


def entropy(logits: Array) -> Array:
    """Entropy of the softmax, nats: (B, K) -> (B,) float32.

    >>> round(float(entropy(jnp.zeros((1, 5)))[0]), 4)
    1.6094
    """
    log_probability = jax.nn.log_softmax(logits.astype(jnp.float32))
    return -jnp.sum(jnp.exp(log_probability) * log_probability, axis=-1)


def focal_factor(logits: Array, label: Array, gamma: float) -> Array:
    """(1 - p(label))^gamma, (B,): what focal loss multiplies the cross entropy with; 1 for gamma 0."""
    _check(logits, label)
    if gamma == 0.0:
        return jnp.ones(label.shape, jnp.float32)
    probability = jnp.exp(-cross_entropy(logits, label))
    return jnp.maximum(1.0 - probability, 1e-7) ** gamma


def label_weight(label: Array, weight: Array | None = None) -> Array:
    """Weight of each row in a classification loss, (B,): 0 without a label."""
    chex.assert_rank(label, 1)
    if weight is not None:
        chex.assert_equal_shape([label, weight])
    known = (label >= 0).astype(jnp.float32)
    return known if weight is None else known * weight


def entropy_regularised(
    logits: Array,
    label: Array,
    beta: float,
    weight: Array | None = None,
    focal_gamma: float = 0.0,
    axis: Axis = None,
) -> Array:
    """Mean cross entropy minus beta times the mean entropy of the answers (Carrasco-Davis et al. 2021), a scalar.

    Entropy is rewarded, which flattens answers that are too sure; the value may be negative. With beta 0 it is plain
    cross entropy, with `focal_gamma` focal loss.

    Args:
      logits: (B, K). label: (B,) int, -1 unknown. weight: (B,), 0 for rows that only fill up.
      beta: factor of the entropy. focal_gamma: exponent of the focal factor. axis: that rows are spread over.
    """
    rows = label_weight(label, weight)
    value = cross_entropy(logits, label) * focal_factor(logits, label, focal_gamma)
    return global_mean(value, rows, axis) - beta * global_mean(entropy(logits), rows, axis)


def _check(logits: Array, label: Array) -> None:
    chex.assert_rank([logits, label], [2, 1])
    chex.assert_type(label, int)
    chex.assert_equal_shape_prefix([logits, label], 1)
