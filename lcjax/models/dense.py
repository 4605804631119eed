"""The dense layer of networks over points: its gradient is asked for in the form that a CPU computes fastest."""

from typing import Any

import flax.linen as nn
import jax
from jax.experimental.xla_metadata import set_xla_metadata
from jax.typing import DTypeLike

from lcjax.typing import Array

_itself = jax.jit(lambda x: x)


def _as_written(rows: Array, gradient: Array) -> Array:
    return rows.T @ gradient


def _transposed_first(rows: Array, gradient: Array) -> Array:
    with set_xla_metadata(inlineable="false"):  # or the copy recomputes the rows, column by column: ten times its time
        rows = _itself(rows)
    return jax.lax.optimization_barrier(rows.T) @ gradient


_BY_PLATFORM = {"cpu": _transposed_first, "default": _as_written}
"""The gradient of a kernel, (N, D) x (N, E) -> (D, E). Left alone, XLA reads the rows by column in the product itself, which
its fast CPU kernels do not take; with the copy before it the same sums need a fifth less time, and layers of the same input
share the copy. Accelerators have kernels for either form and are given no copy."""


@jax.custom_vjp
def row_product(rows: Array, kernel: Array) -> Array:
    """`rows @ kernel`, (N, D) x (D, E) -> (N, E), with a gradient of the kernel in the form that suits the backend."""
    return rows @ kernel


def _forward(rows: Array, kernel: Array) -> tuple[Array, tuple[Array, Array]]:
    return rows @ kernel, (rows, kernel)


def _backward(saved: tuple[Array, Array], gradient: Array) -> tuple[Array, Array]:
    rows, kernel = saved
    return gradient @ kernel.T, jax.lax.platform_dependent(rows, gradient, **_BY_PLATFORM)


row_product.defvjp(_forward, _backward)


def _dot_general(rows: Array, kernel: Array, dimensions: Any, precision: Any = None) -> Array:
    """What `nn.Dense` calls: of rows and a kernel the dimensions are known, and nobody asks for a precision here."""
    return row_product(rows, kernel)


def dense(x: Array, width: int, dtype: DTypeLike, name: str) -> Array:
    """`nn.Dense` over the last axis of (..., D): points are rows of one matrix, whose gradients a CPU computes faster than
    those of a product over (B, L, D).
    """
    rows = x.reshape(-1, x.shape[-1])
    layer = nn.Dense(width, dtype=dtype, name=name, dot_general=_dot_general)
    return layer(rows).reshape(*x.shape[:-1], width)
