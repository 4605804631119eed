"""Hidden points from a period: harmonics at the best of the periods that the visible points may have.

The periods are those of `lcjax.transforms.peaks`: peaks of the generalised Lomb-Scargle periodogram and their halves,
refined. At each, weighted least squares with 1, 3 and 5 harmonics; the Bayesian information criterion (Schwarz
1978) picks one, or the constant, and the fitted variation is shrunk by its own uncertainty.
"""

import functools
from collections.abc import Sequence
from dataclasses import dataclass, replace

import jax
import numpy as np

from lcjax.transforms.frequency_grid import Frequency, FrequencyGrid, split_time
from lcjax.transforms.log_bins import star_bins
from lcjax.transforms.peaks import PeakSearch, trials
from lcjax.transforms.periodogram import prepare
from lcjax.typing import Array

HIGHEST_FREQUENCY = 10.0
"""1/d."""
SEARCH = PeakSearch(peaks=24, aliases=0)
"""Aliases predict hidden points as well as what they are aliases of, and trying them takes as long as all the rest."""
SPAN = 4096.0
"""Days of the grid, or a power of two times that for longer windows: few shapes are compiled."""
POINTS = 256
"""Likewise."""
ROWS = 8
"""Windows searched together."""
HARMONICS = (1, 3, 5)
RIDGE = 0.5
"""Penalty of a harmonic's squared amplitude, in points of mean weight, times its order squared."""
LEAST = 8
"""Points of a window that is fitted at all."""
Window = tuple[np.ndarray, np.ndarray, np.ndarray]
"""`time` (days), `magnitude` and quoted errors (mag) of the visible points, (N,) each."""


@dataclass(frozen=True)
class HarmonicFit:
    """A mean plus harmonics of one frequency; no frequency where none beats the constant."""

    mean: float
    frequency: float | None = None
    """1/d."""
    coefficients: np.ndarray | None = None
    """(2 H + 1,): constant, then cosine and sine of each harmonic; already shrunk."""
    start: float = 0.0
    """Time from which phases count, days."""

    def __call__(self, time: np.ndarray) -> np.ndarray:
        """Magnitudes (M,) at times (M,), days."""
        if self.frequency is None or self.coefficients is None:
            return np.full(len(time), self.mean)
        since = np.asarray(time, np.float64) - self.start
        design = _design(since, np.array([self.frequency]), len(self.coefficients) // 2)[0]
        return self.mean + design @ self.coefficients


def fit_window(time: np.ndarray, magnitude: np.ndarray, error: np.ndarray) -> HarmonicFit:
    """The best period of some points, or the constant.

    Args:
      time, magnitude, error: (N,) days, mag, quoted errors in mag.
    """
    return fit_windows([(time, magnitude, error)])[0]


def fit_windows(windows: Sequence[Window]) -> list[HarmonicFit]:
    """The best period of the points of each window, or the constant."""
    columns = [tuple(np.asarray(column, np.float64) for column in window) for window in windows]
    usable = [i for i, (time, _, _) in enumerate(columns) if len(time) >= LEAST and np.ptp(time) > 0]
    found = {}
    for begin in range(0, len(usable), ROWS):
        rows = usable[begin : begin + ROWS]
        for i, frequencies in zip(rows, _candidates([columns[i] for i in rows]), strict=True):
            found[i] = _best_fit(*columns[i], frequencies)
    constant = lambda y: HarmonicFit(float(np.mean(y)) if len(y) else 0.0)
    return [found[i] if i in found else constant(y) for i, (_, y, _) in enumerate(columns)]


def _candidates(windows: Sequence[Window]) -> list[np.ndarray]:
    """Frequencies (1/d) that are worth a fit, of at most `ROWS` windows."""
    power_of_two = lambda value, least: least * 2 ** int(np.ceil(max(np.log2(value / least), 0.0)))
    span = power_of_two(max(np.ptp(time) for time, _, _ in windows), SPAN)
    length = power_of_two(max(len(time) for time, _, _ in windows), POINTS)
    highest = HIGHEST_FREQUENCY * min(1.0, 4 * SPAN / span)
    grid = FrequencyGrid(highest=highest, lowest=0.5 / span, span=span)
    names = ("time", "time_low", "magnitude", "magnitude_error")
    batch = {name: np.zeros((ROWS, length), np.float32) for name in names}
    batch["mask"] = np.zeros((ROWS, length), bool)
    for row, (time, magnitude, error) in enumerate(windows):
        for name, column in zip(names, (*split_time(time, time.min()), magnitude, error), strict=True):
            batch[name][row, : len(time)] = column
        batch["mask"][row, : len(time)] = True
    frequency, there = jax.tree.map(np.asarray, _search(batch, grid))
    value = (frequency.index + frequency.offset.astype(np.float64)) * grid.spacing
    return [value[row][there[row]] for row in range(len(windows))]


@functools.partial(jax.jit, static_argnums=1)
def _search(batch: dict[str, Array], grid: FrequencyGrid) -> tuple[Frequency, Array]:
    """Places on the grid, (ROWS, T) each, and whether there is one."""

    def one(points):
        found = trials(points, *star_bins(points, grid), grid, SEARCH)
        return found.frequency, found.there

    return jax.lax.map(one, prepare(batch, grid, jitter=1.0), batch_size=ROWS)


def _best_fit(time: np.ndarray, magnitude: np.ndarray, error: np.ndarray, frequencies: np.ndarray) -> HarmonicFit:
    """The frequency and number of harmonics that the information criterion prefers; the constant where it does."""
    weight = 1.0 / (error**2 + np.median(error) ** 2 + 1e-8)
    weight = weight / weight.mean()
    mean = float(np.average(magnitude, weights=weight))
    y, start = magnitude - mean, time.min()
    best, fit = len(y) * np.log(np.average(y**2, weights=weight) + 1e-12), HarmonicFit(mean)
    tried = np.log(max(np.ptp(time) * HIGHEST_FREQUENCY, 2.0))
    for harmonics in HARMONICS if len(frequencies) else ():
        free = 2 * harmonics + 1
        if free > len(y) / 3:
            continue
        coefficients, residual = _fit(time - start, y, weight, frequencies, harmonics)
        criterion = len(y) * np.log(residual + 1e-12) + free * np.log(len(y)) + 2 * tried
        i = int(np.argmin(criterion))
        if criterion[i] < best:
            best, fit = criterion[i], HarmonicFit(mean, float(frequencies[i]), coefficients[i], start)
            explained = np.average((fit(time) - mean) ** 2, weights=weight)
            shrink = max(0.0, 1.0 - free * residual[i] / (len(y) - free) / max(explained, 1e-12))
            fit = replace(fit, coefficients=shrink * coefficients[i])
    return fit


def _design(time: np.ndarray, frequency: np.ndarray, harmonics: int) -> np.ndarray:
    """(F, N, 2 H + 1): a constant, cosines and sines."""
    first = np.exp(2j * np.pi * frequency[:, None] * time)
    columns = [np.ones(first.shape)]
    power = np.ones(first.shape, complex)
    for _ in range(harmonics):
        power = power * first
        columns += [power.real, power.imag]
    return np.stack(columns, axis=-1)


def _fit(
    time: np.ndarray, y: np.ndarray, weight: np.ndarray, frequency: np.ndarray, harmonics: int
) -> tuple[np.ndarray, np.ndarray]:
    """Ridge fits at many frequencies: coefficients (F, 2 H + 1) and weighted mean squared residuals (F,)."""
    design = _design(time, frequency, harmonics)
    weighted = design * weight[:, None]
    order = np.repeat(np.arange(1, harmonics + 1), 2)
    penalty = np.diag(np.concatenate([[1e-6], RIDGE * order**2]))
    normal = np.swapaxes(weighted, 1, 2) @ design + penalty
    right = np.einsum("fnk,n->fk", weighted, y)
    coefficients = np.linalg.solve(normal, right[..., None])[..., 0]
    residual = y - np.einsum("fnk,fk->fn", design, coefficients)
    return coefficients, np.average(residual**2, axis=1, weights=weight)
