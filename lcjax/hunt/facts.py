"""Numbers that a candidate is filtered and sorted by, made from its alert and its light curve."""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from lcjax.hunt.candidates import Candidate, LightCurve
from lcjax.hunt.sky import sky_columns

_MISSING = -999.0
_POLE = (192.85948, 27.12825)
"""Of the Galaxy, degrees, J2000 (Hipparcos)."""
_ARCSEC = 3600.0


def facts(candidate: Candidate) -> dict[str, Any]:
    """Columns of the table `candidates` that follow from an alert."""
    curve = candidate.light_curve
    return {
        "survey": candidate.survey,
        "object_id": candidate.object_id,
        "alert_id": candidate.alert_id,
        "mjd": candidate.mjd,
        "first_mjd": min([candidate.mjd, *filter(None, map(finite, curve.detections.get("mjd", ())))]),
        "ra": candidate.ra,
        "dec": candidate.dec,
        **sky_columns(candidate.ra, candidate.dec),
        "band": candidate.band,
        "magnitude": finite(candidate.magnitude),
        "magnitude_error": finite(candidate.magnitude_error),
        "galactic_latitude": galactic_latitude(candidate.ra, candidate.dec),
        "n_detections": len(curve.detections.get("mjd", ())),
        "rise_rate": rise_rate(curve),
        "star_distance": _number(candidate.metadata, "distpsnr1"),
        "star_score": _number(candidate.metadata, "sgscore1"),
        "solar_system_distance": _number(candidate.metadata, "ssdistnr"),
        "real_bogus": _first(candidate.metadata, ("drb", "rb", "reliability")),
    }


def finite(value: Any) -> float | None:
    """A number; None for null, text, NaN and infinity.

    >>> finite(1), finite(float("nan")), finite("x")
    (1.0, None, None)
    """
    if isinstance(value, bool) or not isinstance(value, int | float | np.number):
        return None
    number = float(value)
    return number if math.isfinite(number) else None


def _number(metadata: Mapping[str, Any], name: str) -> float | None:
    value = finite(metadata.get(name))
    return None if value is None or value <= _MISSING else value


def _first(metadata: Mapping[str, Any], names: tuple[str, ...]) -> float | None:
    return next((value for name in names if (value := _number(metadata, name)) is not None), None)


def galactic_latitude(ra: float, dec: float) -> float:
    """Degrees.

    >>> round(galactic_latitude(266.405, -28.936), 1) + 0.0  # towards the centre
    0.0
    """
    a, d, pole_a, pole_d = (math.radians(x) for x in (ra, dec, *_POLE))
    sine = math.sin(d) * math.sin(pole_d) + math.cos(d) * math.cos(pole_d) * math.cos(a - pole_a)
    return math.degrees(math.asin(max(-1.0, min(1.0, sine))))


def separation(ra: float, dec: float, other_ra: Any, other_dec: Any) -> Any:
    """Arcsec between a place and others, degrees in, by the haversine formula.

    >>> round(float(separation(10.0, 0.0, 10.0, 1 / 3600)), 6)
    1.0
    """
    a, d, oa, od = (np.deg2rad(x) for x in (ra, dec, other_ra, other_dec))
    h = np.sin((od - d) / 2) ** 2 + np.cos(d) * np.cos(od) * np.sin((oa - a) / 2) ** 2
    return np.rad2deg(2 * np.arcsin(np.sqrt(np.clip(h, 0, 1)))) * _ARCSEC


def rise_rate(curve: LightCurve) -> float | None:
    """Mag a day, at least: (limit of the last non-detection of that band before it - first magnitude) / time between.

    Positive: it became brighter than the limit. None without a non-detection before the first detection.
    """
    return _rise(curve)[0]


def rise_rate_error(curve: LightCurve) -> float | None:
    """Mag a day: error of the first magnitude / time between; None where there is no rate, or no error."""
    return _rise(curve)[1]


def _rise(curve: LightCurve) -> tuple[float | None, float | None]:
    found = curve.detections
    points = sorted(
        (mjd, magnitude, band, number)
        for number, (mjd, magnitude, band, positive) in enumerate(
            zip(*(found.get(name, ()) for name in ("mjd", "magnitude", "band", "positive")), strict=True)
        )
        if magnitude is not None and positive
    )
    if not points:
        return None, None
    mjd, magnitude, band, number = points[0]
    names = ("mjd", "limit", "band")
    limits = zip(*(curve.limits.get(name, ()) for name in names), strict=True)
    before = [(at, limit) for at, limit, of in limits if at < mjd and of == band and limit is not None]
    if not before:
        return None, None
    at, limit = max(before)
    errors = found.get("error") or [None] * (number + 1)
    error = finite(errors[number])
    return (limit - magnitude) / (mjd - at), None if error is None else error / (mjd - at)


def merged(curve: LightCurve, other: LightCurve) -> LightCurve:
    """Points of both, each once (same band, same hundred-thousandth of a day), in time order; `other` is believed."""
    return LightCurve(*(_together(getattr(curve, n), getattr(other, n)) for n in ("detections", "limits", "forced")))


def _together(columns: Mapping[str, list[Any]], more: Mapping[str, list[Any]]) -> dict[str, list[Any]]:
    names = list(dict.fromkeys((*more, *columns)))
    rows: dict[tuple[float, str], tuple[Any, ...]] = {}
    for part in (columns, more):
        count = len(part.get("mjd", ()))
        for row in zip(*(part.get(name, [None] * count) for name in names), strict=True):
            point = dict(zip(names, row, strict=True))
            rows[round(point["mjd"], 5), point["band"]] = row
    ordered = [rows[key] for key in sorted(rows)]
    return {name: [row[i] for row in ordered] for i, name in enumerate(names)}


def entropy(probabilities: np.ndarray) -> float:
    """Nats.

    >>> entropy(np.array([1.0, 0.0])) + 0.0, round(entropy(np.array([0.5, 0.5])), 4)
    (0.0, 0.6931)
    """
    p = np.asarray(probabilities, np.float64)
    return float(-np.sum(np.where(p > 0, p * np.log(np.where(p > 0, p, 1.0)), 0.0)))
