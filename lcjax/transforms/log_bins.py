"""Logarithmic bins of a periodogram: the highest power in each, found fast and then fitted exactly.

From 0 to 20 a day at a peak's own width there are 60,000 frequencies of a star observed for 3,000 days: those are
summed by FFT, one set for the weights and one for the magnitudes, and the frequencies half-way between are interpolated
from four neighbours, which keeps 81% of the power of a peak there. Twice the squared sum of the magnitudes is nearly the
power of a harmonic fit; it chooses a frequency in each bin, and the fit itself gives the power there.
"""

from typing import NamedTuple

import chex
import jax.numpy as jnp
import numpy as np

from lcjax.transforms.frequency_grid import Frequency, FrequencyGrid
from lcjax.transforms.nufft import sums_on_grid
from lcjax.transforms.periodogram import Points, power_and_window_at
from lcjax.typing import Array

BETWEEN = (2 / np.pi, -2 / (3 * np.pi))
"""Weights of the nearest and the next frequencies: least squares of 1 by cosines over the span of the points."""
SMALLEST = 1e-3
"""Determinant of the normal equations, 1/4 of well spread phases, below which a fit tells nothing here."""


class LogBins(NamedTuple):
    """The highest power in each logarithmic bin and where it is, (bins,) each."""

    power: Array
    frequency: Frequency


def bin_ranges(grid: FrequencyGrid) -> tuple[np.ndarray, np.ndarray]:
    """First even frequency of the grid, counted in twos, in each of the wider bins, and the first beyond it."""
    edges = np.ceil(grid.edges[narrow_bins(grid) :] / (2 * grid.spacing)).astype(np.int32)
    edges[-1] = pairs(grid)
    return edges[:-1], edges[1:]


def pairs(grid: FrequencyGrid) -> int:
    """Even frequencies of the grid: those that are summed."""
    return (grid.count + 1) // 2


def narrow_bins(grid: FrequencyGrid) -> int:
    """How many of the lowest bins are narrower than two frequencies of the grid: fitted at their centres alone."""
    return int(np.searchsorted(np.diff(grid.edges), 2 * grid.spacing))


def bin_centres(grid: FrequencyGrid) -> Frequency:
    """Geometric centres of the bins that are narrow."""
    narrow = narrow_bins(grid)
    return grid.place(np.sqrt(grid.edges[:narrow] * grid.edges[1 : narrow + 1]))


def highest(power: Array, starts: np.ndarray, ends: np.ndarray) -> tuple[Array, Array]:
    """The maximum of `power` (F,) in each range starts <= i < ends and the first index that has it.

    Of long ranges the maxima of 4, 16, 64 ... neighbours are looked at first, and the ends are those of such a group:
    at most a 16th of the range away.
    """
    chex.assert_rank(power, 1)
    levels = [power]
    group = np.maximum(np.floor(np.log(np.maximum(ends - starts, 1) / 16) / np.log(4)), 0).astype(int)
    for _ in range(group.max(initial=0)):
        last = levels[-1]
        levels.append(jnp.pad(last, (0, -len(last) % 4), constant_values=-jnp.inf).reshape(-1, 4).max(axis=1))
    size = 4**group
    first, beyond = starts // size, np.maximum(ends // size, starts // size + 1)
    base = np.cumsum([0, *(len(level) for level in levels)])[group]
    row = np.arange(np.max(beyond - first, initial=1))[:, None]
    inside = row < beyond - first
    # Columns are ranges: a maximum down the columns is one of whole vectors.
    every = jnp.concatenate(levels)
    values = jnp.where(
        inside, every.at[base + np.where(inside, first + row, first)].get(mode="promise_in_bounds"), -1.0
    )
    index = (jnp.argmax(values, axis=0) + first).astype(jnp.int32)
    for level in range(group.max(initial=0), 0, -1):
        # Down to the four it is the maximum of.
        four = jnp.minimum(4 * index[:, None] + np.arange(4), len(levels[level - 1]) - 1)
        finer = four[:, 0] + jnp.argmax(levels[level - 1][four], axis=1).astype(jnp.int32)
        index = jnp.where(group >= level, finer, index)
    return power[index], index


def between(values: Array) -> Array:
    """Sums (..., F) half-way to the next frequency, of points centred on time 0; the first and the last are rough."""
    before, after = jnp.pad(values, [(0, 0)] * (values.ndim - 1) + [(1, 2)]), values
    near = after + before[..., 2:-1]
    far = before[..., :-3] + before[..., 3:]
    return BETWEEN[0] * near + BETWEEN[1] * far


def quick_power(points: Points, grid: FrequencyGrid) -> tuple[Array, Array]:
    """Of one star, on the grid in twos, (pairs, 2) each: nearly the power of one harmonic, and the spectral window."""
    chex.assert_rank(points.turns, 1)
    middle = jnp.max(points.turns) // 2
    turns = jnp.where(points.weight > 0, points.turns - middle, np.uint32(0))
    both = jnp.stack([points.weight * points.value, points.weight])
    real, imaginary = sums_on_grid(both, turns, pairs(grid), 2)
    real, imaginary = (jnp.stack([part, between(part)], axis=1) for part in (real, imaginary))
    (value_cosine, cosine), (value_sine, sine) = real, imaginary
    simple = 2.0 * (value_cosine**2 + value_sine**2)
    # Of frequencies up to half the highest the weights are known at twice those too: twice an odd one is an even one.
    known = pairs(grid) // 2
    twice = lambda part: jnp.stack([part[0, : 2 * known : 2], part[0, 1 : 2 * known : 2]])
    fit = full_power(
        *(part[:, :known] for part in (value_cosine, value_sine, cosine, sine)), twice(cosine), twice(sine)
    )
    scale = 1.0 / jnp.where(points.variance > 0, points.variance, 1.0)
    power = jnp.concatenate([fit, simple[:, known:]], axis=1) * scale
    return jnp.minimum(power, 1.0), cosine**2 + sine**2


def full_power(yc: Array, ys: Array, c: Array, s: Array, c2: Array, s2: Array) -> Array:
    """Variance that a floating mean and one harmonic explain (Zechmeister & Kuerster 2009, eqs. 4-15), any shape.

    Args:
      yc, ys: cosine and sine sums of weights times centred values. c, s: of the weights. c2, s2: at twice the frequency.
    """
    chex.assert_equal_shape([yc, ys, c, s, c2, s2])
    cc, ss, cs = 0.5 + 0.5 * c2 - c * c, 0.5 - 0.5 * c2 - s * s, 0.5 * s2 - c * s
    return (yc * yc * ss + ys * ys * cc - 2.0 * yc * ys * cs) / jnp.maximum(cc * ss - cs * cs, SMALLEST)


def star_bins(points: Points, grid: FrequencyGrid) -> tuple[LogBins, LogBins]:
    """Of one star: power of one harmonic and spectral window in logarithmic bins."""
    quick, window = quick_power(points, grid)
    starts, ends = bin_ranges(grid)
    pair = highest(quick.max(axis=0), starts, ends)[1]
    odd = quick[1, pair] > quick[0, pair]
    centre = bin_centres(grid)
    index = jnp.concatenate([centre.index, 2 * pair + odd])
    frequency = Frequency(index, jnp.pad(centre.offset, (0, len(starts))))
    power, window_there = power_and_window_at(points, frequency)
    high, at = highest(window.max(axis=0), starts, ends)
    window_index = jnp.concatenate([centre.index, 2 * at + (window[1, at] > window[0, at])])
    spectral = jnp.concatenate([window_there[: len(centre.index)], high])
    return LogBins(power, frequency), LogBins(spectral, Frequency(window_index, frequency.offset))
