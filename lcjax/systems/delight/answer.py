"""The answer to where the host of a transient is, as users get it: one row of a table."""

import dataclasses
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class HostAnswer:
    """Where the host of one transient is; pixels are those of the image given, counted from 0."""

    object_id: str
    origin: str
    method: str  #: `network`, or `nearest source` where that had to answer
    x: float
    y: float
    pixel_scale: float  #: arcsec, of the image given: what else is in arcsec, over this, is in its pixels
    ra: float  #: degrees; NaN without world coordinates, here and below
    dec: float
    separation: float  #: of transient and host, arcsec
    scatter: float  #: of the network's eight answers (or its mixture), arcsec: a quality flag; NaN where it had nothing to see
    semi_major_axis: float  #: of the source found there, arcsec; NaN if none was
    size_doubtful: bool  #: that source may be another one
    nearest_ra: float  #: of the source nearest in its own ellipse
    nearest_dec: float
    nearest_separation: float  #: arcsec
    probability: float | None = None  #: that the host is there; mixture head only, like what follows
    second_ra: float | None = None
    second_dec: float | None = None
    second_separation: float | None = None  #: arcsec
    second_probability: float | None = None
    hostless_probability: float | None = None
    variant_x: tuple[float, ...] | None = None  #: the eight answers whose mean this is; head `offset` only
    variant_y: tuple[float, ...] | None = None
    variant_ra: tuple[float, ...] | None = None
    variant_dec: tuple[float, ...] | None = None

    def as_row(self) -> dict[str, Any]:
        """Column name -> value."""
        return dataclasses.asdict(self)
