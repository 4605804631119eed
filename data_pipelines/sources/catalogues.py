"""Columns of catalogues with a row an object: Parquet, CSV, ECSV and FITS tables; nothing mended, what is missing is NaN or None."""

import dataclasses
import difflib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa

from data_pipelines.sources.arrow_batches import ASTROPY, CSV, PARQUET, file_batches, is_list
from data_pipelines.sources.cells import classes_of, numbers_of, whole
from data_pipelines.sources.measurements import UNIT
from lcjax.errors import DataError

DEGREES, ARCSECONDS = ("deg", "degree", "degrees"), ("arcsec", "arcsecs", "arcsecond", "arcseconds", "as")
"""Names of units, as tables write them."""
_FORMATS = "Parquet, CSV, ECSV or FITS"


def read_catalogue(path: Path, wanted: Sequence[str], table: str | None = None) -> pa.Table:
    """The columns wanted, of all rows.

    Args:
      table: of the tables of a FITS file, by name or number; None: the only one.

    Raises:
      DataError: there is no such file, it cannot be read, or it has no such column; names the nearest.
    """
    if not path.is_file():
        raise DataError(f"there is no file '{path}'")
    if not path.name.lower().endswith((*PARQUET, *CSV, *ASTROPY)):
        raise DataError(f"'{path}' is of no known format: a catalogue is {_FORMATS}")
    batches = list(file_batches(path, None, table))
    if not batches:
        raise DataError(f"'{path}' holds no table rows")
    names = batches[0].schema.names
    for name in wanted:
        if name not in names:
            near = difflib.get_close_matches(name, names, n=1, cutoff=0.5) or [
                other for other in names if other.lower() == name.lower()
            ]
            hint = (
                f"did you mean '{near[0]}'?"
                if near
                else f"it has {', '.join(names[:12])}{', ...' if names[12:] else ''}"
            )
            raise DataError(f"'{path}' has no column '{name}': {hint}")
    distinct = list(dict.fromkeys(wanted))
    return pa.Table.from_batches([batch.select(distinct) for batch in batches])


def unit_of(field: pa.Field) -> str:
    """Of a column, as its header gives it; '' where it gives none."""
    return (field.metadata or {}).get(UNIT, b"").decode().strip()


def check_unit(field: pa.Field, wanted: Sequence[str], path: Path | str) -> None:
    """Refuses a column whose header gives another unit than the one that it is taken to be in; those that say none are let through.

    Args:
      wanted: names of the unit, in lower case.

    Raises:
      DataError: it gives another.
    """
    unit = unit_of(field)
    if unit and unit.lower() not in wanted:
        raise DataError(f"column '{field.name}' of '{path}' is in '{unit}' where '{wanted[0]}' is wanted: convert it")


def numeric_column(table: pa.Table, name: str, path: Path) -> np.ndarray:
    """(N,) float64; NaN where a number is missing.

    Raises:
      DataError: the column holds lists, or no number at all.
    """
    column = whole(table.column(name))
    if is_list(column.type):
        raise DataError(f"column '{name}' of '{path}' holds lists where a number a row is expected: name another")
    values = numbers_of(column, f"'{name}' of '{path}'")
    if not np.isfinite(values).any():
        raise DataError(f"column '{name}' of '{path}' has no number in any of {len(values):,} rows: name another")
    return values


def class_column(table: pa.Table, name: str, path: Path) -> list[str | None]:
    """(N) classes as text; whole numbers without decimals; None where there is none.

    Raises:
      DataError: the column holds lists.
    """
    column = whole(table.column(name))
    if is_list(column.type):
        raise DataError(f"column '{name}' of '{path}' holds lists where a class a row is expected: name another")
    return classes_of(column)


@dataclasses.dataclass(frozen=True)
class CatalogueTable:
    """Columns of a catalogue that is read."""

    path: Path
    table: pa.Table

    @classmethod
    def read(cls, path: Path, wanted: Sequence[str], table: str | None = None) -> "CatalogueTable":
        """See `read_catalogue`."""
        return cls(path, read_catalogue(path, wanted, table))

    @property
    def name(self) -> str:
        """What to call it."""
        return str(self.path)

    def numbers(self, column: str) -> np.ndarray:
        """See `numeric_column`."""
        return numeric_column(self.table, column, self.path)

    def classes(self, column: str) -> list[str | None]:
        """See `class_column`."""
        return class_column(self.table, column, self.path)
