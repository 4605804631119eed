"""Contrast between every two modalities of the same objects, over the global batch, whichever of them are there.

Embeddings are of length 1, factors of the cosines are given. Logits can be made in chunks of rows, which are made again in the
backward pass, so that a batch of B rows needs chunk x B numbers and not B x B.
"""

from collections.abc import Callable, Mapping

import chex
import jax
import jax.numpy as jnp

from lcjax.global_batch import global_gather, global_mean, global_sum, row_numbers
from lcjax.typing import Array, Axis

_OUT = -1e9
PAIR_LOSSES = ("softmax", "sigmoid")


def _chunked(of_rows: Callable[..., Array], arrays: tuple[Array, ...], chunk: int | None) -> Array:
    """`of_rows` of all rows, or of `chunk` rows at a time; (B,)."""
    rows = arrays[0].shape[0]
    if chunk is None or chunk >= rows:
        return of_rows(*arrays)
    count = -(-rows // chunk)
    padded = [jnp.pad(x, [(0, count * chunk - rows), *[(0, 0)] * (x.ndim - 1)]) for x in arrays]
    parts = [x.reshape(count, chunk, *x.shape[1:]) for x in padded]
    found = jax.lax.map(lambda part: jax.checkpoint(of_rows)(*part), tuple(parts))
    return found.reshape(-1)[:rows]


def _products(one: Array, other: Array) -> Array:
    return jnp.matmul(one, other.T, precision=jax.lax.Precision.HIGHEST)


def softmax_terms(
    one: Array, other: Array, scale: Array, weight: Array, chunk: int | None = None, axis: Axis = None
) -> Array:
    """-log p of a row's partner among all rows of the other modality (InfoNCE; CLIP, arXiv 2103.00020), (B,) float32.

    Args:
      one, other: (B, D), of length 1. scale: of the cosines. weight: (B,), 0 where either is missing: such rows are no wrong
        answers. chunk: rows whose logits are held at a time; None: all.
    """
    others, counts = global_gather(other, axis), global_gather(weight, axis) > 0
    partner = row_numbers(one.shape[0], axis)

    def of_rows(rows: Array, number: Array) -> Array:
        logits = scale * _products(rows, others)
        itself = number[:, None] == jnp.arange(others.shape[0])
        logits = jnp.where(counts | itself, logits, _OUT)
        right = jnp.sum(jnp.where(itself, logits, 0.0), axis=1)
        return jax.nn.logsumexp(logits, axis=1) - right

    return _chunked(of_rows, (one, partner), chunk)


def sigmoid_terms(
    one: Array,
    other: Array,
    scale: Array,
    bias: Array | float,
    weight: Array,
    chunk: int | None = None,
    axis: Axis = None,
) -> Array:
    """Sum over all rows of the other modality of -log sigmoid(+-(scale * cosine + bias)), plus for the partner (SigLIP, Zhai et
    al. 2023, arXiv 2303.15343, eq. 1), (B,) float32. Arguments as of `softmax_terms`.
    """
    others, counts = global_gather(other, axis), global_gather(weight, axis) > 0
    partner = row_numbers(one.shape[0], axis)

    def of_rows(rows: Array, number: Array) -> Array:
        logits = scale * _products(rows, others) + bias
        itself = number[:, None] == jnp.arange(others.shape[0])
        terms = jax.nn.softplus(jnp.where(itself, -logits, logits))
        return jnp.sum(jnp.where(counts | itself, terms, 0.0), axis=1)

    return _chunked(of_rows, (one, partner), chunk)


def pair_loss(
    one: Array,
    other: Array,
    scale: Array,
    weight: Array,
    loss: str = "softmax",
    directions: str = "sum",
    bias: Array | float = 0.0,
    chunk: int | None = None,
    axis: Axis = None,
) -> Array:
    """Loss of one pair of modalities over the objects that have both, a scalar; 0 where none has.

    Args:
      weight: (B,), 0 for rows that lack a modality or only fill up. loss: `softmax` or `sigmoid`.
      directions: of `softmax`: `sum` of both (AstroM3) or their `mean` (CLIP). bias: of `sigmoid`.

    >>> x = jnp.eye(4)
    >>> round(float(pair_loss(x, x, jnp.float32(0.0), jnp.ones(4))), 3)  # cannot tell: twice ln 4
    2.773
    """
    chex.assert_equal_shape([one, other])
    chex.assert_rank([one, weight], [2, 1])
    if loss == "sigmoid":
        return global_mean(sigmoid_terms(one, other, scale, bias, weight, chunk, axis), weight, axis)
    there = softmax_terms(one, other, scale, weight, chunk, axis)
    back = softmax_terms(other, one, scale, weight, chunk, axis)
    return global_mean((there + back) * (1.0 if directions == "sum" else 0.5), weight, axis)


def pair_weights(present: Mapping[str, Array], weight: Array, pairs: list[tuple[str, str]]) -> dict[str, Array]:
    """Weight of every row in the loss of each pair, pair `a_b` -> (B,): 0 where either is missing.

    Args:
      present: modality -> (B,) bool. weight: (B,), 0 for rows that only fill up.
    """
    return {f"{a}_{b}": weight * (present[a] & present[b]) for a, b in pairs}


def retrieval_hits(
    embeddings: Mapping[str, Array],
    scales: Mapping[str, Array],
    weights: Mapping[str, Array],
    pairs: list[tuple[str, str]],
) -> tuple[Array, Array]:
    """Whether a row is found by its partners: the largest of the mean of its probabilities is its own; hits and weight, (B,).

    Probabilities of a pair are the mean of the softmax over rows of the logits and of their transpose (AstroM3 monitors this).
    Not spread over devices: evaluations see whole batches. Rows that lack a modality take part by the pairs that they have.
    """
    total, count = 0.0, 0.0
    for one, other in pairs:
        name = f"{one}_{other}"
        counts = weights[name] > 0
        logits = scales[name] * _products(embeddings[one], embeddings[other])
        both = [jax.nn.softmax(jnp.where(counts, x, _OUT), axis=1) for x in (logits, logits.T)]
        total = total + jnp.where(counts[:, None], (both[0] + both[1]) / 2, 0.0)
        count = count + counts
    mean = total / jnp.maximum(count, 1)[:, None]
    hits = (jnp.argmax(mean, axis=1) == jnp.arange(mean.shape[0])).astype(jnp.float32)
    return hits, (jnp.asarray(count) > 0).astype(jnp.float32)


def objects_with_pairs(weights: Mapping[str, Array], axis: Axis = None) -> dict[str, Array]:
    """Pair -> objects of the global batch that have both."""
    return {name: global_sum((weight > 0).astype(jnp.float32), axis) for name, weight in weights.items()}
