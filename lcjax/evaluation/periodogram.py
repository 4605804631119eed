"""Hidden points from a period: a search over all frequencies, then a harmonic fit, both on the visible points alone.

The search is the classical one (Lomb 1976, Scargle 1982; gridded for the FFT as in Press & Rybicki 1989): weights times
magnitudes are spread on a fine time grid and transformed at once. The best peaks, and half their frequencies (binaries
show two minima an orbit), are refined by weighted least squares with 1, 3 and 5 harmonics; the Bayesian information
criterion picks one, or the constant, and the fitted variation is shrunk by its own uncertainty.
"""

from dataclasses import dataclass, replace

import numpy as np

HIGHEST_FREQUENCY = 10.0
"""1/d."""
OVERSAMPLING = 3
GRID = 2**18
"""Most bins of the time grid."""
PEAKS = 12
HARMONICS = (1, 3, 5)
RIDGE = 0.5
"""Penalty of a harmonic's squared amplitude, in points of mean weight, times its order squared."""


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
    time, error = np.asarray(time, np.float64), np.asarray(error, np.float64)
    if len(time) < 8 or np.ptp(time) <= 0:
        return HarmonicFit(float(np.mean(magnitude)) if len(time) else 0.0)
    weight = 1.0 / (error**2 + np.median(error) ** 2 + 1e-8)
    weight = weight / weight.mean()
    mean = float(np.average(magnitude, weights=weight))
    y, start, span = np.asarray(magnitude, np.float64) - mean, time.min(), np.ptp(time)
    since = time - start
    frequencies = _refine(since, y, weight, _peaks(since, y, weight, span), span)
    best, fit = len(y) * np.log(np.average(y**2, weights=weight) + 1e-12), HarmonicFit(mean)
    tried = np.log(max(span * HIGHEST_FREQUENCY, 2.0))
    for harmonics in HARMONICS:
        free = 2 * harmonics + 1
        if free > len(y) / 3:
            continue
        coefficients, residual = _fit(since, y, weight, frequencies, harmonics)
        criterion = len(y) * np.log(residual + 1e-12) + free * np.log(len(y)) + 2 * tried
        i = int(np.argmin(criterion))
        if criterion[i] < best:
            best, fit = criterion[i], HarmonicFit(mean, float(frequencies[i]), coefficients[i], start)
            explained = np.average((fit(time) - mean) ** 2, weights=weight)
            shrink = max(0.0, 1.0 - free * residual[i] / (len(y) - free) / max(explained, 1e-12))
            fit = replace(fit, coefficients=shrink * coefficients[i])
    return fit


def _peaks(time: np.ndarray, y: np.ndarray, weight: np.ndarray, span: float) -> np.ndarray:
    """Frequencies (1/d) of the highest peaks of the power spectrum."""
    step = max(0.2 / HIGHEST_FREQUENCY, OVERSAMPLING * span / GRID)
    bins = 1 << int(np.ceil(np.log2(max(OVERSAMPLING * span / step, 64))))
    position = time / step
    left = position.astype(np.int64)
    part = position - left
    grid = np.bincount(left % bins, weight * y * (1 - part), bins) + np.bincount(
        (left + 1) % bins, weight * y * part, bins
    )
    transform = np.fft.rfft(grid.astype(np.float32))
    spacing = 1.0 / (bins * step)
    first = max(1, int(0.6 / span / spacing))
    last = min(len(transform) - 1, int(min(HIGHEST_FREQUENCY, 0.4 / step) / spacing))
    power = np.abs(transform[first : last + 1]) ** 2
    # Spreading a point over two bins dampens high frequencies by sinc^2.
    power = power / np.sinc(step * spacing * np.arange(first, first + len(power))) ** 4
    inner = power[1:-1]
    tops = np.flatnonzero((inner >= power[:-2]) & (inner >= power[2:])) + 1
    tops = np.append(tops, 0) if len(tops) < PEAKS else tops
    highest = tops[np.argsort(-power[tops])[:PEAKS]]
    return (highest + first) * spacing


def _refine(time: np.ndarray, y: np.ndarray, weight: np.ndarray, peaks: np.ndarray, span: float) -> np.ndarray:
    """The best few frequencies around the peaks and their halves, by the residual of a two-harmonic fit."""
    offsets = np.linspace(-0.3, 0.3, 7) / span
    centres = np.concatenate([peaks, peaks / 2])
    trial = np.maximum(centres[:, None] + offsets, 0.3 / span)
    _, residual = _fit(time, y, weight, trial.ravel(), 2)
    residual = residual.reshape(trial.shape)
    best = residual.argmin(1)
    rows = np.argsort(residual.min(1))[:8]
    finer = trial[rows, best[rows]][:, None] + np.linspace(-0.05, 0.05, 5) / span
    return np.maximum(finer, 0.3 / span).ravel()


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
