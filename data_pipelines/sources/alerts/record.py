"""One typed record for the alerts of every survey, and the record of an alert that had to be set aside.

Times are MJD (days, UTC for ZTF and ATLAS, TAI for Rubin, as published), positions ICRS degrees, pixels the survey's own units (ZTF:
detector counts; Rubin: nJy). `metadata` keeps the survey's own field names.
"""

from dataclasses import dataclass, field

import numpy as np

from data_pipelines.sources.alerts.world import World

STAMP_NAMES = ("science", "template", "difference")
"""The three cutouts of an alert, in the channel order of every network here."""

PIXEL_SCALES = {"ztf": 1.0, "lsst": 0.2, "atlas": 1.86}
"""Nominal arcsec per pixel, for stamps whose header has no WCS."""

STAMP_SIZES = {"ztf": 63, "lsst": 30, "atlas": 61}
"""Nominal side of a stamp in pixels; alerts near a detector's edge have smaller ones."""

ZTF_BANDS = {1: "g", 2: "r", 3: "i"}
"""ZTF filter id -> band."""


@dataclass(frozen=True)
class Stamp:
    """One cutout."""

    pixels: np.ndarray
    """(H, W) float32 in native units; missing pixels are NaN."""
    pixel_scale: float
    """Arcsec per pixel: of the WCS where the header has one, else the survey's nominal one."""
    world: World | None = None
    """Where the pixels are on the sky, where the header says it."""

    @property
    def field_of_view(self) -> tuple[float, float]:
        """Height and width in arcsec.

        >>> Stamp(np.zeros((63, 62), np.float32), 1.0).field_of_view
        (63.0, 62.0)
        """
        height, width = self.pixels.shape
        return height * self.pixel_scale, width * self.pixel_scale


@dataclass(frozen=True)
class Alert:
    """One alert packet of any survey."""

    survey: str
    """`ztf`, `lsst`, `atlas`, or empty for stamps without a packet."""
    object_id: str
    alert_id: int
    """ZTF candid, Rubin diaSourceId, the number in ATLAS's candid."""
    mjd: float
    ra: float
    dec: float
    band: str
    metadata: dict[str, float | str | None] = field(default_factory=dict)
    """ZTF, ATLAS: the `candidate` fields; Rubin: the `diaSource` fields, and those of `diaObject`, `ssSource` and `mpc_orbits` as
    `diaObject.<name>` and so on. Numbers are float (bool: 1.0 or 0.0), null is None."""
    stamps: dict[str, Stamp] = field(default_factory=dict)
    """Name of `STAMP_NAMES` -> cutout; a cutout the packet lacks, or that is damaged, is absent."""
    stamp_faults: dict[str, str] = field(default_factory=dict)
    """Why cutouts that the packet has are absent."""
    history: dict[str, np.ndarray] = field(default_factory=dict)
    """Previous detections, columns of one length in time order: `alert_id` int64, `mjd` float64, `band` str, and
    `magnitude`, `error` (ZTF, PSF magnitudes of the difference; `positive` bool) or `flux`, `error` (Rubin, nJy)."""
    non_detections: dict[str, np.ndarray] = field(default_factory=dict)
    """Upper limits: `mjd`, `band`, `limit` (5-sigma mag)."""
    forced_photometry: dict[str, np.ndarray] = field(default_factory=dict)
    """`mjd`, `band`, `flux`, `error` (ZTF: counts, with the magnitude of one count in `zeropoint`; Rubin: nJy)."""
    origin: str = ""
    """`file#record`, in an archive `file#member#record`."""

    @property
    def missing_pixels(self) -> int:
        """Pixels of all stamps that are not finite."""
        return sum(int(np.size(s.pixels) - np.count_nonzero(np.isfinite(s.pixels))) for s in self.stamps.values())

    def number(self, name: str) -> float:
        """A metadata field as a float; NaN where it is absent, null or text."""
        value = self.metadata.get(name)
        return float(value) if isinstance(value, int | float) else float("nan")


def as_number(value: object) -> float | str | None:
    """A packet's scalar as `Alert.metadata` keeps it.

    >>> as_number(True), as_number(3), as_number("t"), as_number(None), as_number(b"ab")
    (1.0, 3.0, 't', None, 'ab')
    """
    if type(value) is float or value is None or isinstance(value, str):  # the usual ones first: a packet has hundreds
        return value
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    if isinstance(value, bool | int | float | np.number | np.bool_):
        return float(value)
    return str(value)
