"""Convolutions of small kernels with about half of the multiplications, for predictions on a CPU.

A row of m results of an r-tap kernel needs m r products one by one, but only n = m + r - 1 products of transformed
inputs and transformed taps (Winograd 1980; Lavin & Gray 2016, arXiv 1509.09308). The transforms are the transpose of
Toom-Cook multiplication of polynomials: evaluate the kernel at n points, multiply, interpolate. Here along rows
only, with the six points 0, 1, -1, 2, -2 and infinity: 3 x 3 kernels take 6 products instead of 12 for every 4 pixels,
5 x 5 kernels 6 instead of 10 for every 2. Columns stay plain convolutions, which keeps rounding near that of a direct
sum (1e-6 of the largest result; transforms along both axes have four times that and, on a CPU, gain nothing more).
"""

from fractions import Fraction
from functools import cache
from typing import Any

import chex
import jax.numpy as jnp
import numpy as np
from jax import lax

from lcjax.typing import Array

_POINTS = (0, 1, -1, 2, -2)
_PRODUCTS = len(_POINTS) + 1  # and infinity
_FEW_CHANNELS = 8
"""Below this a CPU's vectors stay half empty: the taps of a row are taken as channels."""
_LAYOUT = ("NHWC", "HWIO", "NHWC")


@cache
def transforms(taps: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Matrices (result, kernel, input), (m, 6), (6, taps), (6, 6) float32, for 2 to 5 taps and m = 7 - taps.

    `result @ ((kernel @ g) * (input @ d))` are the m sums of the taps g over six neighbours d.

    >>> result, kernel, input = transforms(3)
    >>> np.round(result @ ((kernel @ np.ones(3)) * (input @ np.arange(6.0)))).tolist()
    [3.0, 6.0, 9.0, 12.0]
    """
    outputs = _PRODUCTS + 1 - taps
    result, kernel = np.zeros((outputs, _PRODUCTS)), np.zeros((_PRODUCTS, taps))
    inputs = np.zeros((_PRODUCTS, _PRODUCTS))
    for i, point in enumerate(_POINTS):
        others = [p for p in _POINTS if p != point]
        divisor = Fraction(int(np.prod([point - p for p in others])))
        result[:, i] = [float(point) ** k for k in range(outputs)]
        kernel[i] = [float(point**k / divisor) for k in range(taps)]
        inputs[i, :-1] = np.poly(others)[::-1]
    result[-1, -1] = kernel[-1, -1] = 1
    inputs[-1] = np.poly(_POINTS)[::-1]
    return tuple(np.asarray(matrix, np.float32) for matrix in (result, kernel, inputs))


def _combined(matrix: np.ndarray, parts: list[Array]) -> list[Array]:
    """The matrix times a column of arrays, zeros left out."""
    rows = []
    for row in matrix.tolist():
        terms = [part if factor == 1 else factor * part for factor, part in zip(row, parts, strict=True) if factor]
        rows.append(sum(terms[1:], terms[0]))
    return rows


def convolve(x: Array, kernel: Array, padding: Any) -> Array:
    """What `lax.conv_general_dilated` gives with stride 1, to within rounding.

    Args:
      x: (N, H, W, C). kernel: (R, S, C, K).
      padding: "SAME", "VALID" or ((top, bottom), (left, right)).

    Returns:
      (N, H', W', K). Kernels of one or more than five columns are applied directly.
    """
    chex.assert_rank([x, kernel], 4)
    chex.assert_axis_dimension(x, -1, kernel.shape[-2])
    taps, channels = kernel.shape[1:3]
    if isinstance(padding, str):
        padding = lax.padtype_to_pads(x.shape[1:3], kernel.shape[:2], (1, 1), padding)
    rows, (left, right) = padding
    width = x.shape[2] + left + right - taps + 1
    plain = lambda x, kernel, columns: lax.conv_general_dilated(
        x, kernel, (1, 1), (rows, columns), dimension_numbers=_LAYOUT
    )
    if not 1 < taps < _PRODUCTS or width < 1:
        return plain(x, kernel, (left, right))
    if channels < _FEW_CHANNELS:
        x = jnp.pad(x, ((0, 0), (0, 0), (left, right), (0, 0)))
        neighbours = jnp.concatenate([x[:, :, i : i + width] for i in range(taps)], axis=-1)
        return plain(neighbours, kernel.reshape(kernel.shape[0], 1, taps * channels, kernel.shape[-1]), (0, 0))
    of_result, of_kernel, of_input = transforms(taps)
    outputs = len(of_result)
    tiles = -(-width // outputs)
    x = jnp.pad(x, ((0, 0), (0, 0), (left, right + tiles * outputs - width), (0, 0)))
    last = outputs * (tiles - 1) + 1
    parts = _combined(of_input, [x[:, :, i : i + last : outputs] for i in range(_PRODUCTS)])
    weights = _combined(of_kernel, [kernel[:, i : i + 1] for i in range(taps)])
    products = [plain(part, weight, (0, 0)) for part, weight in zip(parts, weights, strict=True)]
    results = jnp.stack(_combined(of_result, products), axis=3)
    return results.reshape(*results.shape[:2], tiles * outputs, kernel.shape[-1])[:, :, :width]


def as_flax() -> Any:
    """`convolve` as the `conv_general_dilated_cls` of a `flax.linen.Conv` with stride 1."""
    return lambda x, kernel, strides, padding, **settings: convolve(x, kernel, padding)
