"""A Parquet table of known columns, written as its rows come; it appears under its name only when it is whole."""

import os
from pathlib import Path
from types import TracebackType
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from lcjax.cli.prediction_table import storage
from lcjax.errors import StorageError

_ROWS = 1024

REJECTIONS = pa.schema(
    [("object_id", pa.string()), ("alert_id", pa.int64()), ("reason", pa.string()), ("origin", pa.string())]
)
"""Columns of the table of what was set aside."""


class StreamedTable:
    """Rows are dicts by the schema; a thousand of them are held at most."""

    def __init__(self, path: Path, schema: pa.Schema) -> None:
        """Makes the folder; the temporary file beside `path` is made with the first rows.

        Raises:
          StorageError: the place cannot be written.
        """
        self.path, self.schema = path, schema
        self._temporary = path.with_name(f".{path.name}.{os.getpid()}.partial")
        self._writer: pq.ParquetWriter | None = None
        self._rows: list[dict[str, Any]] = []
        self.rows = 0
        with storage(path):
            if path.is_dir():
                raise StorageError(f"'{path}' is a folder: give --out the name of a Parquet file")
            path.parent.mkdir(parents=True, exist_ok=True)
            self._temporary.touch()

    def add(self, row: dict[str, Any]) -> None:
        """Adds a row."""
        self._rows.append(row)
        self.rows += 1
        if len(self._rows) == _ROWS:
            self._write()

    def _write(self) -> None:
        if not self._rows:
            return
        with storage(self.path):
            if self._writer is None:
                self._writer = pq.ParquetWriter(self._temporary, self.schema)
            self._writer.write_table(pa.Table.from_pylist(self._rows, self.schema))
        self._rows = []

    def __enter__(self) -> "StreamedTable":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Gives the table its name, unless there was an error or no row."""
        try:
            with storage(self.path):
                if kind is None:
                    self._write()
                if self._writer is not None:
                    self._writer.close()
                if kind is None and self.rows:
                    os.replace(self._temporary, self.path)
        finally:
            self._temporary.unlink(missing_ok=True)
