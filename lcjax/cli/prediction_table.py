"""The tables `lcjax predict` writes, a row group at a time; each appears under its name only when whole."""

import os
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from lcjax.errors import StorageError

_ROWS = 1024


class PredictionTable:
    """Rows (object_id, band, outputs, n_points) as Parquet; `band` is dropped in the end if there was only one."""

    def __init__(self, path: Path) -> None:
        """Makes the folder and opens a temporary file beside `path`.

        Raises:
          StorageError: the place cannot be written.
        """
        self.path = path
        self._temporary = path.with_name(f".{path.name}.{os.getpid()}.partial")
        self._writer: pq.ParquetWriter | None = None
        self._rows: list[dict[str, Any]] = []
        self._bands: set[str] = set()
        self.rows = 0
        with storage(path):
            if path.is_dir():
                raise StorageError(f"'{path}' is a folder: give --out the name of a Parquet file")
            path.parent.mkdir(parents=True, exist_ok=True)
            self._temporary.touch()

    def add(self, object_id: str, band: str, outputs: Mapping[str, np.ndarray], n_points: int) -> None:
        """Adds a row; vectors become lists of float32."""
        self._bands.add(band)
        self._rows.append({"object_id": object_id, "band": band, **outputs, "n_points": n_points})
        self.rows += 1
        if len(self._rows) == _ROWS:
            self._write_rows()

    def _write_rows(self) -> None:
        if not self._rows:
            return
        columns = {name: [row[name] for row in self._rows] for name in self._rows[0]}
        arrays = {name: _column(name, values) for name, values in columns.items()}
        table = pa.table(arrays)
        with storage(self.path):
            if self._writer is None:
                self._writer = pq.ParquetWriter(self._temporary, table.schema)
            self._writer.write_table(table)
        self._rows = []

    def __enter__(self) -> "PredictionTable":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            with storage(self.path):
                if kind is None and self.rows:
                    self._write_rows()
                if self._writer is not None:
                    self._writer.close()
                if kind is None and self.rows:
                    if len(self._bands) < 2:
                        self._drop_band()
                    os.replace(self._temporary, self.path)
        finally:
            self._temporary.unlink(missing_ok=True)

    def _drop_band(self) -> None:
        source = pq.ParquetFile(self._temporary)
        slim = self._temporary.with_suffix(".slim")
        try:
            names = [name for name in source.schema_arrow.names if name != "band"]
            with source, pq.ParquetWriter(slim, pa.schema([source.schema_arrow.field(n) for n in names])) as writer:
                for batch in source.iter_batches(_ROWS, columns=names):
                    writer.write_batch(batch)
            os.replace(slim, self._temporary)
        finally:
            slim.unlink(missing_ok=True)


def _column(name: str, values: list[Any]) -> pa.Array:
    if name in ("object_id", "band"):
        return pa.array(values, pa.string())
    if name == "n_points":
        return pa.array(values, pa.int64())
    stacked = np.stack(values).astype(np.float32)
    if stacked.ndim == 1:
        return pa.array(stacked)
    flat = stacked.reshape(len(stacked), -1)
    offsets = np.arange(len(flat) + 1, dtype=np.int32) * flat.shape[1]
    return pa.ListArray.from_arrays(pa.array(offsets), pa.array(flat.ravel()))


def write_rejections(path: Path, rejected: list[Any]) -> None:
    """Writes object_id, reason and origin of every curve set aside; without any, removes an earlier run's table."""
    with storage(path):
        if not rejected:
            path.unlink(missing_ok=True)
            return
        columns = {name: [getattr(r, name) for r in rejected] for name in ("object_id", "reason", "origin")}
        temporary = path.with_name(f".{path.name}.{os.getpid()}.partial")
        try:
            pq.write_table(pa.table(columns, schema=pa.schema([(n, pa.string()) for n in columns])), temporary)
            os.replace(temporary, path)
        finally:
            temporary.unlink(missing_ok=True)


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
