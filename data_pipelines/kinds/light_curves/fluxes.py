"""Fluxes of light curves, with negative ones and upper limits: Pogson's formula both ways, zero points, parts of a star.

A flux F of zero point Z is the magnitude m = Z - 2.5 lg F (Pogson 1856); to first order sigma_m = 2.5 / ln 10 * sigma_F / F.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

MAGNITUDE, TOTAL, DIFFERENCE, RELATIVE = "magnitude", "total_flux", "difference_flux", "relative_flux"
"""What a brightness is: a magnitude; a flux of the star itself; of an image less a reference; of no known zero point."""
POGSON = 2.5 / np.log(10)
"""mag per relative change of flux."""
COMMON_ZERO_POINT, COMMON_UNIT = 23.9, "uJy"
"""Of fluxes made of magnitudes, and of several zero points brought to one: microjansky, where magnitudes are AB."""
LIMIT = "upper limit"
NOT_POSITIVE, TOO_UNCERTAIN = "flux not positive", "magnitude or its error out of range"


@dataclass(frozen=True, eq=False)
class FluxSeries:
    """Fluxes of one object in one band, upper limits among them."""

    mjd: np.ndarray
    """(M,) float64, days."""
    flux: np.ndarray
    """(M,) float, of any sign; NaN at upper limits."""
    flux_error: np.ndarray
    """(M,) float, standard deviation; NaN at upper limits."""
    limit: np.ndarray
    """(M,) float, the flux that the point is below, at upper limits; 0 at all others."""
    kind: str
    """One of those above."""
    zero_point: float = np.nan
    """mag of a flux of 1; NaN where it is not known."""
    unit: str = ""
    of_magnitudes: bool = False
    """Whether they were made of magnitudes, so that the rules for sentinels of magnitudes hold."""
    lost: dict[str, int] = field(default_factory=dict)
    """Reason -> points that were in the file and are not here."""
    repeated: int = 0
    """Points that were in several parts and are here once."""

    def __len__(self) -> int:
        return len(self.mjd)

    @property
    def measured(self) -> np.ndarray:
        """(M,) bool, False at upper limits."""
        return ~(self.limit > 0)

    def take(self, which: np.ndarray) -> "FluxSeries":
        """Some of the points."""
        series = (self.mjd, self.flux, self.flux_error, self.limit)
        return replace(
            self, **dict(zip(("mjd", "flux", "flux_error", "limit"), (x[which] for x in series), strict=True))
        )

    def scaled(self, zero_point: float, unit: str) -> "FluxSeries":
        """The same fluxes as numbers of another zero point; as they are where there is none."""
        if np.isnan(self.zero_point) or self.zero_point == zero_point:
            return self
        scale = 10 ** (0.4 * (zero_point - self.zero_point))
        values = {name: getattr(self, name) * scale for name in ("flux", "flux_error", "limit")}
        return replace(self, **values, zero_point=zero_point, unit=unit)

    def without_magnitude(self, magnitudes: int) -> Counter[str]:
        """Why points have no magnitude: reason -> points, of all but `magnitudes` of them."""
        reasons = Counter({NOT_POSITIVE: int(np.count_nonzero(self.flux <= 0))})
        reasons[LIMIT] = int(np.count_nonzero(~self.measured))
        reasons[TOO_UNCERTAIN] = max(len(self) - magnitudes - reasons.total(), 0)
        return +reasons


def flux_of_magnitude(
    magnitude: np.ndarray, error: np.ndarray | float, zero_point: np.ndarray | float
) -> tuple[np.ndarray, np.ndarray]:
    """Fluxes and their errors.

    >>> [round(float(x), 4) for x in flux_of_magnitude(np.array(23.9), 0.1, 23.9)]
    [1.0, 0.0921]
    """
    with np.errstate(
        over="ignore", invalid="ignore"
    ):  # sentinels such as -999 become infinite, and are dropped by name
        flux = 10.0 ** (-0.4 * (magnitude - zero_point))
        return flux, flux * error / POGSON


def magnitude_of_flux(
    flux: np.ndarray, error: np.ndarray, zero_point: np.ndarray | float
) -> tuple[np.ndarray, np.ndarray]:
    """Magnitudes and their errors, NaN where the flux is not positive."""
    positive = np.where(flux > 0, flux, np.nan)
    return zero_point - 2.5 * np.log10(positive), POGSON * error / positive


def fluxes_of_magnitudes(
    mjd: np.ndarray, magnitude: np.ndarray, error: np.ndarray, lost: dict[str, int] | None = None
) -> FluxSeries:
    """Magnitudes of a star as fluxes, for datasets where others have fluxes."""
    flux, sigma = flux_of_magnitude(*(np.asarray(a, np.float64) for a in (magnitude, error)), COMMON_ZERO_POINT)
    none = np.zeros(len(flux))
    return FluxSeries(mjd, flux, sigma, none, MAGNITUDE, COMMON_ZERO_POINT, COMMON_UNIT, True, lost or {})


def contradiction(one: tuple[str, float], other: tuple[str, float]) -> str:
    """Why two brightnesses, each (kind, zero point), cannot be one; empty where they can.

    >>> contradiction(("magnitude", 23.9), ("total_flux", 31.4)), contradiction(("total_flux", 25.0), ("difference_flux", 25.0))
    ('', 'total flux and difference flux')
    """
    kinds = {one[0], other[0]}
    if len(kinds) > 1 and kinds != {MAGNITUDE, TOTAL}:
        return " and ".join(kind.replace("_", " ") for kind in (one[0], other[0]))
    if np.isnan(one[1]) != np.isnan(other[1]):
        return "flux with and without a zero point"
    return ""


def joined_fluxes(parts: Sequence[FluxSeries]) -> tuple[FluxSeries, str]:
    """The parts of a star as one series, sorted by time, points of several parts once; and why they are not of one star's brightness.

    Those of other zero points are brought to that of the first.
    """
    first = parts[0]
    for part in parts[1:]:
        if why := contradiction((first.kind, first.zero_point), (part.kind, part.zero_point)):
            return first, f"parts hold {why}"
    parts = [first, *(part.scaled(first.zero_point, first.unit) for part in parts[1:])]
    columns = [[np.asarray(a, np.float64) for a in (p.mjd, p.flux, p.flux_error, p.limit)] for p in parts]
    points = np.ascontiguousarray(np.concatenate([np.stack(column, 1) for column in columns]))
    _, once = np.unique(points.view([("", "V32")]).ravel(), return_index=True)
    kept = points[np.sort(once)]
    kept = kept[np.argsort(kept[:, 0], kind="stable")]
    lost = dict(sum((Counter(part.lost) for part in parts), Counter()))
    repeated = len(points) - len(kept) + sum(part.repeated for part in parts)
    kind = next((part.kind for part in parts if part.kind != MAGNITUDE), MAGNITUDE)
    of_magnitudes = any(part.of_magnitudes for part in parts)
    return FluxSeries(*kept.T, kind, first.zero_point, first.unit, of_magnitudes, lost, repeated), ""
