"""Images of fields with a transient in them: arrays with an explicit pixel scale, or FITS files with their own.

The sky position of a host comes from the image's world coordinates. Reading FITS needs `astropy` (extra `data`).
"""

import warnings
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from lcjax.errors import DataError, MissingExtraError

MAX_PIXELS = 64 << 20
"""Larger images are refused: cut out the field first."""


@dataclass(frozen=True)
class FieldImage:
    """A field and where the transient is in it."""

    pixels: np.ndarray  #: (H, W) numbers; not finite: unknown
    pixel_scale: float  #: arcsec
    x: float  #: column of the transient, pixels from 0
    y: float  #: row of the transient
    object_id: str = ""
    origin: str = ""
    wcs: Any = None
    """World coordinates: anything with astropy's `pixel_to_world_values(x, y)` -> (ra, dec) degrees."""

    def sky(self, x: float, y: float) -> tuple[float, float]:
        """(ra, dec) of a pixel, degrees; NaN without world coordinates."""
        if self.wcs is None:
            return float("nan"), float("nan")
        ra, dec = self.wcs.pixel_to_world_values(x, y)
        return float(ra), float(dec)


@dataclass(frozen=True)
class FieldRejection:
    """A field that got no answer, and why."""

    object_id: str
    reason: str
    origin: str


def centred(pixels: np.ndarray, pixel_scale: float, object_id: str = "", origin: str = "") -> FieldImage:
    """A field with the transient in the middle of the image."""
    height, width = np.shape(pixels)[-2:]
    return FieldImage(pixels, pixel_scale, (width - 1) / 2, (height - 1) / 2, object_id, origin)


def read_fields(
    paths: Iterable[Path | str],
    positions: Mapping[str, tuple[float, float]] | None = None,
    pixel_scale: float | None = None,
) -> Iterator[FieldImage | FieldRejection]:
    """One field a FITS file, in the order given; files that cannot be used are named and the rest goes on.

    Args:
      paths: FITS files, or folders of them.
      positions: object (file name without its suffixes) -> (ra, dec) of the transient, degrees; others are in the middle.
      pixel_scale: arcsec, for files without world coordinates.

    Raises:
      DataError: a path that does not exist. MissingExtraError: astropy is not installed.
    """
    for path in _files(paths):
        name = path.name.split(".fit")[0].split(".fz")[0]
        try:
            yield read_field(path, (positions or {}).get(name), pixel_scale)
        except DataError as error:
            yield FieldRejection(name, str(error), str(path))


def _files(paths: Iterable[Path | str]) -> Iterator[Path]:
    endings = (".fits", ".fit", ".fts", ".fits.gz", ".fits.fz", ".fit.gz")
    for path in map(Path, paths):
        if path.is_dir():
            found = [p for p in sorted(path.iterdir()) if p.name.lower().endswith(endings)]
            if not found:
                raise DataError(f"folder '{path}' holds no FITS images")
            yield from found
        elif path.exists():
            yield path
        else:
            raise DataError(f"there is no file '{path}'")


def read_field(
    path: Path | str, position: tuple[float, float] | None = None, pixel_scale: float | None = None
) -> FieldImage:
    """The first image of a FITS file.

    The transient is at `position` (ra, dec; degrees), or else at the reference pixel of the world coordinates where that
    is within a pixel of the middle (as in published cut-outs), or else in the middle.

    Raises:
      DataError: no FITS, no image, too large, or neither world coordinates nor a pixel scale.
    """
    try:
        from astropy.io import fits
        from astropy.wcs import WCS
        from astropy.wcs.utils import proj_plane_pixel_scales
    except ImportError as error:
        raise MissingExtraError("astropy", "data", "reading FITS images") from error
    path = Path(path)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            with fits.open(path, memmap=False, lazy_load_hdus=True) as file:
                pixels, header = _first_image(file, path)
            wcs = WCS(header, naxis=2)
        except DataError:
            raise
        except Exception as error:  # astropy reports damage through many classes
            raise DataError(f"'{path}' cannot be read as a FITS image ({error})") from error
        celestial = wcs.has_celestial
        scale = float(np.mean(proj_plane_pixel_scales(wcs)) * 3600) if celestial else pixel_scale
    if scale is None or not 0 < scale < np.inf:
        raise DataError(f"'{path}' has no world coordinates: give its pixel scale (arcsec)")
    height, width = pixels.shape
    x, y = (width - 1) / 2, (height - 1) / 2
    if position is not None:
        if not celestial:
            raise DataError(f"'{path}' has no world coordinates to find ra, dec {position} in")
        x, y = (float(v) for v in wcs.world_to_pixel_values(*position))
        if not (0 <= x <= width - 1 and 0 <= y <= height - 1):
            raise DataError(f"ra, dec {position} is not on the image '{path}'")
    elif celestial and max(abs(wcs.wcs.crpix[0] - 1 - x), abs(wcs.wcs.crpix[1] - 1 - y)) <= 1:
        x, y = (float(v) - 1 for v in wcs.wcs.crpix)
    name = path.name.split(".fit")[0].split(".fz")[0]
    return FieldImage(pixels, scale, x, y, name, str(path), wcs if celestial else None)


def _first_image(file: Any, path: Path) -> tuple[np.ndarray, Any]:
    for hdu in file:
        shape = getattr(hdu, "shape", None)
        if shape and len([n for n in shape if n > 1]) == 2 and hasattr(hdu, "section"):
            if int(np.prod(shape)) > MAX_PIXELS:
                raise DataError(
                    f"the image in '{path}' has the shape {shape}: cut out the field of the transient first"
                )
            data = np.asarray(hdu.data, np.float32).reshape(shape[-2:])
            return data, hdu.header
    raise DataError(f"'{path}' holds no image")
