"""Candidate periods: peaks of the periodogram, refined, freed of their harmonics, with their aliases marked.

Observing by night, by season and by year leaves peaks besides the true one: a signal at f shows up at f' as strongly as
the spectral window is high at f - f' or f + f' (Deeming 1975; VanderPlas 2018, section 7). And an eclipsing binary, with
two similar minima an orbit, peaks at half its period. So the best peak of every logarithmic bin, and half its
frequency, are refined by fits of several harmonics; what a number of harmonics costs is set by the Bayesian information
criterion, as in a comparison of any other models of the same points (Schwarz 1978).
"""

import dataclasses
from typing import NamedTuple

import chex
import jax
import jax.numpy as jnp
import numpy as np

from lcjax.transforms.aliases import aliases, offsets
from lcjax.transforms.frequency_grid import Frequency, FrequencyGrid
from lcjax.transforms.log_bins import LogBins
from lcjax.transforms.periodogram import RIDGE, Points, harmonics_at, star_power_at, star_window_at
from lcjax.typing import Array

RATIOS = (1.0, 1 / 3, 1 / 2, 2.0, 3.0)
"""Frequencies of one and the same variation, as multiples of the first found."""
UNEXPLAINED = 10 * RIDGE
"""Share of the variance below which fits are equal, and fewer parameters win: what the ridge and float32 leave of a curve
without noise is no evidence, least of all for half its frequency with twice the harmonics."""
CYCLES = 0.7
"""Least part of a cycle that the points must last."""


SAWTOOTH = 0.15
"""R_21 |sin phi_21| from which a curve counts as wholly unlike itself in reversed time."""


@dataclasses.dataclass(frozen=True)
class PeakSearch:
    """How candidates are found."""

    candidates: int = 3
    """Kept of each star."""
    peaks: int = 8
    """Highest bins that are looked into."""
    harmonics: int = 4
    """Most harmonics of the fits that are compared."""
    refined_with: int = 3
    """Harmonics of the fits that refine a frequency."""
    penalty: float = 0.8
    """Of a free parameter, in ln(points) / 2 of log-likelihood: 1 is the Bayesian information criterion, which takes
    half the period of a binary with similar minima more often."""
    half_cost: float = 6.0
    """Of half the frequency of a peak, in ln(points) of log-likelihood: a modulated pulsator repeats after two periods a
    little better than after one, and a binary with two like minima hardly."""
    aliases: int = 4
    """Best aliases that join the candidates."""
    aliases_of: int = 3
    """Best peaks whose aliases are tried."""
    own_window: int = 3
    """Peaks of the star's own spectral window that are tried as differences between aliases."""
    alias: float = 0.3
    """Spectral window at which a peak counts as an alias of a better one."""


class Candidates(NamedTuple):
    """Of each star, best first, (..., K)."""

    frequency: Frequency  #: places on the grid
    power: Array  #: share of the variance explained with `harmonics`
    harmonics: Array  #: int32, of the best fit
    score: Array  #: log-likelihood above a constant's, less the cost of parameters; below 0 a constant is better
    alias_of: Array  #: int32, which better candidate this may be an alias of, -1 none
    valid: Array  #: bool; False where a star has fewer


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
    chex.assert_rank([points.turns, *frequency], 1)
    power = star_power_at(points, frequency, search.harmonics)
    count = jnp.maximum(points.count, 2).astype(jnp.float32)
    free = 2.0 * np.arange(1, search.harmonics + 1, dtype=np.float32)[:, None]
    rest = jnp.maximum(1.0 - power, UNEXPLAINED)
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


def joined(*parts: Frequency) -> Frequency:
    """All of them, one after the other."""
    return Frequency(jnp.concatenate([p.index for p in parts]), jnp.concatenate([p.offset for p in parts]))


class Trials(NamedTuple):
    """Frequencies worth a fit, (T,) each."""

    frequency: Frequency
    power: Array
    harmonics: Array
    score: Array
    there: Array  #: bool
    half: Array  #: bool, half of a peak


def trials(points: Points, bins: LogBins, window: LogBins, grid: FrequencyGrid, search: PeakSearch) -> Trials:
    """The highest bins and half of each, refined; then the best aliases of the best of those, refined."""
    allowed = jnp.where(eligible(bins, points.span, grid), bins.power, -1.0)
    height, rows = jax.lax.top_k(allowed, min(search.peaks, grid.bins))
    peaks = take(bins.frequency, rows)
    first = refine(points, joined(peaks, scaled(peaks, 0.5)), grid, search.refined_with)
    there = jnp.tile(height >= 0, 2) & (grid.value(first) * points.span >= CYCLES)
    half = jnp.arange(2 * len(rows)) >= len(rows)
    found = Trials(first, *scores(points, first, search), there, half)
    if not search.aliases:
        return found
    _, best = jax.lax.top_k(jnp.where(there, found.score, -jnp.inf), min(search.aliases_of, len(half)))
    by = offsets(window, points.span, grid, search.own_window)
    other = aliases(take(first, best), by)
    within = (grid.value(other) * points.span >= CYCLES) & (other.index < grid.count)
    rough = star_power_at(points, other, search.refined_with)[-1]
    rough, rows = jax.lax.top_k(jnp.where(within, rough, -1.0), search.aliases)
    second = refine(points, take(other, rows), grid, search.refined_with)
    of_half = half[best][rows // by.index.shape[0]]
    more = Trials(second, *scores(points, second, search), rough >= 0, of_half)
    both = (jnp.concatenate(pair) for pair in zip(found[1:], more[1:], strict=True))
    return Trials(joined(first, second), *both)


def sawtooth(points: Points, frequency: Frequency, power: Array) -> Array:
    """From 0, of a folded curve that is the same in reversed time, to 1, of one that rises and falls unlike; (F,).

    By the phase of the second harmonic, phi_21 = phi_2 - 2 phi_1, and its amplitude, R_21: eclipses and spots are nearly
    symmetric, phi_21 = 0 or pi; pulsators of the fundamental mode have R_21 = 0.4 and sin phi_21 = 0.8. Two standard
    errors by the variance that `power` (F,) leaves do not count.
    """
    first, second = harmonics_at(points, frequency, 2)
    size = jnp.maximum(jnp.abs(first), 1e-6)
    cross = jnp.imag(second * jnp.conj(first) ** 2)
    noise = jnp.sqrt(2.0 * points.variance * (1.0 - power) * jnp.sum(points.weight**2)) / size
    unlike = jnp.abs(cross) / size**3 - 2.0 * noise
    return jnp.clip(unlike / SAWTOOTH, 0.0, 1.0) ** 2


def find_candidates(
    points: Points, bins: LogBins, window: LogBins, grid: FrequencyGrid, search: PeakSearch
) -> Candidates:
    """Candidates of one star from the maxima of its bins."""
    trial, power, harmonics, score, there, half = trials(points, bins, window, grid, search)
    size = jnp.log(jnp.maximum(points.count, 2).astype(jnp.float32))
    ranked = score - half * search.half_cost * size * sawtooth(points, scaled(trial, 2.0), power)
    value = grid.value(trial)
    free = there & (value * points.span >= CYCLES) & (points.variance > 0) & (points.count >= 5) & (points.span > 0)
    width = 0.7 / jnp.maximum(points.span, 1e-3)
    chosen, valid = [], []
    for _ in range(search.candidates):
        best = jnp.argmax(jnp.where(free, ranked, -jnp.inf))
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
