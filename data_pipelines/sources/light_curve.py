"""A light curve as it was found: what every reader and the simulator yield, before any cleaning."""

from dataclasses import dataclass, field

import numpy as np

from data_pipelines.kinds.light_curves.fluxes import FluxSeries


@dataclass(frozen=True, eq=False)
class RawLightCurve:
    """One object in one band, rows in file order, nothing dropped or mended."""

    object_id: str
    band: str
    mjd: np.ndarray
    """(N,) float64, days; may be unsorted, repeated, not finite or in another zero point."""
    magnitude: np.ndarray
    """(N,) float, mag; sentinels such as 99.999 as found."""
    magnitude_error: np.ndarray
    """(N,) float, mag; NaN where missing."""
    label: str | None = None
    metadata: dict[str, float] = field(default_factory=dict)
    """Scalars of the object, for example period (d), ra and dec (deg); NaN where missing."""
    origin: str = ""
    """Where it was read: file and record."""
    lost: dict[str, int] = field(default_factory=dict)
    """Reason -> points that were in the file and have no magnitude (flagged, fluxes not positive), and are not in the arrays."""
    labels: tuple[str, ...] = ()
    """Every class that was found for the object, where parts of it were put together."""
    parts: int = 1
    """Of which it was put together (see `whole_stars`)."""
    repeated: int = 0
    """Points that were in several parts and are here once."""
    fault: str = ""
    """Why the object cannot be used, known before cleaning."""
    fluxes: FluxSeries | None = None
    """Where the brightness is a flux or has a sign or limits: all points of it, also those that have no magnitude."""
