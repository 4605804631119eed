"""ProbSparse self-attention as AstroM3 computes it (arXiv 2411.08842; Zhou et al. 2021, arXiv 2012.07436, algorithm 1).

A few queries, those whose logits with randomly sampled keys stand out most, attend to all rows; all others get the mean of
the values. Quirks that weights depend on are kept: padding takes part like any row, the sum over the samples is divided by
the number of keys and not of samples, and heads and rows are mixed before the output layer.
"""

import math

import chex
import jax
import jax.numpy as jnp

from lcjax.errors import ConfigError
from lcjax.typing import Array


def sampled_keys(length: int, factor: int) -> int:
    """Keys sampled for each query, and queries kept: factor * ceil(ln length), at most all.

    >>> sampled_keys(200, 1), sampled_keys(40, 2), sampled_keys(40, 40)
    (6, 8, 40)
    """
    return min(length, factor * math.ceil(math.log(length))) if length > 1 else length


def draw_samples(key: Array, length: int, factor: int) -> Array:
    """(L, U) int32 numbers of keys, with replacement: one table for a layer, shared by rows of the batch and heads."""
    return jax.random.randint(key, (length, sampled_keys(length, factor)), 0, length, jnp.int32)


def sparsity(query: Array, key: Array, samples: Array) -> Array:
    """How much the largest of a query's sampled logits stands out, (B, H, L) float32.

    Args:
      query, key: (B, H, L, E). samples: (L, U) int32.
    """
    chex.assert_rank([query, key, samples], [4, 4, 2])
    logits = jnp.einsum("bhle,bhlue->bhlu", query, key[:, :, samples])
    return jnp.max(logits, axis=-1) - jnp.sum(logits, axis=-1) / key.shape[2]


def prob_sparse_attention(query: Array, key: Array, value: Array, samples: Array) -> Array:
    """(B, H, L, E) context in the layout of the reference, heads before rows; as many queries attend as were sampled.

    Args:
      query, key, value: (B, H, L, E) float32. samples: (L, U) int32; U = L is dense attention.

    Raises:
      ConfigError: a single head, or a single sample, which the reference computes wrongly.
    """
    chex.assert_equal_shape([query, key, value])
    batch, heads, length, width = query.shape
    kept = samples.shape[1]
    if heads < 2 or kept < 2:
        raise ConfigError(
            f"ProbSparse attention with {heads} heads and {kept} samples of {length} points is not defined by the "
            "reference: give at least two of each, or --model.photometry.encoder dense"
        )
    scale = 1.0 / math.sqrt(width)
    if kept == length:
        return jnp.matmul(jax.nn.softmax(jnp.matmul(query * scale, jnp.swapaxes(key, 2, 3))), value)
    measure = jax.lax.stop_gradient(sparsity(query, key, samples))
    top = jax.lax.top_k(measure, kept)[1]
    chosen = jnp.take_along_axis(query, top[..., None], axis=2)
    attended = jnp.matmul(jax.nn.softmax(jnp.matmul(chosen * scale, jnp.swapaxes(key, 2, 3))), value)
    mean = jnp.broadcast_to(jnp.mean(value, axis=2, keepdims=True), value.shape)
    rows, head = jnp.arange(batch)[:, None, None], jnp.arange(heads)[None, :, None]
    return mean.at[rows, head, top].set(attended)


def mixed_heads(context: Array) -> Array:
    """(B, H, L, E) -> (B, L, H * E) without moving heads behind rows, as the reference does: output rows are of one head and H
    neighbouring rows where H divides L.
    """
    batch, heads, length, width = context.shape
    return context.reshape(batch, length, heads * width)
