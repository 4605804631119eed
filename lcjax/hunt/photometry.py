"""Brightness and times of alerts in the units of the page: AB magnitudes of the difference, microjansky, MJD in UTC."""

from collections.abc import Mapping
from typing import Any

import numpy as np

_NANOJANSKY_ZEROPOINT = 31.4
"""AB magnitude of 1 nJy."""
_LEAP_SECONDS = ((57754.0, 37.0), (57204.0, 36.0), (56109.0, 35.0), (54832.0, 34.0), (53736.0, 33.0))
"""First day (MJD, UTC) -> TAI - UTC, seconds, newest first: IERS Bulletin C. None was added after 2017."""


def utc_of_tai(mjd: Any) -> np.ndarray:
    """MJD in UTC of MJD in TAI (Rubin).

    >>> float(np.round((utc_of_tai(60000.0) - 60000.0) * 86400))
    -37.0
    """
    mjd = np.asarray(mjd, np.float64)
    seconds = np.full(mjd.shape, _LEAP_SECONDS[-1][1])
    for day, count in reversed(_LEAP_SECONDS):
        seconds = np.where(mjd - count / 86400 >= day, count, seconds)
    return mjd - seconds / 86400


def magnitudes_of_nanojansky(flux: Any, error: Any) -> tuple[np.ndarray, np.ndarray]:
    """AB magnitudes and their errors of fluxes of either sign: the size of the change."""
    with np.errstate(divide="ignore", invalid="ignore"):
        size = np.abs(np.asarray(flux, np.float64))
        return _NANOJANSKY_ZEROPOINT - 2.5 * np.log10(size), 1.0857362 * np.asarray(error, np.float64) / size


def own_brightness(survey: str, fields: Mapping[str, Any]) -> tuple[float, float, bool]:
    """Magnitude, its error, and whether the source is brighter than in the template; NaN where the packet does not say.

    ATLAS gives sources that have faded a magnitude with a minus, and its packets' `isdiffpos` contradicts the sign of their flux:
    the flux is believed.

    >>> own_brightness("atlas", {"Mag": -17.4, "Dmag": 0.1, "flux": -387.0, "isdiffpos": "t"})
    (17.4, 0.1, False)
    """
    number = lambda name: float(v) if isinstance(v := fields.get(name), int | float) else float("nan")
    if survey == "lsst":
        magnitude, error = magnitudes_of_nanojansky(number("psfFlux"), number("psfFluxErr"))
        return float(magnitude), float(error), not number("psfFlux") < 0
    if survey == "atlas":
        sign = number("flux") if np.isfinite(number("flux")) else number("Mag")
        return abs(number("Mag")), number("Dmag"), not sign < 0
    return number("magpsf"), number("sigmapsf"), fields.get("isdiffpos") in ("t", "T", "1", 1.0, None)
