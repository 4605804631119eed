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

from lcjax.errors import ConfigError, StorageError
from lcjax.files import partial, printable, storage_errors, written_file

ROWS = 1024
PARQUET = (".parquet", ".parq", ".pq")
CSV = (".csv",)
_REJECTIONS = {"alert_id": pa.int64()}


def rejection_schema(columns: Sequence[str]) -> pa.Schema:
    """Of the table of what was set aside."""
    return pa.schema([(name, _REJECTIONS.get(name, pa.string())) for name in columns])


def check_table_name(path: Path) -> None:
    """Whether a table can be written under a name.

    Raises:
      StorageError: it is that of a folder, a device or a pipe. ConfigError: it ends in nothing that says how to write.
    """
    if path.is_dir():
        raise StorageError(f"'{path}' is a folder: give --out the name of a file that ends in .parquet or .csv")
    written_file(path)
    if path.suffix.lower() not in (*PARQUET, *CSV):
        raise ConfigError(f"'{path}' does not say how to write the table: end --out in .parquet or .csv")


class StreamedTable:
    """Rows are dicts; a thousand of them are held at most."""

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
        if self._csv and (vectors := [field.name for field in schema if pa.types.is_nested(field.type)]):
            raise ConfigError(f"'{path}' cannot hold the vectors of column '{vectors[0]}': end --out in .parquet")
        self._keep = keep
        self._values: dict[str, set[Any]] = {name: set() for name in constant}
        self._target = written_file(path)
        self._temporary = partial(self._target)
        self._writer: pq.ParquetWriter | None = None
        self._held: list[dict[str, Any]] = []
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
            self._write()

    def _write(self) -> None:
        if not self._held:
            return
        columns = [_column(field, [row.get(field.name) for row in self._held]) for field in self.schema]
        with storage_errors(self.path):
            if self._writer is None:
                self._sink = _opened(self._temporary, "wb")
                self._writer = pq.ParquetWriter(self._sink, self.schema)
            self._writer.write_table(pa.Table.from_arrays(columns, schema=self.schema))
        self._held = []

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
                    self._write()
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
                pq.ParquetFile(source) as table,
                _opened(final, "wb") as sink,
                pc.CSVWriter(sink, kept) if self._csv else pq.ParquetWriter(sink, kept) as writer,
            ):
                for batch in table.iter_batches(ROWS, columns=kept.names):
                    writer.write_batch(batch)
            os.replace(final, self._temporary)
        finally:
            final.unlink(missing_ok=True)


def _opened(path: Path, mode: str) -> pa.NativeFile:
    """Pyarrow takes names that are no text only as bytes."""
    return pa.OSFile(os.fsencode(path), mode)


def _column(field: pa.Field, values: list[Any]) -> pa.Array:
    """Vectors of one length become one block of numbers, which is ten times as fast as a list of lists."""
    if pa.types.is_list(field.type) and isinstance(values[0], np.ndarray) and len({len(v) for v in values}) == 1:
        block = np.stack(values)
        offsets = np.arange(len(block) + 1, dtype=np.int32) * block.shape[1]
        flat = pa.array(block.ravel(), field.type.value_type)
        return pa.ListArray.from_arrays(pa.array(offsets), flat)
    try:
        return pa.array(values, field.type)
    except UnicodeEncodeError:  # names of files may be no text
        return pa.array([None if value is None else printable(value) for value in values], field.type)
