"""Where the pixels of a cutout are on the sky: the linear, gnomonic part of FITS world coordinates.

A cutout is an arcminute wide, so a reference pixel, its place on the sky and a 2 x 2 matrix say all. Headers give the matrix as
CDi_j, as PCi_j with CDELTi, or as CDELTi with CROTA2. Rubin's headers have no CTYPE: their matrix is that of the local gnomonic
projection (`makeLocalTransformMatrix` in github.com/lsst/ap_association), so TAN is what a header without CTYPE means. Other
projections and distortions give no place here. Source: Calabretta & Greisen 2002, A&A 395, 1077, sections 2 and 5.1.3.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

Matrix = tuple[float, float, float, float]
_ELEMENTS = ("1_1", "1_2", "2_1", "2_2")
_ALLOWED = {
    "CTYPE1": ("", "RA---TAN"),
    "CTYPE2": ("", "DEC--TAN"),
    "CUNIT1": ("", "deg"),
    "CUNIT2": ("", "deg"),
    "RADESYS": ("", "ICRS", "FK5"),
    "RADECSYS": ("", "ICRS", "FK5"),
}
"""What the words of a header may be; FK5 of J2000 is ICRS to 0.03 arcsec."""


@dataclass(frozen=True)
class World:
    """Pixels, counted from 0 at the centre of the first one, and ICRS degrees."""

    x: float  #: column of the reference pixel
    y: float  #: its row
    ra: float  #: of the reference pixel
    dec: float
    matrix: Matrix  #: CD1_1, CD1_2, CD2_1, CD2_2: degrees on the tangent plane per pixel, not singular

    def pixel_to_world_values(self, x: float, y: float) -> tuple[float, float]:
        """(ra, dec) of a pixel; named as in astropy's common interface to world coordinates.

        >>> World(14.0, 14.0, 10.0, 0.0, (-1.0, 0.0, 0.0, 1.0)).pixel_to_world_values(14.0, 14.0)
        (10.0, 0.0)
        """
        a, b, c, d = self.matrix
        east = math.radians(a * (x - self.x) + b * (y - self.y))
        north = math.radians(c * (x - self.x) + d * (y - self.y))
        sine, cosine = math.sin(math.radians(self.dec)), math.cos(math.radians(self.dec))
        along = cosine - north * sine
        ra = self.ra + math.degrees(math.atan2(east, along))
        return ra % 360, math.degrees(math.atan2(sine + north * cosine, math.hypot(east, along)))

    def world_to_pixel_values(self, ra: float, dec: float) -> tuple[float, float]:
        """(x, y) of a place on the sky; NaN for the half of the sky that the projection does not show."""
        sine, cosine = math.sin(math.radians(self.dec)), math.cos(math.radians(self.dec))
        sine_there, cosine_there = math.sin(math.radians(dec)), math.cos(math.radians(dec))
        turn = math.radians(ra - self.ra)
        toward = sine * sine_there + cosine * cosine_there * math.cos(turn)
        if not toward > 0:
            return math.nan, math.nan
        east = math.degrees(cosine_there * math.sin(turn) / toward)
        north = math.degrees((cosine * sine_there - sine * cosine_there * math.cos(turn)) / toward)
        a, b, c, d = self.matrix
        area = a * d - b * c
        return self.x + (d * east - b * north) / area, self.y + (a * north - c * east) / area


def read_matrix(cards: Mapping[str, str]) -> Matrix | None:
    """Degrees per pixel from a header's cards (keyword -> text of the value); None: it has none that can be used."""
    has = lambda names: any(name in cards for name in names)
    try:
        if has(f"CD{ij}" for ij in _ELEMENTS):
            matrix = tuple(_number(cards, f"CD{ij}", 0.0) for ij in _ELEMENTS)
        else:
            rotated = has(f"PC{ij}" for ij in _ELEMENTS)
            if not rotated and not has(("CDELT1", "CDELT2")):
                return None
            dx, dy = _number(cards, "CDELT1", 1.0), _number(cards, "CDELT2", 1.0)
            if rotated:
                a, b, c, d = (_number(cards, f"PC{ij}", u) for ij, u in zip(_ELEMENTS, (1, 0, 0, 1), strict=True))
            else:
                turn = math.radians(_number(cards, "CROTA2", 0.0))
                a, b, c, d = math.cos(turn), -math.sin(turn) * dy / dx, math.sin(turn) * dx / dy, math.cos(turn)
            matrix = (a * dx, b * dx, c * dy, d * dy)
    except (ValueError, ZeroDivisionError):
        return None
    a, b, c, d = matrix
    return matrix if 0 < abs(a * d - b * c) < 1 else None  # a square degree: CDELT 1, which says that nothing is known


def pixel_scale(matrix: Matrix) -> float:
    """Arcsec: square root of the area of a pixel.

    >>> round(pixel_scale((0.0, 1e-4, -1e-4, 0.0)), 9)
    0.36
    """
    a, b, c, d = matrix
    return 3600 * math.sqrt(abs(a * d - b * c))


def read_world(cards: Mapping[str, str], matrix: Matrix | None) -> World | None:
    """The coordinates of a header whose matrix has been read; None: it has none, or of another kind."""
    if matrix is None or "CRVAL1" not in cards or "CRVAL2" not in cards:
        return None
    if (
        any(key in cards and words(cards[key]) not in allowed for key, allowed in _ALLOWED.items())
        or "A_ORDER" in cards
    ):
        return None
    try:
        x, y = _number(cards, "CRPIX1", 0.0) - 1, _number(cards, "CRPIX2", 0.0) - 1
        ra, dec = _number(cards, "CRVAL1", 0.0), _number(cards, "CRVAL2", 0.0)
        pole = _number(cards, "LONPOLE", 0.0 if dec >= 90 else 180.0)
    except ValueError:
        return None
    if not (math.isfinite(x + y + ra) and -90 <= dec <= 90 and (pole == 180 or (pole == 0 and dec == 90))):
        return None
    # Exactly at the pole the axes are turned by half a circle unless LONPOLE says 180: section 2.2, equations 7 and 8.
    return World(x, y, ra if pole == 180 else ra + 180, dec, matrix)


def _number(cards: Mapping[str, str], key: str, default: float) -> float:
    return real_of(cards[key]) if key in cards else default


def real_of(text: str) -> float:
    """A real number as FITS writes it, with exponent E or D.

    >>> real_of("-1.5D-3")
    -0.0015

    Raises:
      ValueError: it is none.
    """
    return float(text.replace("D", "E"))


def words(value: str) -> str:
    """Between the quotes of a string card, or as it is.

    >>> words("'RA---TAN'           / a comment")
    'RA---TAN'
    """
    return (value[1:].split("'", 1)[0] if value[:1] == "'" else value).strip()
