"""Where the galaxies of mosaics are and what was voted on them: the catalogue and the table of votes that stamps are cut by."""

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from data_pipelines.simulate.galaxies import BANDS, VOTES
from data_pipelines.sources.catalogues import (
    ARCSECONDS,
    DEGREES,
    check_unit,
    class_column,
    numeric_column,
    read_catalogue,
)
from lcjax.errors import ConfigError, DataError


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
class CataloguedGalaxy:
    """A row of the catalogue: degrees, and arcsec of the Petrosian radius."""

    name: str
    field: str
    ra: float
    dec: float
    radius: float


def read_galaxies(settings: MosaicSettings) -> list[CataloguedGalaxy]:
    """The rows of the catalogue.

    Raises:
      DataError: it cannot be read, lacks a column, has a galaxy twice, or gives places or radii in other units.
    """
    path = settings.catalogue
    columns = [settings.id, settings.ra, settings.dec, settings.radius, *([settings.field] if settings.field else [])]
    table = read_catalogue(path, columns)
    units = {settings.ra: DEGREES, settings.dec: DEGREES}
    if settings.radius_unit == 1:
        units[settings.radius] = ARCSECONDS
    for column, unit in units.items():
        check_unit(table.schema.field(column), unit, path)
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
        out.append(
            CataloguedGalaxy(name or f"row {row}", field or "", ra[row], dec[row], radius[row] * settings.radius_unit)
        )
    return out


def read_votes(
    settings: MosaicSettings, galaxies: Sequence[CataloguedGalaxy]
) -> dict[tuple[str, str, str], np.ndarray]:
    """(field, galaxy, band or "") -> (5,) fractions, NaN where they are none."""
    path = settings.table
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
    _check_votes(out, galaxies, settings)
    return out


def _check_votes(
    votes: Mapping[tuple[str, str, str], Any], galaxies: Sequence[CataloguedGalaxy], settings: MosaicSettings
) -> None:
    """Raises DataError where the votes are on no galaxy of the catalogue, or in a band that there is not."""
    known = {(galaxy.field, galaxy.name) for galaxy in galaxies}
    if votes and not any(key[:2] in known for key in votes):
        one, other = next(iter(votes)), galaxies[0]
        raise DataError(
            f"none of the votes of '{settings.table}' is on a galaxy of '{settings.catalogue}' (it has '{' '.join(one[:2]).strip()}', the catalogue "
            f"'{f'{other.field} {other.name}'.strip()}'): name the columns of both with --mosaics.id and --mosaics.field"
        )
    if settings.band and (bad := sorted({key[2] for key in votes} - set(BANDS))):
        raise DataError(f"'{settings.table}' has votes in the band '{bad[0]}': bands are {', '.join(BANDS)}")
