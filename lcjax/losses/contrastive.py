"""Contrast between two views of each row: InfoNCE / NT-Xent over the global batch, and what tells that embeddings collapse.

Rows that only fill up a batch (weight 0) are neither compared nor compared with. Everything is float32.
"""

import chex
import jax
import jax.numpy as jnp

from lcjax.global_batch import global_gather, global_mean, global_mean_of_rows, row_numbers
from lcjax.typing import Array, Axis

_OUT = -1e9


def unit_length(values: Array) -> Array:
    """Vectors (..., D) over their lengths, float32; a zero vector stays zero, with a finite gradient."""
    values = values.astype(jnp.float32)
    square = jnp.sum(values**2, axis=-1, keepdims=True)
    return jnp.where(square > 0, values * jax.lax.rsqrt(jnp.where(square > 0, square, 1.0)), 0.0)


def pair_logits(first: Array, second: Array, weight: Array, axis: Axis = None) -> tuple[Array, Array]:
    """Cosines of this device's rows of `first` with all rows of `second`, (B, B * devices), and the index of each partner.

    Columns of rows that do not count are far below all others, but for a row's own partner.
    """
    chex.assert_rank([first, second, weight], [2, 2, 1])
    chex.assert_equal_shape([first, second])
    others = global_gather(unit_length(second), axis)
    counts = global_gather(weight, axis) > 0
    partner = row_numbers(first.shape[0], axis)
    own = partner[:, None] == jnp.arange(others.shape[0])
    cosine = jnp.matmul(unit_length(first), others.T, precision=jax.lax.Precision.HIGHEST)
    return jnp.where(own | counts, cosine, _OUT), partner


def contrastive_loss(
    first: Array,
    second: Array,
    temperature: float | Array = 0.1,
    weight: Array | None = None,
    within: bool = False,
    axis: Axis = None,
) -> Array:
    """Mean cross entropy of finding each row's partner among all rows of the other view, both ways; a scalar.

    With `within` False the symmetric InfoNCE of paired data (van den Oord et al. 2018, arXiv 1807.03748, eq. 4; CLIP,
    Radford et al. 2021, arXiv 2103.00020, figure 3); with True the NT-Xent of two views of one thing, where the other
    rows of a row's own view are wrong answers as well (SimCLR, Chen et al. 2020, arXiv 2002.05709, eq. 1).

    Args:
      first, second: (B, D) embeddings of any length. temperature: divides the cosines; may be learned.
      weight: (B,), 0 for rows that only fill up the batch. axis: that rows are spread over.

    >>> round(float(contrastive_loss(jnp.eye(4), jnp.eye(4), temperature=1e3)), 3)  # cannot tell: ln 4
    1.386
    """
    weight = jnp.ones(first.shape[0], jnp.float32) if weight is None else weight
    scale = 1.0 / jnp.asarray(temperature, jnp.float32)
    total = jnp.zeros(first.shape[0], jnp.float32)
    for one, other in ((first, second), (second, first)):
        cosine, partner = pair_logits(one, other, weight, axis)
        logits = cosine * scale
        right = jnp.take_along_axis(logits, partner[:, None], axis=1)[:, 0]
        if within:
            own, _ = pair_logits(one, one, weight, axis)
            itself = partner[:, None] == jnp.arange(own.shape[1])
            logits = jnp.concatenate([logits, jnp.where(itself, _OUT, own * scale)], axis=1)
        total = total + 0.5 * (jax.nn.logsumexp(logits, axis=1) - right)
    return global_mean(total, weight, axis)


def partner_found(first: Array, second: Array, weight: Array | None = None, axis: Axis = None) -> Array:
    """(B,) float32: 1 where a row's partner is the nearest row of the other view, 1 / n of n that are equally near, else 0.

    Embeddings that are all alike find by chance, so that a collapse does not look like success.

    >>> partner_found(jnp.ones((4, 2)), jnp.ones((4, 2))).tolist()
    [0.25, 0.25, 0.25, 0.25]
    """
    weight = jnp.ones(first.shape[0], jnp.float32) if weight is None else weight
    cosine, partner = pair_logits(first, second, weight, axis)
    right = jnp.take_along_axis(cosine, partner[:, None], axis=1)
    as_near = jnp.sum(cosine >= right, axis=1)  # itself among them
    nearer = jnp.any(cosine > right, axis=1)
    return jnp.where(nearer, 0.0, 1.0 / as_near).astype(jnp.float32)


def effective_rank(values: Array, weight: Array | None = None, axis: Axis = None) -> Array:
    """How many directions embeddings (B, D) spread over: (sum of variances)^2 / sum of squared variances of the principal
    axes, a scalar from 0 (all rows alike) to D. Near 1 they have collapsed.

    >>> round(float(effective_rank(jnp.concatenate([jnp.eye(3), -jnp.eye(3)]))), 3)
    3.0
    """
    weight = jnp.ones(values.shape[0], jnp.float32) if weight is None else weight
    values = values.astype(jnp.float32)
    centred = values - global_mean_of_rows(values, weight, axis)
    rows = global_gather(centred * jnp.sqrt(weight)[:, None], axis)
    covariance = jnp.matmul(rows.T, rows, precision=jax.lax.Precision.HIGHEST)
    trace, square = jnp.trace(covariance), jnp.sum(covariance**2)
    return jnp.where(square > 0, trace**2 / jnp.where(square > 0, square, 1.0), 0.0)
