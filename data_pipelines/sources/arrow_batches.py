"""Files of tables as Arrow record batches: some rows at a time; structs unfolded."""

import os
from collections import Counter
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from data_pipelines.sources.astropy_tables import astropy_batches
from data_pipelines.sources.csv_tables import csv_batches
from data_pipelines.sources.snana import is_phot, is_snana_text, read_snana_text, snana_fits_batches
from lcjax.errors import DataError, LcjaxError, first_line

PARQUET = (".parquet", ".parq", ".pq")
CSV = (".csv", ".csv.gz", ".tsv")
ASTROPY = (".ecsv", ".fits", ".fit", ".fits.gz", ".fits.fz")
Columns = TypeVar("Columns", pa.Schema, pa.Table)
ROWS_AT_ONCE = 1024
_SETTINGS: dict[str, bool] = {"page_checksum_verification": True, "pre_buffer": False}
"""With `pre_buffer` all that was read of a Parquet file stays in memory until its end."""
POINTS_AT_ONCE = 1 << 18
"""Rows of a flat table that are grouped together: a star that goes on behind them comes in parts."""


def file_batches(
    path: Path, wanted: Collection[str] | None = None, table: str | None = None
) -> Iterator[pa.RecordBatch]:
    """The rows of a file, some at a time.

    Args:
      wanted: read only these columns (or those that hold them); None: all. table: as in `read_with_astropy`.

    Raises:
      DataError: the file is damaged (once all is read: also where it has other rows than it promises) or of another format.
    """
    name = path.name.lower()
    try:
        if name.endswith(PARQUET):
            # pyarrow takes names that are no text only as bytes.
            with pa.OSFile(os.fsencode(path)) as raw, pq.ParquetFile(raw, **_SETTINGS) as file:
                if not file.metadata.num_rows:
                    return
                outer = _distinct(file.schema_arrow, path).names
                if wanted is not None:
                    outer = [name for name in outer if any(w == name or w.startswith(f"{name}.") for w in wanted)]
                rows = 0
                for batch in file.iter_batches(ROWS_AT_ONCE, columns=outer):
                    rows += batch.num_rows
                    yield _unfold_structs(batch)
                _check_rows(path, rows, file.metadata)
        elif name.endswith(CSV):
            for batch in csv_batches(path, POINTS_AT_ONCE, wanted):
                _distinct(batch.schema, path)
                yield batch
        elif is_snana_text(path):
            yield from _distinct(read_snana_text(path), path).to_batches()
        elif is_phot(path):
            for batch in snana_fits_batches(path):
                _distinct(batch.schema, path)
                yield batch
        else:
            for batch in astropy_batches(path, table, wanted):
                _distinct(batch.schema, path)
                yield batch
    except LcjaxError:
        raise
    except Exception as error:  # Arrow, zlib and csv report damage through many classes, some without a word
        text = first_line(error)
        raise DataError(
            f"'{path}' cannot be read as a table ({text}): the file is damaged or of another format"
        ) from error


def _distinct(columns: Columns, path: Path) -> Columns:
    """The same, where no two columns have one name."""
    names = columns.names if isinstance(columns, pa.Schema) else columns.column_names
    if twice := sorted(name for name, count in Counter(names).items() if count > 1 and name):
        raise DataError(
            f"'{path}' has {names.count(twice[0])} columns called '{twice[0]}': rename them, or drop all but one"
        )
    return columns


def _check_rows(path: Path, rows: int, metadata: pq.FileMetaData) -> None:
    """Pages that were cut, or a row group that was forgotten, would otherwise read as fewer rows."""
    groups = sum(metadata.row_group(i).num_rows for i in range(metadata.num_row_groups))
    if rows == groups == metadata.num_rows:
        return
    promised = f"{metadata.num_rows:,} rows" + (f" ({groups:,} in its groups)" if groups != metadata.num_rows else "")
    raise DataError(f"'{path}' is damaged: its footer promises {promised}, and {rows:,} could be read; restore it")


def _unfold_structs(batch: pa.RecordBatch) -> pa.RecordBatch:
    """Struct columns (nested-pandas) become columns `struct.field`; lists of structs become lists of their fields."""
    if not any(pa.types.is_struct(f.type) or _is_list_of_structs(f.type) for f in batch.schema):
        return batch
    arrays, names = [], []
    for field, column in zip(batch.schema, batch.columns, strict=True):
        if pa.types.is_struct(field.type):
            parts = column.flatten()
            names += [f"{field.name}.{part.name}" for part in field.type]
            arrays += parts
        elif _is_list_of_structs(field.type):
            values, offsets = column.flatten(), row_offsets(column)
            names += [f"{field.name}.{part.name}" for part in field.type.value_type]
            arrays += [pa.ListArray.from_arrays(pa.array(offsets, pa.int32()), part) for part in values.flatten()]
        else:
            names.append(field.name)
            arrays.append(column)
    return pa.RecordBatch.from_arrays(arrays, names=names)


def large_tables(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.Table]:
    """Tables of about `POINTS_AT_ONCE` rows."""
    held: list[pa.RecordBatch] = []
    rows = 0
    for batch in batches:
        held.append(batch)
        rows += batch.num_rows
        if rows >= POINTS_AT_ONCE:
            yield pa.Table.from_batches(held)
            held, rows = [], 0
    if held:
        yield pa.Table.from_batches(held)


def is_list(kind: pa.DataType) -> bool:
    """Whether a column holds a list a row."""
    return pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind)


def _is_list_of_structs(kind: pa.DataType) -> bool:
    return is_list(kind) and pa.types.is_struct(kind.value_type)


def row_offsets(column: pa.Array) -> np.ndarray:
    """(R + 1,) int64, starts of every row in `column.flatten()`, and its end; null rows are empty."""
    lengths = pc.fill_null(pc.list_value_length(column), 0).to_numpy(zero_copy_only=False)
    return np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
