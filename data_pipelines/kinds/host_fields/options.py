"""What a user can say about the fields in which hosts are looked for."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal


@dataclass(frozen=True)
class HostOptions:
    """Hosts: where the transient is, and when to trust the answer."""

    positions: Path | None = None
    """CSV file with object_id (name of the image file without .fits), ra, dec of transients that are not in the middle."""
    pixel_scale: float | None = None
    """Arcsec, of images without world coordinates."""
    max_scatter: float | None = None
    """Where the eight answers scatter more, arcsec, the nearest source answers instead."""
    stamp: Literal["science", "template", "difference"] = "template"
    """Of alerts: the stamp in which the host is looked for. Rubin's stamps have world coordinates, so their hosts have ra and
    dec; ZTF's have none, so theirs have dx and dy only (but see --alerts.ztf-orientation)."""
