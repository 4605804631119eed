"""Light curves of alerts: what a packet tells of its object's brightness before it."""

from collections import defaultdict

import numpy as np

from data_pipelines.sources.alerts import Alert

ZERO_POINT = 23.9
"""Magnitude of a flux of 1 microjansky."""
_SAME = 4
"""Decimals of a date, days, by which two measurements in one band are one."""
Points = dict[tuple[float, str], tuple[float, float, float]]
"""(date, band) -> time (MJD), difference flux and its error, microjansky."""


def difference_points(alert: Alert) -> Points:
    """The alert's own measurement, its history and its forced photometry; of one moment and band the first of these."""
    found: Points = {}
    for band, time, flux, error in (*_own(alert), *_history(alert), *_forced(alert)):
        if np.isfinite(time + flux):
            point = (float(time), float(flux), float(error) if np.isfinite(error) else 0.0)
            found.setdefault((round(float(time), _SAME), str(band)), point)
    return found


def as_curve(points: Points, band: str | None = None) -> tuple[np.ndarray | None, str]:
    """(M, 3) time, flux, error in one band, the one with most points where none is given; None where there are none."""
    by_band: dict[str, list[tuple[float, float, float]]] = defaultdict(list)
    for (_, name), point in points.items():
        by_band[name].append(point)
    if not by_band:
        return None, ""
    band = band or max(sorted(by_band), key=lambda name: len(by_band[name]))
    rows = sorted(by_band.get(band, []))
    return (np.array(rows) if rows else None), band


def _signed(magnitude: np.ndarray, error: np.ndarray, positive: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    flux = np.where(positive, 1.0, -1.0) * 10.0 ** (-0.4 * (np.asarray(magnitude, float) - ZERO_POINT))
    return flux, np.abs(flux) * np.asarray(error, float) * np.log(10) / 2.5


def _own(alert: Alert) -> list[tuple[str, float, float, float]]:
    from data_pipelines.sources.alerts.ztf import is_positive

    if np.isfinite(alert.number("magpsf")):
        sign = is_positive(alert.metadata.get("isdiffpos"))
        flux, error = _signed(alert.number("magpsf"), alert.number("sigmapsf"), sign)  # type: ignore[arg-type]
        return [(alert.band, alert.mjd, float(flux), float(error))]
    nanojansky = alert.number("psfFlux") / 1e3, alert.number("psfFluxErr") / 1e3
    return [(alert.band, alert.mjd, *nanojansky)]


def _history(alert: Alert) -> zip:
    past = alert.history
    if "magnitude" in past:
        return zip(past["band"], past["mjd"], *_signed(past["magnitude"], past["error"], past["positive"]), strict=True)
    return _columns(past, 1e-3)


def _forced(alert: Alert) -> zip:
    past = alert.forced_photometry
    if "zeropoint" in past:
        return _columns(past, 10.0 ** (-0.4 * (np.asarray(past["zeropoint"], float) - ZERO_POINT)))
    return _columns(past, 1e-3)


def _columns(past: dict[str, np.ndarray], unit: float | np.ndarray) -> zip:
    if not past:
        return zip(strict=True)
    return zip(past["band"], past["mjd"], past["flux"] * unit, past["error"] * unit, strict=True)
