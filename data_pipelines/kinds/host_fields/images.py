"""Images of fields with a transient in them: arrays with an explicit pixel scale, or FITS files with their own.

The sky position of a host comes from the image's world coordinates. Reading FITS needs `astropy` (extra `data`).
"""

import warnings
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from data_pipelines.sources.whole_fits import FitsSource, check_sums, image_shape, square_pixels
from lcjax.errors import DataError, MissingExtraError, Rejection, first_line
from lcjax.files import printable

MAX_PIXELS = 64 << 20
"""Larger images are refused: cut out the field first."""
FITS_ENDINGS = (".fits", ".fit", ".fts", ".fits.gz", ".fits.fz", ".fit.gz")


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
    alert_id: int = 0
    """Of the alert whose stamp it is; 0 for images."""


def centred(pixels: np.ndarray, pixel_scale: float, object_id: str = "", origin: str = "") -> FieldImage:
    """A field with the transient in the middle of the image."""
    height, width = np.shape(pixels)[-2:]
    return FieldImage(pixels, pixel_scale, (width - 1) / 2, (height - 1) / 2, object_id, origin)


def read_fields(
    paths: Iterable[Path | str],
    positions: Mapping[str, tuple[float, float]] | None = None,
    pixel_scale: float | None = None,
) -> Iterator[FieldImage | Rejection]:
    """One field a FITS file, in the order given; files that cannot be used are named and the rest goes on.

    Args:
      paths: FITS files, or folders of them.
      positions: object (file name without its suffixes) -> (ra, dec) of the transient, degrees; others are in the middle.
      pixel_scale: arcsec, for files without world coordinates.

    Raises:
      DataError: a path that does not exist. MissingExtraError: astropy is not installed.
    """
    for path in _files(paths):
        name = _object(path)
        try:
            yield _read(path, name, (positions or {}).get(name), pixel_scale)
        except DataError as error:
            yield Rejection(name, str(error), printable(path))


def object_names(paths: Iterable[Path | str]) -> set[str]:
    """The objects of FITS files or folders of them: file names without their suffixes.

    Raises:
      DataError: a path that does not exist.
    """
    return {_object(path) for path in _files(paths)}


def _files(paths: Iterable[Path | str]) -> Iterator[Path]:
    for path in map(Path, paths):
        if path.is_dir():
            found = [p for p in sorted(path.iterdir()) if p.name.lower().endswith(FITS_ENDINGS)]
            if not found:
                raise DataError(f"folder '{path}' holds no FITS images")
            yield from found
        elif path.exists():
            yield path
        else:
            raise DataError(f"there is no file '{path}'")


def _object(path: Path) -> str:
    """File name without its suffixes.

    >>> _object(Path("SN2020a.fitted.fits.gz"))
    'SN2020a.fitted'
    """
    ending = max((e for e in FITS_ENDINGS if path.name.lower().endswith(e)), key=len, default=path.suffix)
    return printable(path.name[: len(path.name) - len(ending)])


def read_field(
    path: Path | str, position: tuple[float, float] | None = None, pixel_scale: float | None = None
) -> FieldImage:
    """The first image of a FITS file.

    The transient is at `position` (ra, dec; degrees), or else at the reference pixel of the world coordinates where that
    is within a pixel of the middle (as in published cut-outs), or else in the middle.

    Raises:
      DataError: no FITS, no image, too large, or neither world coordinates nor a pixel scale.
    """
    path = Path(path)
    try:
        return _read(path, _object(path), position, pixel_scale)
    except DataError as error:
        raise DataError(f"'{path}': {error}") from error


def _read(path: Path, object_id: str, position: tuple[float, float] | None, pixel_scale: float | None) -> FieldImage:
    """As `read_field`; its errors leave the file to the caller, so that like reasons can be counted together."""
    pixels, wcs, scale = _pixels_and_wcs(path)
    scale = pixel_scale if scale is None else scale
    if scale is None or not 0 < scale < np.inf:
        raise DataError("no world coordinates: give the pixel scale (arcsec)")
    height, width = pixels.shape
    x, y = (width - 1) / 2, (height - 1) / 2
    if position is not None:
        if wcs is None:
            raise DataError(f"no world coordinates: there is no finding ra, dec {position}")
        x, y = (float(v) for v in wcs.world_to_pixel_values(*position))
        if not (0 <= x <= width - 1 and 0 <= y <= height - 1):
            raise DataError(f"ra, dec {position} is not on the image")
    elif wcs is not None and max(abs(wcs.wcs.crpix[0] - 1 - x), abs(wcs.wcs.crpix[1] - 1 - y)) <= 1:
        x, y = (float(v) - 1 for v in wcs.wcs.crpix)
    return FieldImage(pixels, scale, x, y, object_id, printable(path), wcs)


def _pixels_and_wcs(path: Path) -> tuple[np.ndarray, Any, float | None]:
    """The first image of a file, its world coordinates in ICRS and its pixel scale, arcsec; None without any."""
    try:
        from astropy.io import fits
        from astropy.wcs import WCS
        from astropy.wcs.utils import proj_plane_pixel_scales
    except ImportError as error:
        raise MissingExtraError("astropy", "data", "reading FITS images") from error
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            with fits.open(FitsSource(path).opened(), memmap=False, lazy_load_hdus=True) as file:
                pixels, header = _first_image(file)
            wcs = WCS(header, naxis=2)
            scales = proj_plane_pixel_scales(wcs) * 3600 if wcs.has_celestial else None
        except DataError:
            raise
        except Exception as error:  # astropy reports damage through many classes
            said = first_line(error)
            raise DataError(f"cannot be read as a FITS image: {said}") from error
    if scales is None:
        return pixels, None, None
    words = [key for key in ("CRVAL1", "CRVAL2", "CRPIX1", "CRPIX2") if isinstance(header.get(key), str)]
    if words:
        raise DataError(f"damaged world coordinates: {', '.join(words)} should be a number")
    side = square_pixels(scales)
    try:
        return pixels, _in_icrs(wcs), float(side)
    except ValueError as error:
        raise DataError(
            f"unknown world coordinates: axes {' and '.join(wcs.wcs.ctype)}, system '{wcs.wcs.radesys}'; give ICRS, FK5, FK4 or "
            "galactic ones"
        ) from error


def _first_image(file: Any) -> tuple[np.ndarray, Any]:
    for hdu in file:
        shape = image_shape(hdu)
        if len([n for n in shape if n > 1]) == 2:
            if int(np.prod(shape)) > MAX_PIXELS:
                raise DataError(f"the image is too large: cut out the field of the transient from its shape {shape}")
            check_sums([hdu])  # before its pixels are scaled, which changes what is summed
            data = np.asarray(hdu.data, np.float32).reshape([n for n in shape if n > 1])
            return data, hdu.header
    raise DataError("the file holds no image")


@dataclass(frozen=True)
class _IcrsWcs:
    """World coordinates of another system, galactic for one, as ra and dec in ICRS."""

    given: Any

    @property
    def wcs(self) -> Any:
        return self.given.wcs

    def pixel_to_world_values(self, x: float, y: float) -> tuple[float, float]:
        place = self.given.pixel_to_world(x, y).icrs
        return float(place.ra.deg), float(place.dec.deg)

    def world_to_pixel_values(self, ra: float, dec: float) -> tuple[float, float]:
        from astropy.coordinates import SkyCoord

        return self.given.world_to_pixel(SkyCoord(ra, dec, unit="deg"))


def _in_icrs(wcs: Any) -> Any:
    from astropy.wcs.utils import wcs_to_celestial_frame

    frame = wcs_to_celestial_frame(wcs)
    # FK5 of the year 2000 is ICRS to 0.03 arcsec.
    same = frame.name == "icrs" or (frame.name == "fk5" and frame.equinox.jyear_str == "J2000.000")
    return wcs if same else _IcrsWcs(wcs)
