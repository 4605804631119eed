"""Hidden points from a period: a search over all frequencies, then a harmonic fit, both on the visible points alone.

The search is the classical one (Lomb 1976, Scargle 1982; gridded for the FFT as in Press & Rybicki 1989): weights times
magnitudes are spread on a fine time grid and transformed at once. The best peaks, and half their frequencies (binaries
show two minima an orbit), are refined by weighted least squares with 1, 3 and 5 harmonics; the Bayesian information
criterion picks one, or the constant, and the fitted variation is shrunk by its own uncertainty.
"""

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


def fit_window(time: np.ndarray, magnitude: np.ndarray, error: np.ndarray, at: np.ndarray) -> np.ndarray:
    """Predicts magnitudes at times `at` from visible points.

    Args:
      time, magnitude, error: (N,) visible points: days, mag, quoted errors in mag.
      at: (M,) days.

    Returns:
      (M,) mag; the mean where no period is found.
    """
    time, at = np.asarray(time, np.float64), np.asarray(at, np.float64)
    error = np.asarray(error, np.float64)
    weight = 1.0 / (error**2 + np.median(error) ** 2 + 1e-8) if len(time) else error
    if len(time) < 8 or np.ptp(time) <= 0:
        return np.full(len(at), np.mean(magnitude) if len(time) else 0.0)
    weight = weight / weight.mean()
    mean = np.average(magnitude, weights=weight)
    y = np.asarray(magnitude, np.float64) - mean
    start, span = time.min(), np.ptp(time)
    frequencies = _refine(time - start, y, weight, _peaks(time - start, y, weight, span), span)
    best, chosen = len(y) * np.log(np.average(y**2, weights=weight) + 1e-12), None
    tried = np.log(max(span * HIGHEST_FREQUENCY, 2.0))
    for harmonics in HARMONICS:
        free = 2 * harmonics + 1
        if free > len(y) / 3:
            continue
        coefficients, residual = _fit(time - start, y, weight, frequencies, harmonics)
        criterion = len(y) * np.log(residual + 1e-12) + free * np.log(len(y)) + 2 * tried
        i = int(np.argmin(criterion))
        if criterion[i] < best:
            best, chosen = criterion[i], (harmonics, frequencies[i], coefficients[i], residual[i], free)
    if chosen is None:
        return np.full(len(at), mean)
    harmonics, frequency, coefficients, residual, free = chosen
    explained = np.average(
        (_design(time - start, np.array([frequency]), harmonics)[0] @ coefficients) ** 2, weights=weight
    )
    shrink = max(0.0, 1.0 - free * residual / (len(y) - free) / max(explained, 1e-12))
    return mean + shrink * (_design(at - start, np.array([frequency]), harmonics)[0] @ coefficients)


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
