"""FITS and ECSV tables as astropy tables, some rows at a time where they are large: memory is that of a part, not of the file."""

import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from data_pipelines.sources.whole_fits import FitsSource
from lcjax.errors import DataError

BYTES_AT_ONCE = 32 << 20
"""Of the rows of a FITS table that are read together, and of the text of an ECSV table."""
_LISTS_AT_ONCE = 4096
"""Rows that are read together where cells are lists of any length, which lie elsewhere in the file."""


def fits_parts(source: FitsSource, number: int) -> Iterator[Any]:
    """The rows of one table of a FITS file, as astropy reads the whole of it.

    Args:
      number: of the unit that holds the table.
    """
    from astropy.io import fits
    from astropy.table import Table

    with fits.open(source.opened(), memmap=True) as units:
        unit = units[number] if number < len(units) else None
        rows, size = (int(unit.header.get(key, 0)) for key in ("NAXIS2", "NAXIS1")) if unit is not None else (0, 0)
        lists = isinstance(unit, fits.BinTableHDU) and any(
            col.format.lstrip("0123456789")[:1] in "PQ" for col in unit.columns
        )
        step = _LISTS_AT_ONCE if lists else max(1, BYTES_AT_ONCE // max(size, 1))
        if rows > step and isinstance(unit, fits.BinTableHDU):
            for begin in range(0, rows, step):
                part = fits.BinTableHDU(unit.data[begin : begin + step], unit.header)
                yield _without_empty_texts(Table.read(part, format="fits"))
            return
    yield Table.read(source.opened(), number, format="fits")


def _without_empty_texts(table: Any) -> Any:
    """Empty texts masked, as astropy does it in whole tables alone."""
    from astropy.table import MaskedColumn

    for name in table.colnames:
        column = table[name]
        if column.dtype.kind in "SU" and column.ndim == 1:
            table[name] = MaskedColumn(column, mask=np.asarray(column) == np.zeros(1, column.dtype)[0])
    return table


def ecsv_parts(path: Path, source: FitsSource) -> Iterator[Any]:
    """The rows of an ECSV table: its header before some of its lines, again and again.

    Raises:
      DataError: quotes are opened and never closed.
    """
    from astropy.io import ascii
    from astropy.table import Table

    opened = source.opened()
    if not isinstance(opened, Path) or path.stat().st_size <= BYTES_AT_ONCE:
        yield Table.read(opened, format="ascii.ecsv")
        return
    with open(opened, encoding="utf-8", newline="") as file:
        comments = list(itertools.takewhile(lambda line: line.lstrip().startswith("#") or not line.strip(), file))
        # takewhile has taken the line of the names: it is the first that is no comment.
        file.seek(0)
        for _ in comments:
            next(file)
        head = "".join(comments) + next(file, "")
        while lines := file.readlines(BYTES_AT_ONCE):
            quotes = sum(line.count('"') for line in lines)
            while quotes % 2:  # a cell with an end of line in it
                more = file.readline()
                if not more:
                    raise DataError("a quote is opened and never closed")
                lines.append(more)
                quotes += more.count('"')
            yield ascii.read(head + "".join(lines), format="ecsv")
