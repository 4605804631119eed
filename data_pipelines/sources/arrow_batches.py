"""Files of tables as Arrow record batches: Parquet a few rows at a time, CSV, ECSV and FITS whole; structs unfolded."""

import csv
import os
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from data_pipelines.sources import identity
from data_pipelines.sources.astropy_tables import read_with_astropy
from data_pipelines.sources.measurements import with_points
from lcjax.errors import DataError

PARQUET = (".parquet", ".parq", ".pq")
CSV = (".csv", ".csv.gz", ".tsv")
ASTROPY = (".ecsv", ".fits", ".fit", ".fits.gz", ".fits.fz")
ROWS_AT_ONCE = 1024
POINTS_AT_ONCE = 1 << 18
"""Rows of a flat Parquet table that are grouped together: a star that goes on behind them comes in parts."""

_HEADER_BYTES = 1 << 16


def file_batches(
    path: Path, wanted: Collection[str] | None = None, table: str | None = None
) -> Iterator[pa.RecordBatch]:
    """The rows of a file, some at a time.

    Args:
      wanted: of Parquet, read only these columns (or those that hold them); None: all. table: as in `read_with_astropy`.

    Raises:
      DataError: the file is damaged (once all is read: also where it has other rows than it promises) or of another format.
    """
    name = path.name.lower()
    try:
        if name.endswith(PARQUET):
            # pyarrow takes names that are no text only as bytes.
            with pa.OSFile(os.fsencode(path)) as raw, pq.ParquetFile(raw, page_checksum_verification=True) as file:
                if not file.metadata.num_rows:
                    return
                outer = file.schema_arrow.names
                if wanted is not None:
                    outer = [name for name in outer if any(w == name or w.startswith(f"{name}.") for w in wanted)]
                rows = 0
                for batch in file.iter_batches(ROWS_AT_ONCE, columns=outer):
                    rows += batch.num_rows
                    yield _unfold_structs(batch)
                _check_rows(path, rows, file.metadata)
        elif name.endswith(CSV):
            yield from _read_csv(path).to_batches()
        else:
            yield from read_with_astropy(path, table).to_batches()
    except (pa.ArrowException, OSError, EOFError, csv.Error) as error:
        text = str(error).splitlines()[0][:160]
        raise DataError(
            f"'{path}' cannot be read as a table ({text}): the file is damaged or of another format"
        ) from error


def _check_rows(path: Path, rows: int, metadata: pq.FileMetaData) -> None:
    """Pages that were cut, or a row group that was forgotten, would otherwise read as fewer rows."""
    groups = sum(metadata.row_group(i).num_rows for i in range(metadata.num_row_groups))
    if rows == groups == metadata.num_rows:
        return
    promised = f"{metadata.num_rows:,} rows" + (f" ({groups:,} in its groups)" if groups != metadata.num_rows else "")
    raise DataError(f"'{path}' is damaged: its footer promises {promised}, and {rows:,} could be read; restore it")


def _read_csv(path: Path) -> pa.Table:
    """Every cell as text, so that one bad cell costs a point and not the file; leading `#` lines are skipped.

    A line that is cut short is filled with empty cells; of one with too many cells nothing can be trusted, so all its cells
    are emptied: cleaning counts and drops both.
    """
    with _opened(path) as stream:
        data = stream.read()
    lines = data.decode("utf-8-sig", errors="replace").splitlines()
    skip = 0
    while skip < len(lines) and (not lines[skip].strip() or lines[skip].startswith("#")):
        skip += 1
    if skip == len(lines):
        raise DataError(f"'{path}' holds no table rows")
    rows = list(csv.reader(lines[skip:], delimiter=_mark(lines[skip])))
    header = [name.strip() for name in rows[0]]
    width = len(header)
    body = [row + [""] * (width - len(row)) if len(row) <= width else [""] * width for row in rows[1:] if row]
    columns = with_points(list(zip(*body, strict=True)) if body else [()] * width, path)
    table = pa.table([pa.array(column, pa.string()) for column in columns], names=header)
    return table.replace_schema_metadata(identity.comments(lines[:skip]))


@contextmanager
def _opened(path: Path) -> Iterator[pa.NativeFile]:
    """A CSV file unpacked; any name, also one that is no text."""
    packed = "gzip" if path.name.lower().endswith(".gz") else None
    with open(path, "rb") as file, pa.input_stream(file, compression=packed) as stream:
        yield stream


def csv_header(path: Path) -> list[str]:
    """Names of the columns of a CSV file; nothing else is read of it, and nothing where it cannot be read."""
    try:
        with _opened(path) as stream:
            lines = stream.read(_HEADER_BYTES).decode("utf-8-sig", errors="replace").splitlines()
    except (pa.ArrowException, OSError, EOFError):
        return []
    line = next((line for line in lines if line.strip() and not line.startswith("#")), "")
    return [name.strip() for row in csv.reader([line], delimiter=_mark(line)) for name in row]


def _mark(line: str) -> str:
    return max(",;\t|", key=line.count)


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
