"""Places on the sky as a database can search them: bands of declination, right ascension within a band, and unit vectors.

The bands are those of the zones algorithm (Gray, Nieto-Santisteban & Szalay 2007, MSR-TR-2006-52), one degree high: a cone touches few
of them, and in each a short piece of right ascension. What is left is measured by the chord between unit vectors, which is exact for
arcseconds as well and needs no mathematics of the database.
"""

import math

from sqlalchemy import ColumnElement, and_, or_

from lcjax.hunt import tables as t

_MARGIN = 1e-9
"""Degrees, for rounding."""


def sky_columns(ra: float, dec: float) -> dict[str, float]:
    """Columns of a candidate that say where it is.

    >>> sky_columns(90.0, 0.5)["band_of_sky"], round(sky_columns(90.0, 0.0)["y"], 6)
    (0, 1.0)
    """
    x, y, z = vector(ra, dec)
    return {"band_of_sky": math.floor(dec), "x": x, "y": y, "z": z}


def vector(ra: float, dec: float) -> tuple[float, float, float]:
    """Of length one; degrees in."""
    a, d = math.radians(ra), math.radians(dec)
    return math.cos(d) * math.cos(a), math.cos(d) * math.sin(a), math.sin(d)


def in_cone(ra: float, dec: float, radius: float) -> list[ColumnElement[bool]]:
    """Conditions for candidates within a radius of a place, degrees."""
    c = t.Candidate
    x, y, z = vector(ra, dec)
    chord = 2 * math.sin(math.radians(radius) / 2)
    within = (c.x - x) * (c.x - x) + (c.y - y) * (c.y - y) + (c.z - z) * (c.z - z) <= chord * chord * (1 + 1e-12)
    bands = range(math.floor(dec - radius - _MARGIN), math.floor(dec + radius + _MARGIN) + 1)
    near = c.band_of_sky.in_([band for band in bands if -90 <= band <= 90])
    if abs(dec) + radius >= 90:  # a pole is within: every right ascension
        return [near, within]
    reach = math.degrees(math.asin(math.sin(math.radians(radius)) / math.cos(math.radians(dec)))) + _MARGIN
    low, high = ra - reach, ra + reach
    pieces = [(low, high)]
    if low < 0:
        pieces = [(0.0, high), (low + 360, 360.0)]
    elif high > 360:
        pieces = [(low, 360.0), (0.0, high - 360)]
    elif high >= 360 - _MARGIN or low <= _MARGIN:
        pieces += [(0.0, 0.0), (360.0, 360.0)]  # the same place by either name
    return [or_(*(and_(near, c.ra.between(*piece)) for piece in pieces)), within]
