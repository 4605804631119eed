"""FITS and ECSV tables, whatever their columns are (times, sky coordinates, masked cells), as Arrow tables with their header."""

import warnings
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from data_pipelines.sources.astropy_parts import ecsv_parts, fits_parts
from data_pipelines.sources.measurements import UNIT
from data_pipelines.sources.whole_fits import FitsSource, check_sums
from lcjax.errors import ConfigError, DataError, MissingExtraError, first_line


def read_with_astropy(path: Path, which: str | None = None) -> pa.Table:
    """The table, and what the header says as text in the metadata of its schema. Masked cells are null.

    Args:
      which: of the tables of a FITS file, by name or number; None: the only one.

    Raises:
      DataError: it cannot be read, or a column is of a kind that no light curve has. MissingExtraError: astropy is not there.
      ConfigError: the file has several tables, and `which` is none of them.
    """
    return pa.Table.from_batches(list(astropy_batches(path, which)))


def astropy_batches(
    path: Path, which: str | None = None, wanted: Collection[str] | None = None
) -> Iterator[pa.RecordBatch]:
    """As `read_with_astropy`, the rows of a large table some at a time; one batch at least.

    Args:
      wanted: convert only these columns; None: all.
    """
    try:
        from astropy.units import UnitsWarning
    except ImportError:
        raise MissingExtraError("astropy", "data", f"reading '{path.name}'") from None
    schema: pa.Schema | None = None
    try:
        ecsv = path.name.lower().endswith(".ecsv")
        source = FitsSource(path)
        first = {} if ecsv else None
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UnitsWarning)  # 'BJD - 2457000, days' is no unit, and says what is wanted
            for table in ecsv_parts(path, source) if ecsv else fits_parts(source, _only(source, path, which)):
                first = _primary_header(source) if first is None else first
                batch = _batch(table, first, path, wanted)
                schema = schema or batch.schema
                # Of a part where a column of lists is all empty, Arrow does not know of what they are.
                yield (
                    batch
                    if batch.schema == schema
                    else pa.record_batch(
                        [column.cast(kind.type) for column, kind in zip(batch.columns, schema, strict=True)], schema
                    )
                )
    except ConfigError:
        raise
    except DataError as error:
        said = str(error)
        raise error if str(path) in said else DataError(f"'{path}' cannot be read as a table: {said}") from error
    except Exception as error:
        text = first_line(error)
        raise DataError(f"'{path}' cannot be read as a table ({text})") from error


def _batch(table: Any, first: dict[str, Any], path: Path, wanted: Collection[str] | None) -> pa.RecordBatch:
    """Rows of astropy as Arrow has them, with units and header."""
    arrays: dict[str, pa.Array] = {}
    for name in table.colnames:
        for part, values in _plain(name, table[name]).items():
            if wanted is not None and part not in wanted:
                continue
            try:
                arrays[part] = _arrow(values)
            except (pa.ArrowException, TypeError, ValueError, AttributeError) as error:
                raise DataError(f"column '{part}' of '{path}' cannot be read ({error}): leave it out") from error
    header = first | dict(table.meta)
    said = {str(key): str(value) for key, value in header.items() if isinstance(value, str | int | float)}
    unit = lambda name: str(table[name].info.unit or "") if name in table.colnames else ""
    fields = [pa.field(name, array.type, metadata={UNIT: unit(name)}) for name, array in arrays.items()]
    return pa.record_batch(list(arrays.values()), pa.schema(fields, metadata=said))


def _only(source: FitsSource, path: Path, which: str | None) -> int:
    """Number of the table that is meant; of a file without any, that of the first unit, and the reader says so."""
    from astropy.io import fits

    with fits.open(source.opened()) as units:
        check_sums(units)
        kinds, images = (fits.BinTableHDU, fits.TableHDU), fits.CompImageHDU
        found = {
            i: unit.name for i, unit in enumerate(units) if isinstance(unit, kinds) and not isinstance(unit, images)
        }
    chosen = [i for i, name in found.items() if which is not None and which.strip().upper() in (name.upper(), str(i))]
    if len(chosen) == 1 or (which is None and len(found) < 2):
        return (chosen or list(found) or [1])[0]
    listed = ", ".join(f"{i} {name}".strip() for i, name in found.items())
    tables = f"'{path}' has the tables {listed or 'none'}"
    lacks = f"{tables}, and {'several' if chosen else 'none'} of them called '{which}'" if which else tables
    raise ConfigError(f"{lacks}: say which is meant with --columns.table NAME or NUMBER")


def _primary_header(source: FitsSource) -> dict[str, Any]:
    """Cards of the first unit: surveys name the star there, and the table comes second."""
    from astropy.io import fits

    return {str(key): value for key, value in fits.getheader(source.opened(), 0).items() if key}


def _plain(name: str, column: Any) -> dict[str, Any]:
    """Times as MJD, coordinates as degrees, everything else as it is."""
    from astropy.coordinates import SkyCoord
    from astropy.time import Time, TimeDelta

    if isinstance(column, Time):
        return {name: column.mjd}
    if isinstance(column, TimeDelta):
        return {name: column.jd}
    if isinstance(column, SkyCoord):
        place = column.icrs
        return {"ra": place.ra.deg, "dec": place.dec.deg}
    return {name: column}


def _arrow(column: Any) -> pa.Array:
    from astropy.utils.masked import Masked

    mask = None
    if isinstance(column, np.ma.MaskedArray):
        mask, values = np.ma.getmaskarray(column), np.ma.getdata(column)
    elif isinstance(column, Masked):  # quantities and times
        mask, values = np.broadcast_to(column.mask, column.shape), np.asarray(column.unmasked)
    else:
        values = np.asarray(column)
    if values.dtype == object or values.ndim == 2:
        rows = range(len(values))
        cell = lambda i: None if mask is not None and mask.ndim == 1 and mask[i] else _row(values[i], mask, i)
        return pa.array([cell(i) for i in rows])
    if values.dtype.kind == "S":
        values = np.char.strip(np.char.decode(values, "utf-8", "backslashreplace"))
    elif values.dtype.kind != "U":
        values = values.astype(_native(values.dtype))
    return pa.array(values, mask=None if mask is None else np.ascontiguousarray(mask))


def _row(value: Any, mask: np.ndarray | None, row: int) -> Any:
    """One cell that is an array; its own masked values, and those of a masked table, are null."""
    if isinstance(value, str | bytes | int | float) or value is None:
        return value
    inner = np.ma.getmaskarray(np.ma.asarray(value))
    if mask is not None and mask.ndim == 2:
        inner = inner | mask[row]
    plain = np.ma.getdata(np.ma.asarray(value))
    if not inner.any():
        return plain.astype(_native(plain.dtype)) if plain.dtype != object else plain.tolist()
    return [None if hidden else v for v, hidden in zip(plain.tolist(), inner.tolist(), strict=True)]


def _native(kind: np.dtype) -> np.dtype:
    return kind.newbyteorder("=")
