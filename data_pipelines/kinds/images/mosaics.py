"""Stamps of galaxies cut from mosaics of a field: four Petrosian radii about the places of a catalogue, with votes from a table.

A folder holds, for one field or several (clusters):

* mosaics, 2-D FITS images with world coordinates, one a field and band; the band is the card FILTER (or FILTER1, FILTER2), or the one band
  that the file's name holds (`hlsp_clash_hst_wfc3ir_macs1206_f160w_v1_drz.fits`); the field is the part of the name that a catalogue has as
  `field`, or all mosaics are of one;
* a catalogue (CSV, Parquet, ECSV, FITS): `id`, `ra`, `dec` (degrees), `petrosian_radius` (arcsec), perhaps `field`;
* a table of votes: `id`, five fractions that sum to 1, perhaps `field` and `band`. Galaxies without votes are kept to be answered.
"""

import warnings
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from data_pipelines.kinds.images.mosaic_catalogues import CataloguedGalaxy, MosaicSettings, read_galaxies, read_votes
from data_pipelines.kinds.images.pictures import BAND_CARDS, FITS
from data_pipelines.kinds.images.records import encode_image
from data_pipelines.kinds.images.resizing import resize
from data_pipelines.kinds.report import Report
from data_pipelines.shards.layout import Record
from data_pipelines.simulate.galaxies import BANDS, PETROSIAN_RADII, VOTES
from data_pipelines.sources.folders import check_there
from data_pipelines.sources.whole_fits import FitsSource, check_sums, square_pixels
from lcjax.errors import ConfigError, DataError, MissingExtraError, Rejection, first_line
from lcjax.files import printable

_TOLERANCE = 0.02
_PLACE_ERROR = 0.5
"""Pixels that a place may be away from what it was found by."""


def read_mosaics(
    paths: Sequence[Path], settings: MosaicSettings, report: Report, survey: str
) -> Iterator[Record | Rejection]:
    """A record a galaxy and band, by mosaic and in the order of the catalogue; what cannot be cut out is set aside.

    Raises:
      ConfigError: no catalogue is given, or the band or field of a mosaic is open. DataError: files that are of no use.
    """
    if settings.catalogue is None:
        raise ConfigError("stamps are cut at the places of a catalogue: give it with --mosaics.catalogue")
    galaxies = read_galaxies(settings)
    votes = read_votes(settings, galaxies) if settings.table else {}
    fields = sorted({galaxy.field for galaxy in galaxies})
    seen: dict[tuple[str, str], Path] = {}
    for path in _mosaics(paths, settings, report):
        try:
            pixels, sky, band = _open(path)
        except DataError as error:
            report.bad_files[printable(path)] = str(error)
            yield Rejection("", f"file: {error}", printable(path))
            continue
        field = _field(path, fields)
        if other := seen.get((field, band)):
            raise ConfigError(
                f"'{path}' and '{other}' are both {band} of {field or 'one field'}: leave one of them out"
            )
        seen[field, band] = path
        own = [galaxy for galaxy in galaxies if galaxy.field == field]
        for galaxy, place in zip(own, places_in(sky, [g.ra for g in own], [g.dec for g in own]), strict=True):
            yield _stamp(galaxy, place, pixels, sky, band, votes, settings, survey, path)


def _mosaics(paths: Sequence[Path], settings: MosaicSettings, report: Report) -> list[Path]:
    own = {p.resolve() for p in (settings.catalogue, settings.table) if p}
    found = []
    for path in paths:
        check_there(path)
        for file in sorted(path.iterdir()) if path.is_dir() else [path]:
            if file.resolve() in own:
                continue
            if file.name.lower().endswith(FITS):
                found.append(file)
            elif file.is_file():
                report.other_files[printable(file)] = None
    if not found:
        raise DataError(f"there are no mosaics in {', '.join(map(str, paths))}: they are FITS images")
    return found


def _open(path: Path) -> tuple[np.ndarray, Any, str]:
    """Pixels (H, W), world coordinates, band.

    Raises:
      DataError: no image with world coordinates. ConfigError: the band is open. MissingExtraError: astropy is not there.
    """
    try:
        from astropy.io import fits
        from astropy.wcs import WCS
        from astropy.wcs.utils import proj_plane_pixel_scales
    except ImportError:
        raise MissingExtraError("astropy", "data", "reading mosaics") from None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with fits.open(FitsSource(path).opened(), memmap=False) as units:
                check_sums(units)  # before pixels are scaled, which changes what is summed
                images = [u for u in units if u.is_image and u.data is not None and u.data.ndim == 2]
                if len(images) != 1:
                    raise DataError(f"it has {len(images)} images of two axes: a mosaic is one")
                header = {**units[0].header, **images[0].header}
                sky = WCS(images[0].header)
                pixels = np.array(images[0].data, np.float32)
    except (DataError, ConfigError):
        raise
    except Exception as error:  # astropy reports damage through many classes
        raise DataError(f"damaged FITS file: {first_line(error, 120)}") from error
    if not sky.has_celestial:
        raise DataError("no world coordinates: places of galaxies cannot be found in it")
    square_pixels(proj_plane_pixel_scales(sky.celestial) * 3600)
    return pixels, sky.celestial, _band(path, header)


def places_in(sky: Any, ra: Sequence[float], dec: Sequence[float]) -> np.ndarray:
    """(N, 2) column and row of ICRS places (degrees), whatever the mosaic's own coordinates, equinox, rotation and distortion; NaN where
    there is none.
    """
    from astropy.coordinates import SkyCoord

    places = np.full((len(ra), 2), np.nan)
    at = np.stack([ra, dec], axis=1) if len(ra) else places
    fit = np.flatnonzero(np.isfinite(at).all(1) & (np.abs(at[:, 1]) <= 90) & (np.abs(at[:, 0]) <= 360))
    if not len(fit):
        return places
    asked = SkyCoord(at[fit, 0], at[fit, 1], unit="deg")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = np.stack(sky.world_to_pixel(asked), axis=1)
        # Far from a distorted mosaic the search for a place may end anywhere, so each is looked up again.
        there = sky.pixel_to_world(*found.T).icrs
    apart = there.separation(asked).deg
    places[fit] = np.where((apart < _PLACE_ERROR * _pixel_degrees(sky))[:, None], found, np.nan)
    return places


def _pixel_degrees(sky: Any) -> float:
    return float(np.sqrt(abs(np.linalg.det(sky.pixel_scale_matrix))))


def _band(path: Path, header: Mapping[str, Any]) -> str:
    """Of the header, or of the name."""
    cards = [str(header.get(card, "")).strip().upper() for card in BAND_CARDS]
    found = sorted({card for card in cards if card in BANDS})
    if not found:
        words = path.name.upper().replace(".", "_").replace("-", "_").split("_")
        found = sorted({word for word in words if word in BANDS})
    if len(found) != 1:
        raise ConfigError(
            f"the band of '{path}' is {'none' if not found else ' or '.join(found)}: write FILTER into its header, or one of {', '.join(BANDS)} "
            "into its name"
        )
    return found[0]


def _field(path: Path, fields: Sequence[str]) -> str:
    if fields == [""]:
        return ""
    found = [name for name in fields if name.lower() in path.name.lower()]
    longest = [name for name in found if not any(name != other and name.lower() in other.lower() for other in found)]
    if len(longest) != 1:
        raise ConfigError(
            f"the field of '{path}' is {' or '.join(longest) or 'none'} of {', '.join(fields)}: name the file by one of them"
        )
    return longest[0]


def _stamp(
    galaxy: CataloguedGalaxy,
    place: np.ndarray,
    pixels: np.ndarray,
    sky: Any,
    band: str,
    votes: Mapping[tuple[str, str, str], np.ndarray],
    settings: MosaicSettings,
    survey: str,
    path: Path,
) -> Record | Rejection:
    name = f"{galaxy.field}-{galaxy.name}" if galaxy.field else galaxy.name
    refused = lambda reason: Rejection(name, reason, f"{printable(path)}, {band}")
    if not (np.isfinite([galaxy.ra, galaxy.dec]).all() and galaxy.radius > 0 and np.isfinite(galaxy.radius)):
        return refused("no place or Petrosian radius: they must be numbers, and the radius positive")
    scale = _pixel_degrees(sky) * 3600
    half = PETROSIAN_RADII / 2 * galaxy.radius / scale
    found = cut_out(pixels, *map(float, place), half) if np.isfinite(place).all() else None
    if found is None:
        return refused("outside: the stamp leaves the mosaic")
    good = np.isfinite(found)
    if good.mean() < 0.5 or found[good].min() == found[good].max():
        return refused("no data: most pixels of the stamp are missing or all are equal")
    row = votes.get((galaxy.field, galaxy.name, band if settings.band else ""))
    if votes and row is not None:
        if not np.isfinite(row).all() or (row < 0).any() or abs(row.sum() - 1) > _TOLERANCE:
            return refused(f"votes are no fractions: they sum to {row.sum():.3g}")
        row = row / row.sum()
    targets = dict(zip(VOTES, map(float, row if row is not None else [np.nan] * 5), strict=True))
    stamp = resize(found[..., None], settings.side)
    return encode_image(
        name,
        stamp,
        (band,),
        survey=survey,
        pixel_scale=2 * half * scale / settings.side,
        targets=targets,
        ra=galaxy.ra,
        dec=galaxy.dec,
    )


def cut_out(pixels: np.ndarray, x: float, y: float, half: float) -> np.ndarray | None:
    """The square of about 2 `half` pixels about column x, row y; None where it leaves the image. Places count from 0 at pixel centres.

    >>> cut_out(np.arange(25).reshape(5, 5), 2.0, 2.0, 1.5).tolist()
    [[6, 7, 8], [11, 12, 13], [16, 17, 18]]
    """
    side = max(round(2 * half), 2)
    left, top = (round(at - (side - 1) / 2) for at in (x, y))
    if left < 0 or top < 0 or left + side > pixels.shape[1] or top + side > pixels.shape[0]:
        return None
    return pixels[top : top + side, left : left + side]
