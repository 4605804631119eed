"""The table `lcjax predict` writes of light curves: columns are what the model gives."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from lcjax.cli.streamed_table import ROWS, StreamedTable, storage


class PredictionTable(StreamedTable):
    """Rows (object_id, band, outputs, n_points) as Parquet; `band` is dropped in the end if there was only one."""

    def __init__(self, path: Path) -> None:
        """As `StreamedTable`; the schema follows from the first rows."""
        super().__init__(path)
        self._bands: set[str] = set()

    def add_star(self, object_id: str, band: str, outputs: Mapping[str, np.ndarray], n_points: int) -> None:
        """Adds a row; vectors become lists of float32."""
        self._bands.add(band)
        self.add({"object_id": object_id, "band": band, **outputs, "n_points": n_points})

    def _as_table(self, rows: list[dict[str, Any]]) -> pa.Table:
        return pa.table({name: _column(name, [row[name] for row in rows]) for name in rows[0]})

    def _finish(self) -> None:
        if len(self._bands) < 2:
            self._drop_band()

    def _drop_band(self) -> None:
        source = pq.ParquetFile(self._temporary)
        slim = self._temporary.with_suffix(".slim")
        try:
            names = [name for name in source.schema_arrow.names if name != "band"]
            with source, pq.ParquetWriter(slim, pa.schema([source.schema_arrow.field(n) for n in names])) as writer:
                for batch in source.iter_batches(ROWS, columns=names):
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
