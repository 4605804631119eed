"""A Parquet table written as its rows come; it appears under its name only when it is whole."""

import os
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pyarrow as pa
import pyarrow.parquet as pq

from lcjax.errors import StorageError

ROWS = 1024

REJECTIONS = pa.schema(
    [("object_id", pa.string()), ("alert_id", pa.int64()), ("reason", pa.string()), ("origin", pa.string())]
)
"""Columns of the table of what was set aside."""


class StreamedTable:
    """Rows are dicts; a thousand of them are held at most."""

    def __init__(self, path: Path, schema: pa.Schema | None = None) -> None:
        """Makes the folder and a temporary file beside `path`. Without a schema the first rows give it.

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
        if len(self._rows) == ROWS:
            self._write()

    def _write(self) -> None:
        if not self._rows:
            return
        table = self._as_table(self._rows)
        with storage(self.path):
            if self._writer is None:
                self._writer = pq.ParquetWriter(self._temporary, table.schema)
            self._writer.write_table(table)
        self._rows = []

    def _as_table(self, rows: list[dict[str, Any]]) -> pa.Table:
        return pa.Table.from_pylist(rows, self.schema)

    def _finish(self) -> None:
        """What a subclass still does to the whole temporary file."""

    def __enter__(self) -> Self:
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
                    self._finish()
                    os.replace(self._temporary, self.path)
        finally:
            self._temporary.unlink(missing_ok=True)


class storage:
    """Turns refused writes into one sentence."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> None:
        if isinstance(error, OSError):
            raise StorageError(
                f"cannot write '{self.path}': {error.strerror or error}; make room or choose another --out"
            ) from error
