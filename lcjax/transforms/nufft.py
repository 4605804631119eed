"""Fourier sums of unevenly sampled points: sum_n strength_n exp(2 pi i f t_n), at all frequencies of a grid or at a few.

On the grid the sum is split as exp(2 pi i (a + b) x) = exp(2 pi i a x) exp(2 pi i b x), a a coarse frequency and b one
of the fine ones around it: all sums of a star are one matrix product, (coarse, points) by (points, fine), and the
angle-addition formulae give those at a + b and at a - b from the same four products. For a few hundred points this
is faster than spreading them on a fine grid and transforming that (Dutt & Rokhlin 1993; Barnett, Magland & af Klinteberg
2019), on a CPU and all the more on an accelerator, and has no error of gridding.
"""

import jax
import jax.numpy as jnp
import numpy as np

from lcjax.transforms.frequency_grid import Frequency, cosine_sine, phase
from lcjax.typing import Array

ALIGN = 16
"""Columns of the matrix product come in multiples of the width of a vector register."""


def _fine(count: int) -> int:
    """Fine frequencies on each side of a coarse one, so that coarse and fine tables are about the same size."""
    return max(ALIGN * round(np.sqrt(count / 2) / ALIGN), ALIGN) - 1


def sums_on_grid(strength: Array, turns: Array, count: int, multiple: int = 1) -> tuple[Array, Array]:
    """Real and imaginary parts of sum_n strength_n exp(2 pi i multiple k x_n) for k = 0 ... count - 1, (S, count) each.

    Args:
      strength: (S, L) float32, several sets of the same points; 0 where there is no point.
      turns: (L,) uint32, x in 2^-32 (see `FrequencyGrid.turns`). multiple: of all frequencies, for harmonics.
    """
    sets, points = strength.shape
    fine = _fine(count)
    width = 2 * fine
    coarse = -(-count // width)
    turns = turns * np.uint32(multiple)
    centres = (np.arange(coarse) * width + fine).astype(np.uint32)
    cosine, sine = cosine_sine(centres[:, None] * turns)
    left = jnp.stack([strength[:, None] * cosine, strength[:, None] * sine], axis=1)
    right = jnp.concatenate(cosine_sine(np.arange(fine + 1, dtype=np.uint32)[:, None] * turns))
    product = jnp.matmul(left.reshape(-1, points), right.T, precision=jax.lax.Precision.HIGHEST)
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
    once = phase(turns[None], Frequency(frequency.index[:, None], frequency.offset[:, None]))
    every = np.arange(1, multiples + 1, dtype=np.uint32)[:, None, None] * once
    product = lambda wave: jnp.matmul(wave.reshape(-1, turns.shape[0]), strength.T, precision=jax.lax.Precision.HIGHEST)
    shape = (strength.shape[0], multiples, once.shape[0])
    cosine, sine = (product(wave).T.reshape(shape) for wave in cosine_sine(every))
    return cosine, sine
