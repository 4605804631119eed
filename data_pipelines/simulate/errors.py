"""How well surveys measure: quoted errors against magnitude, and how wrong the quotes are.

A law is a table of median quoted errors over magnitude (log-interpolated), spreads of it from object to object and
point to point, a floor, and the factor by which the true noise exceeds (or falls below) the quote. The miscalibration
is as measured: Catalina overestimates bright stars, ASAS quotes 0.036 mag even where it scatters three times that,
bright ZTF stars scatter 30 to 160 times their quote.
"""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class ErrorLaw:
    """Quoted errors and true noise of one survey, mag."""

    magnitudes: tuple[float, ...]
    """Nodes, ascending."""
    quoted: tuple[float, ...]
    """Median quoted error at the nodes."""
    true_over_quoted: tuple[float, ...]
    """True noise over quoted error at the nodes."""
    floor: float = 0.0
    """Smallest error that is ever quoted."""
    object_spread: float = 0.06
    """Standard deviation of ln(quoted error) from object to object."""
    point_spread: float = 0.1
    """The same from point to point."""
    truth_spread: float = 0.15
    """Standard deviation of ln(true / quoted) from object to object."""
    digits: int = 4
    """Decimals the survey prints."""

    def errors(self, rng: np.random.Generator, magnitude: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """(quoted errors, true noise), each (N,) mag, for true magnitudes (N,)."""
        median = np.exp(np.interp(magnitude, self.magnitudes, np.log(self.quoted)))
        spread = rng.normal(0, self.object_spread) + rng.normal(0, self.point_spread, len(magnitude))
        quoted = np.maximum(median * np.exp(spread), self.floor)
        factor = np.exp(np.interp(magnitude, self.magnitudes, np.log(self.true_over_quoted)))
        noise = quoted * factor * np.exp(rng.normal(0, self.truth_spread))
        return np.maximum(np.round(quoted, self.digits), 10.0**-self.digits), noise


CRTS = ErrorLaw(
    (11, 13, 15, 16, 17, 18, 19),
    (0.052, 0.058, 0.082, 0.112, 0.164, 0.247, 0.41),
    (0.7, 0.7, 0.75, 0.8, 0.85, 0.9, 0.9),
    floor=0.05,
    digits=3,
)
ASAS3 = ErrorLaw(
    (7, 8.5, 11, 12, 13, 14),
    (0.034, 0.035, 0.036, 0.0365, 0.038, 0.040),
    (0.5, 0.55, 0.8, 1.2, 2.0, 3.2),
    floor=0.03,
    object_spread=0.08,
    point_spread=0.05,
    digits=3,
)
HIPPARCOS = ErrorLaw(
    (4.8, 6.6, 8.5, 10.3, 11.7),
    (0.004, 0.007, 0.014, 0.025, 0.044),
    (1.2, 1.1, 1.0, 1.0, 1.0),
    object_spread=0.15,
    digits=3,
)
OGLE2 = ErrorLaw(
    (14, 15.4, 16.5, 17.2, 18.4, 19.3),
    (0.006, 0.009, 0.014, 0.02, 0.043, 0.085),
    (1.8, 1.6, 1.4, 1.2, 1.1, 1.1),
    digits=3,
)
OGLE4 = ErrorLaw(
    (13, 15, 17, 18, 19, 20, 21),
    (0.0025, 0.005, 0.018, 0.042, 0.089, 0.18, 0.3),
    (3.0, 2.0, 1.6, 1.5, 1.4, 1.3, 1.2),
    floor=0.003,
    digits=3,
)
ZTF = ErrorLaw(
    (12.5, 14, 15, 16, 17.5, 18.5, 20.5),
    (0.0005, 0.0009, 0.0014, 0.0028, 0.009, 0.03, 0.13),
    (14.0, 10.0, 7.0, 4.0, 2.0, 1.5, 1.1),
    floor=0.0004,
    truth_spread=0.35,
)
SDSS_S82 = ErrorLaw(
    (14.5, 16.5, 17.6, 18.6, 20.6, 22),
    (0.005, 0.007, 0.009, 0.012, 0.033, 0.1),
    (2.5, 2.0, 1.6, 1.4, 1.1, 1.0),
    object_spread=0.2,
    digits=3,
)
MACHO = ErrorLaw(
    (-8.5, -7.1, -6.3, -5.5, -4.3),
    (0.0085, 0.015, 0.023, 0.044, 0.12),
    (1.5, 1.4, 1.3, 1.2, 1.1),
    digits=3,
)
ZTF_ALERTS = ErrorLaw(
    (16, 17, 18, 19, 20, 20.6),
    (0.025, 0.042, 0.07, 0.125, 0.19, 0.23),
    (0.9, 0.9, 0.9, 0.9, 0.9, 0.9),
)
CATALINA_CSS = ErrorLaw(
    (14, 16.4, 18.2, 19.2, 20.4, 21),
    (0.055, 0.075, 0.13, 0.2, 0.34, 0.4),
    (0.7, 0.8, 0.9, 0.9, 0.9, 0.9),
    floor=0.05,
    digits=3,
)
