"""A Parquet table written as its rows come; it appears under its name only when it is whole."""

import os
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from lcjax.errors import StorageError
from lcjax.files import partial, printable, storage_errors

ROWS = 1024

_REJECTIONS = {"alert_id": pa.int64()}


def rejection_schema(columns: Sequence[str]) -> pa.Schema:
    """Of the table of what was set aside."""
    return pa.schema([(name, _REJECTIONS.get(name, pa.string())) for name in columns])


class StreamedTable:
    """Rows are dicts; a thousand of them are held at most."""

    def __init__(self, path: Path, schema: pa.Schema, constant: Sequence[str] = (), keep: bool = False) -> None:
        """Makes the folder and a temporary file beside `path`.

        Args:
          constant: columns that are left out in the end where all rows have one value.
          keep: give the table its name also where an error ends the work: what was set aside by then is worth knowing.

        Raises:
          StorageError: the place cannot be written.
        """
        self.path, self.schema, self.rows = path, schema, 0
        self._keep = keep
        self._values: dict[str, set[Any]] = {name: set() for name in constant}
        self._temporary = partial(path)
        self._writer: pq.ParquetWriter | None = None
        self._held: list[dict[str, Any]] = []
        with storage_errors(path):
            if path.is_dir():
                raise StorageError(f"'{path}' is a folder: give --out the name of a Parquet file")
            path.parent.mkdir(parents=True, exist_ok=True)
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
                self._writer = pq.ParquetWriter(self._temporary, self.schema)
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
                if wanted and self.rows:
                    self._drop([name for name, values in self._values.items() if len(values) < 2])
                    os.replace(self._temporary, self.path)
        finally:
            self._temporary.unlink(missing_ok=True)

    def _drop(self, names: Sequence[str]) -> None:
        """Writes the file again without some columns."""
        if not names:
            return
        source, slim = pq.ParquetFile(self._temporary), self._temporary.with_suffix(".slim")
        try:
            kept = [name for name in self.schema.names if name not in names]
            with source, pq.ParquetWriter(slim, pa.schema([self.schema.field(name) for name in kept])) as writer:
                for batch in source.iter_batches(ROWS, columns=kept):
                    writer.write_batch(batch)
            os.replace(slim, self._temporary)
        finally:
            slim.unlink(missing_ok=True)


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
