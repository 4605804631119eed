"""Attention of the Astromer family: the published additive masks, and strict attention to visible points only."""

import functools
from collections.abc import Callable

import chex
import flax.linen as nn
import jax
import jax.numpy as jnp

from lcjax.cores import cores
from lcjax.typing import Array, PyTree

HIDDEN_LOGIT = -1e30
"""Added to the logits of hidden points: their weights are exactly 0. Finite, so that a row with no visible point gets
equal weights rather than NaN."""


_MOST_PARTS = 4
_LOGITS_OF_A_PART = 2**20
"""Less is computed sooner than handed to another core."""


def _in_parts(attend: Callable[..., PyTree], *arrays: Array) -> PyTree:
    """`attend(*arrays)` of a batch (B, L, ...); on a CPU some windows apart from the others.

    XLA's CPU kernels compute a batch of products on one core. Of several batches, each core takes one; the split itself
    costs nothing, as it joins the copies that bring the heads first. Devices that share a batch keep it as it is.
    """
    rows, length, heads = arrays[0].shape[:3]
    known = all(
        isinstance(size, int) for size in (rows, length)
    )  # not in an export for windows of any number and length
    if not known or jax.default_backend() != "cpu" or jax.device_count() > 1:
        return attend(*arrays)
    most = min(_MOST_PARTS, cores(), rows, rows * heads * length**2 // _LOGITS_OF_A_PART)
    if most < 2:
        return attend(*arrays)
    edges = [rows * i // most for i in range(1, most)]
    parts = [attend(*part) for part in zip(*(jnp.split(x, edges) for x in arrays), strict=True)]
    return jax.tree.map(lambda *part: jnp.concatenate(part), *parts)


def published_mask_term(hidden: Array, mask_format: str) -> Array | None:
    """The matrix M of the published models, (B, 1, L, L): alpha * M is added to the logits (A&A 670, A54; 707, A170).

    Args:
      hidden: (B, L) float32, 1 = hidden or padding.
      mask_format: QK marks pairs with a hidden query or key, K hidden keys, Q hidden queries (no effect after the
        softmax but for rounding); tanh and logits have no mask term.
    """
    if mask_format == "QK":
        pairs = jnp.minimum(1.0, hidden[:, :, None] + hidden[:, None, :])
    elif mask_format == "K":
        pairs = jnp.broadcast_to(hidden[:, None, :], (*hidden.shape, hidden.shape[-1]))
    elif mask_format == "Q":
        pairs = jnp.broadcast_to(hidden[:, :, None], (*hidden.shape, hidden.shape[-1]))
    else:
        return None
    return pairs[:, None]


def published_attention(
    query: Array, key: Array, value: Array, hidden: Array, mask_format: str, alpha: float, temperature: float
) -> tuple[Array, Array, Array]:
    """Attention as the originals compute it, in float32.

    Args:
      query, key, value: (B, L, H, d). hidden: (B, L) float32, 1 = hidden or padding.

    Returns:
      output (B, L, H, d), weights (B, H, L, L), scaled logits before the mask (B, H, L, L).
    """
    chex.assert_rank([query, hidden], [4, 2])
    chex.assert_equal_shape([query, key, value])
    attend = functools.partial(_published, mask_format=mask_format, alpha=alpha, temperature=temperature)
    return _in_parts(attend, query, key, value, hidden)


def _published(
    query: Array, key: Array, value: Array, hidden: Array, mask_format: str, alpha: float, temperature: float
) -> tuple[Array, Array, Array]:
    scale = jnp.sqrt(jnp.float32(query.shape[-1])) * (temperature or 1.0)
    scaled = _products(query.astype(jnp.float32) / scale, key.astype(jnp.float32))
    if mask_format in ("tanh", "logits"):
        weights = jnp.tanh(scaled) if mask_format == "tanh" else scaled
        return _weighted(weights, value), weights, scaled
    # Keep this sum in float32: at alpha = -1e9 the logits vanish and a fully hidden row becomes uniform, exactly.
    output, powers, norm = _softmax_of_values(
        scaled + jnp.float32(alpha) * published_mask_term(hidden, mask_format), value
    )
    return output, powers / norm, scaled


def _softmax_of_values(logits: Array, value: Array) -> tuple[Array, Array, Array]:
    """Values (B, L, H, d) averaged with a softmax over logits (B, H, L, L); exponentials and their sums (B, H, L, 1).

    Dividing the sums by the norm, not every weight, saves passes over (L, L), forwards and backwards.
    """
    powers = jnp.exp(logits - jax.lax.stop_gradient(logits.max(axis=-1, keepdims=True)))
    norm = powers.sum(axis=-1, keepdims=True)
    return _weighted(powers, value) / norm.transpose(0, 2, 1, 3), powers, norm


def _products(query: Array, key: Array) -> Array:
    """Products of queries and keys (B, L, H, d) as (B, H, L, L) float32.

    Heads first: batched products of that layout run two to three times as fast on a CPU as what
    `jax.nn.dot_product_attention` makes of the same arrays, and no slower on a GPU.
    """
    query, key = query.transpose(0, 2, 1, 3), key.transpose(0, 2, 1, 3)
    return jnp.einsum("bhld,bhmd->bhlm", query, key, preferred_element_type=jnp.float32)


def _weighted(weights: Array, value: Array) -> Array:
    """Sums of values (B, L, H, d) with weights (B, H, L, L), as (B, L, H, d)."""
    return jnp.matmul(weights.astype(value.dtype), value.transpose(0, 2, 1, 3)).transpose(0, 2, 1, 3)


def strict_attention(
    query: Array,
    key: Array,
    value: Array,
    visible: Array,
    bias: Array | None = None,
    implementation: str = "xla",
) -> Array:
    """Every point attends to the visible points alone; a row with none gets finite values.

    Args:
      query, key, value: (B, L, H, d). visible: (B, L) bool. bias: (B or 1, H, L, L) float32 added to the logits.
      implementation: "xla" or "cudnn" (see `jax.nn.dot_product_attention`; cudnn needs a GPU and bfloat16, and takes
        the bias in that precision).
    """
    chex.assert_rank([query, visible], [4, 2])
    chex.assert_equal_shape([query, key, value])
    chex.assert_type(visible, bool)
    if implementation == "cudnn":
        length = query.shape[1]
        mask = jnp.broadcast_to(visible[:, None, None, :], (visible.shape[0], 1, length, length))
        bias = None if bias is None else bias.astype(query.dtype)
        return jax.nn.dot_product_attention(query, key, value, bias=bias, mask=mask, implementation="cudnn")
    attend = lambda q, k, v, seen: _softmax_of_values(_strict_logits(q, k, seen, bias), v)[0].astype(v.dtype)
    arrays = query, key, value, visible
    return attend(*arrays) if bias is not None and len(bias) > 1 else _in_parts(attend, *arrays)


def strict_weights(query: Array, key: Array, visible: Array, bias: Array | None = None) -> Array:
    """The weights of `strict_attention`, (B, H, L, L) float32: what each point (third axis) takes of every other one."""
    return jax.nn.softmax(_strict_logits(query, key, visible, bias), axis=-1)


def _strict_logits(query: Array, key: Array, visible: Array, bias: Array | None) -> Array:
    scaled = query / jnp.sqrt(jnp.asarray(query.shape[-1], query.dtype))
    logits = _products(scaled, key) + jnp.where(visible, 0.0, HIDDEN_LOGIT)[:, None, None, :]
    return logits if bias is None else logits + bias


TIME_SCALES = (0.03, 0.3, 3.0, 30.0, 300.0)
"""Days: from exposures of one visit to seasons."""


def _log_separations(time: Array) -> list[Array]:
    """log(1 + |t_i - t_j| / tau_k), (B, L, L) for every scale."""
    separation = jnp.abs(time[:, :, None] - time[:, None, :]).astype(jnp.float32)
    return [jnp.log(1.0 + separation / tau) for tau in TIME_SCALES]


@jax.custom_vjp
def fading_bias(time: Array, steepness: Array) -> Array:
    """-sum_k steepness_hk log(1 + |t_i - t_j| / tau_k): (B, L) days and (H, K) -> (B, H, L, L) float32.

    Written as sums over the scales, forwards and backwards, which compile to single passes: as an einsum over the stacked
    logarithms it takes four times as long on a CPU. Times are data: their gradient is taken as 0.
    """
    logs = _log_separations(time)
    return -sum(log[:, None] * steepness[:, k][None, :, None, None] for k, log in enumerate(logs))


def _fading_bias_forward(time: Array, steepness: Array) -> tuple[Array, Array]:
    return fading_bias(time, steepness), time


def _fading_bias_backward(time: Array, gradient: Array) -> tuple[Array, Array]:
    logs = _log_separations(time)
    heads = range(gradient.shape[1])
    sums = [jnp.stack([jnp.sum(gradient[:, head] * log) for log in logs]) for head in heads]
    return jnp.zeros_like(time), -jnp.stack(sums)


fading_bias.defvjp(_fading_bias_forward, _fading_bias_backward)


class TimeDifferenceBias(nn.Module):
    """Per head, -sum_k c_k log(1 + |t_i - t_j| / tau_k), c_k >= 0: attention that fades with separation in time.

    A softmax over these logits is a product of power-law smoothing kernels of learned steepness at fixed scales; heads
    start at different scales. The scales are fixed so that nothing is differentiated through the logarithms. Ours: the
    published encodings cannot tell the exposures of one visit from one another.
    """

    num_heads: int

    @nn.compact
    def __call__(self, time: Array) -> Array:
        """(B, L) days -> (B, H, L, L) float32."""
        count = len(TIME_SCALES)

        def start(_: Array) -> Array:
            favoured = jnp.linspace(0, count - 1, self.num_heads)[:, None]
            return jnp.where(jnp.abs(jnp.arange(count) - favoured) < 0.75, 0.5, -4.0)

        return fading_bias(time, jax.nn.softplus(self.param("steepness", start)))
