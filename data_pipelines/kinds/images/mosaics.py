"""Stamps of galaxies cut from mosaics of a field: four Petrosian radii about the places of a catalogue, with votes from a table.

A folder holds, for one field or several (clusters):

* mosaics, 2-D FITS images with world coordinates, one a field and band; the band is the card FILTER (or FILTER1, FILTER2), or the one band
  that the file's name holds (`hlsp_clash_hst_wfc3ir_macs1206_f160w_v1_drz.fits`); the field is the part of the name that a catalogue has as
  `field`, or all mosaics are of one;
* a catalogue (CSV, Parquet, ECSV, FITS): `id`, `ra`, `dec` (degrees), `petrosian_radius` (arcsec), perhaps `field`;
* a table of votes: `id`, five fractions that sum to 1, perhaps `field` and `band`. Galaxies without votes are kept to be answered.
"""

import dataclasses
import warnings
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from data_pipelines.kinds.images.pictures import FITS
from data_pipelines.kinds.images.records import encode_image
from data_pipelines.kinds.images.resizing import resize
from data_pipelines.kinds.report import Report
from data_pipelines.shards.layout import Record
from data_pipelines.simulate.galaxies import BANDS, PETROSIAN_RADII, VOTES
from data_pipelines.sources.arrow_batches import ASTROPY, CSV, PARQUET
from data_pipelines.sources.catalogues import class_column, numeric_column, read_catalogue
from data_pipelines.sources.folders import check_there
from data_pipelines.sources.whole_fits import FitsSource
from lcjax.errors import ConfigError, DataError, MissingExtraError, Rejection, first_line
from lcjax.files import printable

_TOLERANCE = 0.02


@dataclasses.dataclass(frozen=True)
class MosaicSettings:
    """Mosaics with a catalogue and votes (datasets candels_stamps and clash_stamps). Columns as the tables have them."""

    catalogue: Path | None = None
    """Places and Petrosian radii."""
    table: Path | None = None
    """Votes; none: stamps without votes, to be answered."""
    id: str = "ID"
    """Of a galaxy, in both tables."""
    field: str | None = None
    """Column of fields or clusters in both tables, where there are several: a part of the names of their mosaics."""
    band: str | None = None
    """Column of bands in the table of votes; none: votes are for all bands."""
    ra: str = "RA"
    dec: str = "DEC"
    radius: str = "PETRO_RADIUS"
    """Petrosian radius."""
    radius_unit: float = 1.0
    """arcsec of one unit of the radius: the pixel of the detection image, where radii are in pixels."""
    votes: tuple[str, ...] = ("smooth", "features", "irregular", "point_source", "unclassifiable")
    """Columns of the five fractions, in this order: spheroid, disk, irregular, point source, unclassifiable."""
    side: int = 80
    """Pixels of a stamp."""

    def __post_init__(self) -> None:
        if len(self.votes) != len(VOTES):
            raise ConfigError(
                f"--mosaics.votes names {len(self.votes)} columns: there are five, for {', '.join(VOTES)}"
            )
        if self.side < 8 or not 0 < self.radius_unit < np.inf:
            raise ConfigError("--mosaics.side is 8 or more, and --mosaics.radius-unit a positive number of arcsec")


@dataclasses.dataclass(frozen=True)
class _Galaxy:
    name: str
    field: str
    ra: float
    dec: float
    radius: float


def read_mosaics(
    paths: Sequence[Path], settings: MosaicSettings, report: Report, survey: str
) -> Iterator[Record | Rejection]:
    """A record a galaxy and band, by mosaic and in the order of the catalogue; what cannot be cut out is set aside.

    Raises:
      ConfigError: no catalogue is given, or the band or field of a mosaic is open. DataError: files that are of no use.
    """
    if settings.catalogue is None:
        raise ConfigError("stamps are cut at the places of a catalogue: give it with --mosaics.catalogue")
    galaxies = _read_galaxies(settings)
    votes = _read_votes(settings) if settings.table else {}
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
        for galaxy in (g for g in galaxies if g.field == field):
            yield _stamp(galaxy, pixels, sky, band, votes, settings, survey, path)


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
    except ImportError:
        raise MissingExtraError("astropy", "data", "reading mosaics") from None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with fits.open(FitsSource(path).opened(), memmap=False) as units:
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
    return pixels, sky.celestial, _band(path, header)


def _band(path: Path, header: Mapping[str, Any]) -> str:
    """Of the header, or of the name."""
    cards = [str(header.get(card, "")).strip().upper() for card in ("FILTER", "FILTER1", "FILTER2", "BAND")]
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


def _read_galaxies(settings: MosaicSettings) -> list[_Galaxy]:
    path = settings.catalogue
    _check_format(path, "--mosaics.catalogue")
    columns = [settings.id, settings.ra, settings.dec, settings.radius, *([settings.field] if settings.field else [])]
    table = read_catalogue(path, columns)
    names = class_column(table, settings.id, path)
    fields = class_column(table, settings.field, path) if settings.field else [""] * len(names)
    ra, dec, radius = (numeric_column(table, name, path) for name in (settings.ra, settings.dec, settings.radius))
    out, keys = [], set()
    for row, (name, field) in enumerate(zip(names, fields, strict=True)):
        if (field, name) in keys:
            raise DataError(
                f"'{path}' has the galaxy '{name}' twice: where several fields number their galaxies, name the column with --mosaics.field"
            )
        keys.add((field, name))
        out.append(_Galaxy(name or f"row {row}", field or "", ra[row], dec[row], radius[row] * settings.radius_unit))
    return out


def _check_format(path: Path, option: str) -> None:
    if not path.name.lower().endswith((*PARQUET, *CSV, *ASTROPY)):
        raise DataError(f"'{path}' ({option}) is of no known format: tables are CSV, Parquet, ECSV or FITS")


def _read_votes(settings: MosaicSettings) -> dict[tuple[str, str, str], np.ndarray]:
    """(field, galaxy, band or "") -> (5,) fractions, NaN where they are none."""
    path = settings.table
    _check_format(path, "--mosaics.table")
    keys = [name for name in (settings.field, settings.band) if name]
    table = read_catalogue(path, [settings.id, *keys, *settings.votes])
    text = lambda name: class_column(table, name, path) if name else [""] * table.num_rows
    fractions = np.stack([numeric_column(table, name, path) for name in settings.votes], axis=1)
    out: dict[tuple[str, str, str], np.ndarray] = {}
    for field, name, band, row in zip(
        text(settings.field), text(settings.id), text(settings.band), fractions, strict=True
    ):
        key = (field or "", name or "", (band or "").upper())
        if key in out and not np.array_equal(out[key], row):
            raise DataError(
                f"'{path}' has different votes on the galaxy '{name}': name the columns that tell them apart (--mosaics.field, .band)"
            )
        out[key] = row
    return out


def _stamp(
    galaxy: _Galaxy,
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
    scale = float(np.sqrt(abs(np.linalg.det(sky.pixel_scale_matrix)))) * 3600
    x, y = (float(v) for v in sky.all_world2pix(galaxy.ra, galaxy.dec, 0))
    half = PETROSIAN_RADII / 2 * galaxy.radius / scale
    found = cut_out(pixels, x, y, half)
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
