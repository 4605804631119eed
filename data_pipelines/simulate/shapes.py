"""Building blocks of variability: Fourier series, eclipses, damped random walks. Magnitudes: positive is fainter."""

from collections.abc import Sequence

import numpy as np

CYCLE = np.exp(2j * np.pi * np.arange(64) / 64)
"""Points of a cycle of which the extremes of a series are taken."""


def fourier(phase: np.ndarray, ratios: Sequence[float], phases: Sequence[float]) -> np.ndarray:
    """cos(x) + sum_k R_k1 cos(k x + phi_k1), x = 2 pi phase, k = 2, 3, ...; scaled to a peak-to-peak of 1 mag.

    `ratios` R_k1 and `phases` phi_k1 (rad) are the usual Fourier parameters of pulsators, cosine convention.
    """
    terms = (1.0, *(ratio * np.exp(1j * offset) for ratio, offset in zip(ratios, phases, strict=True)))

    def series(wave: np.ndarray) -> np.ndarray:
        total = terms[-1] * wave
        for term in terms[-2::-1]:
            total = (total + term) * wave
        return total.real

    x = 2 * np.pi * np.asarray(phase)
    cycle = series(CYCLE)
    return (series(np.cos(x) + 1j * np.sin(x)) - cycle.mean()) / (cycle.max() - cycle.min())


def sawtooth_pulsator(rng: np.random.Generator, phase: np.ndarray, steepness: float) -> np.ndarray:
    """A fundamental-mode pulsator with peak-to-peak 1: steep rise, slow decline.

    V-band phases phi_k1 = 3.95 + 4.18 (k - 2) rad follow RRab stars (Jurcsik & Kovacs 1996, cosine convention);
    amplitude ratios fall as steepness^(k-1).
    """
    order = np.arange(2, 8)
    ratios = np.clip(steepness, 0.05, 0.62) ** (0.85 * (order - 1)) * rng.normal(1, 0.05, len(order))
    phases = 3.95 + 4.18 * (order - 2) + rng.normal(0, 0.08, len(order)) * (order - 1) ** 0.5
    return fourier(phase, ratios, phases)


def eclipse(phase: np.ndarray, centre: float, width: float, sharpness: float) -> np.ndarray:
    """One eclipse of depth 1 at phase `centre` (Mikulasek 2015, A&A 584, A8, eq. 4).

    1 - [1 - exp(1 - cosh(d / width))]^sharpness: sharpness above 1 has a flat bottom, 1 a round one.
    """
    distance = np.abs((phase - centre + 0.5) % 1.0 - 0.5)
    inside = 1.0 - np.exp(1.0 - np.cosh(np.minimum(distance / width, 30.0)))
    return 1.0 - inside**sharpness


def damped_random_walk(rng: np.random.Generator, mjd: np.ndarray, sigma: float, timescale: float) -> np.ndarray:
    """Ornstein-Uhlenbeck process at sorted epochs (d): standard deviation `sigma` mag, decay time `timescale` d.

    Exact for any sampling: x_i = a x_(i-1) + sigma sqrt(1 - a^2) e_i, a = exp(-dt / timescale).
    """
    decay = np.exp(-np.diff(mjd, prepend=mjd[:1]) / timescale)
    kicks = sigma * np.sqrt(1.0 - decay**2) * rng.normal(size=len(mjd))
    state = sigma * rng.normal()
    walk = []
    for a, kick in zip(decay.tolist(), kicks.tolist(), strict=True):
        state = a * state + kick
        walk.append(state)
    return np.asarray(walk)


def slow_drift(rng: np.random.Generator, mjd: np.ndarray, timescale: float, terms: int = 3) -> np.ndarray:
    """A smooth random function of time with unit variance: a few sinusoids of period about `timescale` d."""
    periods = timescale * rng.lognormal(0, 0.4, terms)
    x = 2 * np.pi * (np.asarray(mjd)[None, :] / periods[:, None] + rng.random((terms, 1)))
    return np.sqrt(2.0 / terms) * np.sin(x).sum(axis=0)


def flux_to_magnitude(flux: np.ndarray) -> np.ndarray:
    """-2.5 log10 of a relative flux, bounded 8 mag below 1."""
    return -2.5 * np.log10(np.maximum(flux, 10**-3.2))
