"""Fourier sums of unevenly sampled points: sum_n strength_n exp(2 pi i f t_n), at all frequencies of a grid or at a few.

On the grid the sum is split as exp(2 pi i (a + b) x) = exp(2 pi i a x) exp(2 pi i b x), a a coarse frequency and b one
of the fine ones around it: all sums of a star are one matrix product, (coarse, points) by (points, fine), and the
angle-addition formulae give those at a + b and at a - b from the same four products. For few points that is fastest;
of more, a few coarse frequencies are enough and the fine sums come from an FFT (see `gridding`), whose cost does not
grow with the points.
"""

from typing import Literal

import chex
import jax
import jax.numpy as jnp
import numpy as np

from lcjax.transforms.frequency_grid import Frequency, cosine_sine, phase
from lcjax.transforms.gridding import gridded_sums
from lcjax.typing import Array

ALIGN = 16
"""Columns of the matrix product come in multiples of the width of a vector register."""
LONGEST_TRANSFORM = 2**14
"""Fine frequencies of one transform."""
GRIDDED_FROM = 192
"""Points from which spreading them and transforming that is faster than the matrix product."""


def _fine(count: int, gridded: bool) -> int:
    """Fine frequencies on each side of a coarse one.

    Coarse and fine tables of about the same size make the least work of a matrix product; of transforms there are few,
    as long as a cache holds some of them.
    """
    if gridded:
        blocks = -(-count // (2 * LONGEST_TRANSFORM))
        return max(-(-count // (2 * blocks)), 1)
    return max(ALIGN * round(np.sqrt(count / 2) / ALIGN), ALIGN) - 1


def sums_on_grid(
    strength: Array, turns: Array, count: int, multiple: int = 1, by: Literal["size", "matmul", "fft"] = "size"
) -> tuple[Array, Array]:
    """Real and imaginary parts of sum_n strength_n exp(2 pi i multiple k x_n) for k = 0 ... count - 1, (S, count) each.

    Args:
      strength: (S, L) float32, several sets of the same points; 0 where there is no point.
      turns: (L,) uint32, x in 2^-32 (see `FrequencyGrid.turns`). multiple: of all frequencies, for harmonics.
      by: how the fine sums are made; `size`: by the number of points.
    """
    chex.assert_shape(strength, (None, *turns.shape))
    chex.assert_type(turns, jnp.uint32)
    sets, points = strength.shape
    gridded = by == "fft" or (by == "size" and points >= GRIDDED_FROM)
    fine = _fine(count, gridded)
    width = 2 * fine
    coarse = -(-count // width)
    turns = turns * np.uint32(multiple)
    centres = (np.arange(coarse) * width + fine).astype(np.uint32)
    cosine, sine = cosine_sine(centres[:, None] * turns)
    left = jnp.stack([strength[:, None] * cosine, strength[:, None] * sine], axis=1)
    left = left.reshape(-1, points)
    if gridded:
        product = jnp.stack(gridded_sums(left, turns, fine + 1), axis=1)
    else:
        right = jnp.concatenate(cosine_sine(np.arange(fine + 1, dtype=np.uint32)[:, None] * turns))
        product = jnp.matmul(left, right.T, precision=jax.lax.Precision.HIGHEST)
    product = product.reshape(sets, 2, coarse, 2, fine + 1)
    cc, cs, sc, ss = product[:, 0, :, 0], product[:, 0, :, 1], product[:, 1, :, 0], product[:, 1, :, 1]
    below, above = np.s_[..., :0:-1], np.s_[..., :-1]
    real = jnp.concatenate([(cc + ss)[below], (cc - ss)[above]], axis=-1)
    imaginary = jnp.concatenate([(sc - cs)[below], (sc + cs)[above]], axis=-1)
    return real.reshape(sets, -1)[:, :count], imaginary.reshape(sets, -1)[:, :count]


def sums_at(strength: Array, turns: Array, frequency: Frequency, multiples: int) -> tuple[Array, Array]:
    """The same at any few frequencies and at their multiples 1 ... `multiples`.

    Args:
      strength: (S, L) float32. turns: (L,) uint32. frequency: (F,) each.

    Returns:
      real and imaginary parts, (S, multiples, F) each.
    """
    chex.assert_shape(strength, (None, *turns.shape))
    chex.assert_equal_shape([frequency.index, frequency.offset])
    once = phase(turns[None], Frequency(frequency.index[:, None], frequency.offset[:, None]))
    cosine, sine = cosine_sine(once)
    waves = [(cosine, sine)]
    for _ in range(1, multiples):
        # Angle addition instead of another two series.
        c, s = waves[-1]
        waves.append((c * cosine - s * sine, s * cosine + c * sine))
    product = lambda wave: jnp.einsum("sn,fn->sf", strength, wave, precision=jax.lax.Precision.HIGHEST)
    parts = zip(*waves, strict=True)
    found = (jnp.stack([product(wave) for wave in part], axis=1) for part in parts)
    return tuple(found)
