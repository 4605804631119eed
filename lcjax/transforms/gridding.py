"""Unevenly sampled points spread on an even grid, whose FFT is their Fourier sum: a non-uniform FFT of type 1.

Each point becomes a narrow bump, "exponential of a semicircle" (Barnett, Magland & af Klinteberg 2019, eq. 1.8), on a
grid a little finer than the highest frequency asks for; what the bump takes from each frequency is given back after the
transform. Times are fractions of a cycle in 32 bits, so a point's place on the grid is a product of integers: exact.
"""

import functools

import chex
import jax.numpy as jnp
import numpy as np

from lcjax.typing import Array

WIDTH = 10
"""Cells of a bump."""
UPSAMPLING = 1.25
"""Cells per half a period of the highest frequency; with 10 cells a bump sums are right to 2e-5 of the sum of absolute strengths."""
SHARPNESS = 0.97 * np.pi * WIDTH * (1 - 1 / (2 * UPSAMPLING))
"""beta of the bump (Barnett et al. 2019, section 4.2)."""


@functools.cache
def cells(count: int) -> int:
    """Least even number of cells for `count` frequencies without a prime factor above 5, which an FFT likes."""
    least = max(int(np.ceil(2 * UPSAMPLING * count)), 4 * WIDTH)
    powers = [2**a * 3**b * 5**c for a in range(1, 24) for b in range(10) for c in range(8)]
    return min(number for number in powers if number >= least)


@functools.cache
def given_back(count: int, number: int) -> np.ndarray:
    """(count,) float32: one over the Fourier transform of the bump at frequencies k / number a cell."""
    node, weight = np.polynomial.legendre.leggauss(48)
    bump = np.exp(SHARPNESS * (np.sqrt(1 - node**2) - 1)) * weight * WIDTH / 2
    # Smooth in frequency: a few hundred nodes and a cubic's error of theirs are beyond float32.
    coarse = np.linspace(0, count / number, 2049)
    transform = np.cos(np.pi * WIDTH * coarse[:, None] * node) @ bump
    return (1.0 / np.interp(np.arange(count) / number, coarse, transform)).astype(np.float32)


def cell_of(turns: Array, number: int) -> tuple[Array, Array]:
    """Of turns / 2^32 * number, exactly: the whole part, int32, and the rest, float32 in [0, 1)."""
    high, low = turns >> 16, turns & 0xFFFF
    number_high, number_low = np.uint32(number >> 16), np.uint32(number & 0xFFFF)
    small, one, other = low * number_low, low * number_high, high * number_low
    middle = (small >> 16) + (one & 0xFFFF) + (other & 0xFFFF)
    whole = high * number_high + (one >> 16) + (other >> 16) + (middle >> 16)
    # The upper 24 bits alone, which float32 holds exactly: rounding the lower ones up could make it 1.
    rest = ((small & 0xFFFF) | (middle << 16)) >> 8
    return whole.astype(jnp.int32), rest.astype(jnp.float32) * np.float32(2.0**-24)


def gridded_sums(strength: Array, turns: Array, count: int) -> tuple[Array, Array]:
    """Real and imaginary parts of sum_n strength_n exp(2 pi i k x_n) for k = 0 ... count - 1, (S, count) each.

    Args:
      strength: (S, L) float32; 0 where there is no point. turns: (L,) uint32, x in 2^-32.
    """
    chex.assert_shape(strength, (None, *turns.shape))
    chex.assert_type(turns, jnp.uint32)
    sets, number = len(strength), cells(count)
    whole, rest = cell_of(turns, number)
    offset = np.arange(WIDTH) - (WIDTH // 2 - 1)
    distance = (offset - rest[:, None]) * np.float32(2 / WIDTH)
    bump = jnp.exp(SHARPNESS * (jnp.sqrt(jnp.maximum(1.0 - distance**2, 0.0)) - 1.0))
    cell = whole[:, None] + offset
    cell = jnp.where(cell < 0, cell + number, jnp.where(cell >= number, cell - number, cell))
    flat = cell + number * np.arange(sets)[:, None, None]
    spread = jnp.zeros(sets * number, jnp.float32)
    spread = spread.at[flat.reshape(-1)].add((strength[..., None] * bump).reshape(-1), mode="promise_in_bounds")
    found = jnp.fft.rfft(spread.reshape(sets, number))[:, :count]
    factor = given_back(count, number)
    return found.real * factor, -found.imag * factor
