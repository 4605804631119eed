"""Shapes of pulsators as real surveys show them: medians and spreads of Fourier parameters, and curves drawn from them.

Measured by weighted fits of four harmonics at the published periods: RRab and RRc on the g light curves of SDSS Stripe 82
(Sesar et al. 2010, ApJ 708, 717), the others on V light curves of the Catalina southern survey (Drake et al. 2017), of
stars whose first harmonic is known to 8%. Only these few numbers of each class are kept, no light curve.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from data_pipelines.simulate.shapes import fourier


@dataclass(frozen=True)
class FourierStatistics:
    """R_k1 and phi_k1 (rad, cosine convention, magnitudes) of k = 2, 3, 4: medians, and half of the central 68%."""

    stars: int
    """Of which they were measured."""
    ratios: tuple[float, float, float]
    ratio_spreads: tuple[float, float, float]
    phases: tuple[float, float, float]
    phase_spreads: tuple[float, float, float]

    def draw(self, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """Ratios and phases of one star; phases of all orders move together, as a shift in rise time moves them."""
        ratios = np.maximum(rng.normal(self.ratios, self.ratio_spreads), 0.0)
        common = rng.normal()
        own = rng.normal(size=3)
        spread = np.array(self.phase_spreads)
        return ratios, np.array(self.phases) + spread * (0.8 * common + 0.6 * own)

    def curve(self, rng: np.random.Generator, phase: np.ndarray) -> np.ndarray:
        """A light curve of peak-to-peak 1 mag at phases (N,)."""
        return fourier(phase, *self.draw(rng))


FOURIER: dict[str, FourierStatistics] = {
    "RRab": FourierStatistics(
        229, (0.442, 0.297, 0.170), (0.056, 0.075, 0.072), (3.867, 1.792, 6.112), (0.146, 0.286, 0.490)
    ),
    "RRc": FourierStatistics(
        50, (0.122, 0.074, 0.041), (0.043, 0.030, 0.021), (4.681, 3.280, 2.059), (0.207, 0.643, 1.225)
    ),
    "RRab_BL": FourierStatistics(
        84, (0.350, 0.188, 0.116), (0.088, 0.093, 0.061), (3.989, 1.753, 5.938), (0.247, 0.694, 1.267)
    ),
    "ACEP": FourierStatistics(
        78, (0.433, 0.205, 0.107), (0.066, 0.086, 0.070), (4.473, 2.923, 1.447), (0.314, 0.807, 1.158)
    ),
    "T2CEP": FourierStatistics(
        42, (0.282, 0.115, 0.092), (0.150, 0.064, 0.045), (4.947, 3.022, 1.926), (1.004, 1.250, 1.792)
    ),
    "DSCT": FourierStatistics(
        59, (0.269, 0.097, 0.059), (0.143, 0.064, 0.032), (4.233, 2.045, 5.731), (0.766, 1.115, 1.241)
    ),
}
"""Class name -> what its shapes are like."""


class Shape(NamedTuple):
    """Fourier parameters of a curve, cosine convention, phases in [0, 2 pi) rad; NaN where there is no telling."""

    r21: float
    phi21: float
    r31: float
    phi31: float


NO_SHAPE = Shape(np.nan, np.nan, np.nan, np.nan)


def shape_of(mjd: np.ndarray, magnitude: np.ndarray, period: float) -> Shape:
    """Of noiseless magnitudes (N,), by a fit of three harmonics: it needs a period, 10 points, and a fit that is determined."""
    if not np.isfinite(period) or len(mjd) < 10:
        return NO_SHAPE
    turn = 2 * np.pi * (mjd / period)
    waves = [wave(order * turn) for order in (1, 2, 3) for wave in (np.cos, np.sin)]
    found, _, rank, singular = np.linalg.lstsq(np.stack([np.ones(len(mjd)), *waves], axis=1), magnitude, rcond=None)
    first, second, third = (found[i] - 1j * found[i + 1] for i in (1, 3, 5))
    if rank < 7 or singular[-1] < 0.02 * singular[0] or abs(first) < 1e-6:
        return NO_SHAPE
    ratio = lambda part: float(abs(part) / abs(first))
    phase = lambda part, order: float(np.angle(part * np.conj(first) ** order) % (2 * np.pi))
    return Shape(ratio(second), phase(second, 2), ratio(third), phase(third, 3))
