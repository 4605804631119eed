"""Candidate periods: peaks of the periodogram, refined, freed of their harmonics, with their aliases marked.

Observing by night, by season and by year leaves peaks besides the true one: a signal at f shows up at f' as strongly as
the spectral window is high at f - f' or f + f' (Deeming 1975; VanderPlas 2018, section 7). And an eclipsing binary, with
two similar minima an orbit, peaks at half its period. So the best peak of every logarithmic bin, and half its
frequency, are refined by fits of several harmonics; what a number of harmonics costs is set by the Bayesian information
criterion, as in a comparison of any other models of the same points (Schwarz 1978).
"""

import dataclasses
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from lcjax.transforms.frequency_grid import Frequency, FrequencyGrid
from lcjax.transforms.periodogram import Points, star_power, star_power_at, star_window_at
from lcjax.typing import Array

RATIOS = (1.0, 1 / 3, 1 / 2, 2.0, 3.0)
"""Frequencies of one and the same variation, as multiples of the first found."""
CYCLES = 0.7
"""Least part of a cycle that the points must last."""
BLOCK = 32
"""Neighbours whose highest is found first."""


@dataclasses.dataclass(frozen=True)
class PeakSearch:
    """How candidates are found."""

    candidates: int = 3
    """Kept of each star."""
    peaks: int = 12
    """Highest bins that are looked into."""
    harmonics: int = 4
    """Most harmonics of the fits that are compared."""
    refined_with: int = 3
    """Harmonics of the fits that refine a frequency."""
    penalty: float = 0.8
    """Of a free parameter, in ln(points) / 2 of log-likelihood: 1 is the Bayesian information criterion, which takes
    half the period of a binary with similar minima more often."""
    alias: float = 0.3
    """Spectral window at which a peak counts as an alias of a better one."""


class LogBins(NamedTuple):
    """The highest power in each logarithmic bin and where it is, (bins,) each."""

    power: Array
    frequency: Frequency


class Candidates(NamedTuple):
    """Of each star, best first, (..., K)."""

    frequency: Frequency  #: places on the grid
    power: Array  #: share of the variance explained with `harmonics`
    harmonics: Array  #: int32, of the best fit
    score: Array  #: log-likelihood above a constant's, less the cost of parameters; below 0 a constant is better
    alias_of: Array  #: int32, which better candidate this may be an alias of, -1 none
    valid: Array  #: bool; False where a star has fewer


def log_bins(power: Array, at_centres: Array, grid: FrequencyGrid) -> LogBins:
    """The maximum of each logarithmic bin, so that no peak is lost.

    Args:
      power: (F,) on the grid. at_centres: (narrow_bins,) at the centres of the bins narrower than the spacing.
    """
    starts, ends = bin_ranges(grid)
    blocks = jnp.pad(power, (0, -len(power) % BLOCK), constant_values=-jnp.inf).reshape(-1, BLOCK)
    # Of each bin: the blocks that are wholly inside, the points before those, the points after.
    first, last = -(-starts // BLOCK), np.maximum(ends // BLOCK, -(-starts // BLOCK))
    block = first[:, None] + np.arange(np.max(last - first, initial=1))
    head = starts[:, None] + np.arange(BLOCK)
    tail = ends[:, None] - 1 - np.arange(BLOCK)
    inside = np.concatenate(
        [
            block < last[:, None],
            head < np.minimum(ends, first * BLOCK)[:, None],
            tail >= np.maximum(starts, last * BLOCK)[:, None],
        ],
        axis=1,
    )
    place = np.concatenate([block * BLOCK, head, tail], axis=1)
    values = jnp.concatenate(
        [
            blocks.max(axis=1)[np.minimum(block, len(blocks) - 1)],
            power.at[head].get(mode="clip"),
            power.at[tail].get(mode="clip"),
        ],
        axis=1,
    )
    best = jnp.argmax(jnp.where(inside, values, -jnp.inf), axis=1)
    index = jnp.take_along_axis(jnp.asarray(place), best[:, None], axis=1)[:, 0]
    within = jnp.argmax(blocks[index // BLOCK], axis=1)
    index = (index + jnp.where(best < block.shape[1], within, 0)).astype(jnp.int32)
    centre = bin_centres(grid)
    frequency = Frequency(jnp.concatenate([centre.index, index]), jnp.pad(centre.offset, (0, len(starts))))
    return LogBins(jnp.concatenate([at_centres, power[index]]), frequency)


def bin_ranges(grid: FrequencyGrid) -> tuple[np.ndarray, np.ndarray]:
    """First index of the grid in each of the wider bins, and the first beyond it."""
    edges = np.ceil(grid.edges[grid.narrow_bins :] / grid.spacing).astype(np.int32)
    edges[-1] = grid.count
    return edges[:-1], edges[1:]


def bin_centres(grid: FrequencyGrid) -> Frequency:
    """Geometric centres of the bins narrower than the spacing."""
    narrow = grid.narrow_bins
    return grid.place(np.sqrt(grid.edges[:narrow] * grid.edges[1 : narrow + 1]))


def take(frequency: Frequency, rows: Array) -> Frequency:
    """Some of them."""
    return Frequency(frequency.index[rows], frequency.offset[rows])


def moved(frequency: Frequency, by: Array) -> Frequency:
    """Shifted by some spacings, float32."""
    offset = frequency.offset + by
    whole = jnp.round(offset)
    return Frequency(frequency.index + whole.astype(jnp.int32), offset - whole)


def scaled(frequency: Frequency, ratio: float) -> Frequency:
    """Times 1/2 or an integer, exactly."""
    if ratio == 0.5:
        half = frequency.index // 2
        return Frequency(half, 0.5 * frequency.offset + 0.5 * (frequency.index - 2 * half).astype(jnp.float32))
    return moved(Frequency(frequency.index * int(ratio), jnp.zeros_like(frequency.offset)), frequency.offset * ratio)


def refine(points: Points, frequency: Frequency, grid: FrequencyGrid, harmonics: int) -> Frequency:
    """Moves each frequency (F,) to the top of its peak: two rounds of trials and a parabola through the best three."""
    # In spacings; a peak of a star that lasts T is 1 / T wide, its H-th harmonic makes that 1 / (H T).
    width = 1.0 / (grid.spacing * jnp.maximum(points.span, 1.0))
    for step, reach in ((0.12 * width, 2), (0.04 * width, 1)):
        trials = np.arange(-reach, reach + 1.0)
        spread = moved(Frequency(frequency.index[:, None], frequency.offset[:, None]), step * trials)
        flat = Frequency(spread.index.reshape(-1), spread.offset.reshape(-1))
        power = star_power_at(points, flat, harmonics)[-1].reshape(-1, len(trials))
        best = jnp.argmax(power, axis=1)
        inner = jnp.clip(best, 1, len(trials) - 2)
        left, middle, right = (jnp.take_along_axis(power, inner[:, None] + i, axis=1)[:, 0] for i in (-1, 0, 1))
        bend = left - 2 * middle + right
        top = jnp.where(bend < 0, 0.5 * (left - right) / jnp.where(bend < 0, bend, 1.0), 0.0)
        shift = jnp.where(best == inner, jnp.clip(top, -0.5, 0.5), 0.0) + best - reach
        frequency = moved(frequency, shift * step)
    return frequency


def scores(points: Points, frequency: Frequency, search: PeakSearch) -> tuple[Array, Array, Array]:
    """Power, number of harmonics and score of each frequency (F,), at its best number of harmonics."""
    power = star_power_at(points, frequency, search.harmonics)
    count = jnp.maximum(points.count, 2).astype(jnp.float32)
    free = 2.0 * np.arange(1, search.harmonics + 1, dtype=np.float32)[:, None]
    rest = jnp.maximum(1.0 - power, 1e-6)
    score = -0.5 * count * jnp.log(rest) - 0.5 * search.penalty * free * jnp.log(count)
    best = jnp.argmax(score, axis=0)
    chosen = lambda values: jnp.take_along_axis(values, best[None], axis=0)[0]
    return chosen(power), (best + 1).astype(jnp.int32), chosen(score)


def window_between(points: Points, frequency: Frequency) -> Array:
    """(K, K): the higher of the spectral window at the difference and at the sum of each two frequencies."""

    def window(sign: int) -> Array:
        index = frequency.index[:, None] + sign * frequency.index
        offset = frequency.offset[:, None] + sign * frequency.offset
        flat = Frequency(index.reshape(-1), offset.reshape(-1))
        return star_window_at(points, flat).reshape(index.shape)

    return jnp.maximum(window(-1), window(1))


def eligible(bins: LogBins, span: Array, grid: FrequencyGrid) -> Array:
    """(bins,) bool: which may hold a peak of a star that lasts `span` days.

    Where bins are narrower than a peak the flanks of one would fill the list: only a maximum among neighbours counts.
    And a slower variation than the points last cannot be told from a trend.
    """
    power = jnp.pad(bins.power, 1, constant_values=-1.0)
    top = (bins.power >= power[:-2]) & (bins.power >= power[2:])
    wide = np.diff(grid.edges).astype(np.float32) * span >= 1.0
    return (top | wide) & (grid.edges[1:].astype(np.float32) * span >= CYCLES)


def find_candidates(points: Points, bins: LogBins, grid: FrequencyGrid, search: PeakSearch) -> Candidates:
    """Candidates of one star from the maxima of its bins."""
    allowed = jnp.where(eligible(bins, points.span, grid), bins.power, -1.0)
    height, rows = jax.lax.top_k(allowed, min(search.peaks, grid.bins))
    peaks = take(bins.frequency, rows)
    half = scaled(peaks, 0.5)
    trial = Frequency(*(jnp.concatenate(both) for both in zip(peaks, half, strict=True)))
    trial = refine(points, trial, grid, search.refined_with)
    power, harmonics, score = scores(points, trial, search)
    value = grid.value(trial)
    free = (
        jnp.tile(height >= 0, 2)
        & (value * points.span >= CYCLES)
        & (points.variance > 0)
        & (points.count >= 5)
        & (points.span > 0)
    )
    width = 0.7 / jnp.maximum(points.span, 1e-3)
    chosen, valid = [], []
    for _ in range(search.candidates):
        best = jnp.argmax(jnp.where(free, score, -jnp.inf))
        chosen.append(best)
        valid.append(free[best])
        for ratio in RATIOS:
            free &= jnp.abs(value - ratio * value[best]) > width * max(ratio, 1.0)
    rows, valid = jnp.array(chosen), jnp.array(valid)
    kept = take(trial, rows)
    window = window_between(points, kept)
    earlier = jnp.tril(jnp.ones_like(window, bool), -1) & valid & (window > search.alias)
    alias_of = jnp.where(earlier.any(axis=1), jnp.argmax(jnp.where(earlier, window, -1.0), axis=1), -1)
    return Candidates(
        kept,
        jnp.where(valid, power[rows], 0.0),
        jnp.where(valid, harmonics[rows], 0),
        jnp.where(valid, score[rows], 0.0),
        jnp.where(valid, alias_of, -1).astype(jnp.int32),
        valid,
    )


def star_bins(points: Points, grid: FrequencyGrid) -> tuple[LogBins, LogBins]:
    """Of one star: power and spectral window in logarithmic bins."""
    power, window = star_power(points, grid)
    centre = bin_centres(grid)
    slow = star_power_at(points, centre, 1)[0]
    return log_bins(power, slow, grid), log_bins(window, star_window_at(points, centre), grid)
