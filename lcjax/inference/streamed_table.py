"""A table, Parquet or CSV as its name says, written as its rows come; it appears under its name only when it is whole."""

import os
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
import pyarrow as pa
import pyarrow.csv as pc
import pyarrow.parquet as pq

from lcjax.errors import ConfigError
from lcjax.files import partial, printable, storage_errors, written_file
from lcjax.inference.table_names import CSV, check_table_name

ROWS = 1024
_GROUP = 16_384
"""Rows of a row group; readers take at least one whole."""
_REJECTIONS = {"alert_id": pa.int64()}


def rejection_schema(columns: Sequence[str]) -> pa.Schema:
    """Of the table of what was set aside."""
    return pa.schema([(name, _REJECTIONS.get(name, pa.string())) for name in columns])


def check_columns(path: Path, schema: pa.Schema) -> None:
    """Whether a table of this name has a place for every column.

    Raises:
      ConfigError: a CSV file and vectors.
    """
    vectors = [field.name for field in schema if pa.types.is_nested(field.type)]
    if path.suffix.lower() in CSV and vectors:
        raise ConfigError(f"'{path}' cannot hold the vectors of column '{vectors[0]}': end --out in .parquet")


def as_table(rows: Sequence[dict[str, Any]], schema: pa.Schema) -> pa.Table:
    """Rows that are dicts as columns."""
    return pa.Table.from_arrays([_column(f, [row.get(f.name) for row in rows]) for f in schema], schema=schema)


def parquet_writer(sink: pa.NativeFile | Path, schema: pa.Schema) -> pq.ParquetWriter:
    """Numbers are written as they are: looking for repeated ones takes longer than writing them."""
    texts = [field.name for field in schema if pa.types.is_string(field.type)]
    return pq.ParquetWriter(sink, schema, use_dictionary=texts)


class StreamedTable:
    """Rows are dicts or blocks of columns; a row group of them is held at most. The file does not depend on the blocks."""

    def __init__(self, path: Path, schema: pa.Schema, constant: Sequence[str] = (), keep: bool = False) -> None:
        """Makes the folder and a temporary file beside `path`, or beside the file it leads to where it is a link.

        Args:
          constant: columns that are left out in the end where all rows have one value.
          keep: give the table its name also where an error ends the work: what was set aside by then is worth knowing.

        Raises:
          StorageError: the place cannot be written. ConfigError: the name does not say how, or a CSV file has no place for
            a column.
        """
        check_table_name(path)
        self.path, self.schema, self.rows = path, schema, 0
        self._csv = path.suffix.lower() in CSV
        check_columns(path, schema)
        self._keep = keep
        self._values: dict[str, set[Any]] = {name: set() for name in constant}
        self._target = written_file(path)
        self._temporary = partial(self._target)
        self._writer: pq.ParquetWriter | None = None
        self._held: list[dict[str, Any]] = []
        self._blocks: list[pa.Table] = []
        with storage_errors(path):
            self._target.parent.mkdir(parents=True, exist_ok=True)
            self._temporary.touch()

    def add(self, row: dict[str, Any]) -> None:
        """Adds a row."""
        self._held.append(row)
        self.rows += 1
        for name, values in self._values.items():
            if len(values) < 2:
                values.add(row[name])
        if len(self._held) == ROWS:
            self._gather()

    def add_block(self, block: pa.Table) -> None:
        """Adds rows that are columns already, by the schema."""
        self._gather()
        self.rows += block.num_rows
        for name, values in self._values.items():
            if len(values) < 2:
                values.update(block[name].unique().to_pylist()[:2])
        self._blocks.append(block)
        self._write(_GROUP)

    def _gather(self) -> None:
        if self._held:
            self._blocks.append(as_table(self._held, self.schema))
            self._held = []
            self._write(_GROUP)

    def _write(self, least: int) -> None:
        """Writes row groups while there are `least` rows or more."""
        rows = sum(block.num_rows for block in self._blocks)
        if rows < least:
            return
        table = pa.concat_tables(self._blocks)
        with storage_errors(self.path):
            if self._writer is None:
                self._sink = _opened(self._temporary, "wb")
                self._writer = parquet_writer(self._sink, self.schema)
            end = rows // least * least
            self._writer.write_table(table.slice(0, end), row_group_size=_GROUP)
        self._blocks = [table.slice(end)] if end < rows else []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Gives the table its name, unless there was an error or no row."""
        wanted = kind is None or self._keep
        try:
            with storage_errors(self.path):
                if wanted:
                    self._gather()
                    self._write(1)
                if self._writer is not None:
                    self._writer.close()
                    self._sink.close()
                if wanted and self.rows:
                    self._finish([name for name, values in self._values.items() if len(values) < 2])
                    os.replace(self._temporary, self._target)
        finally:
            self._temporary.unlink(missing_ok=True)

    def _finish(self, left_out: Sequence[str]) -> None:
        """Writes the file again where some columns are not wanted, or as CSV."""
        if not left_out and not self._csv:
            return
        final = self._temporary.with_suffix(".final")
        kept = pa.schema([field for field in self.schema if field.name not in left_out])
        try:
            with (
                _opened(self._temporary, "rb") as source,
                pq.ParquetFile(source, pre_buffer=False) as table,
                _opened(final, "wb") as sink,
                pc.CSVWriter(sink, kept) if self._csv else parquet_writer(sink, kept) as writer,
            ):
                # A batch does not go beyond its row group, so groups stay as they are.
                for batch in table.iter_batches(_GROUP, columns=kept.names):
                    writer.write_batch(batch)
            os.replace(final, self._temporary)
        finally:
            final.unlink(missing_ok=True)


def _opened(path: Path, mode: str) -> pa.NativeFile:
    """Pyarrow takes names that are no text only as bytes."""
    return pa.OSFile(os.fsencode(path), mode)


def _column(field: pa.Field, values: list[Any]) -> pa.Array:
    """Vectors of one length become one block of numbers, which is ten times as fast as a list of lists."""
    if pa.types.is_list(field.type) and len({np.shape(v) for v in values}) == 1 and np.ndim(values[0]) == 1:
        block = np.stack(values)
        offsets = np.arange(len(block) + 1, dtype=np.int32) * block.shape[1]
        flat = pa.array(block.ravel(), field.type.value_type)
        return pa.ListArray.from_arrays(pa.array(offsets), flat)
    try:
        return pa.array(values, field.type)
    except UnicodeEncodeError:  # names of files may be no text
        return pa.array([None if value is None else printable(value) for value in values], field.type)
