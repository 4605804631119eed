"""Files of tables a few rows at a time."""

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from data_pipelines.sources import arrow_batches
from lcjax.errors import DataError


def test_memory_does_not_grow_with_a_parquet_file(tmp_path):
    """What was read is given back: a file may be larger than the memory."""
    path, rows = tmp_path / "p.parquet", 20 * 1024
    with pq.ParquetWriter(path, pa.schema([("id", pa.int64()), ("mag", pa.float64())])) as writer:
        for seed in range(20):
            mag = np.random.default_rng(seed).normal(size=1024)
            writer.write_table(pa.table({"id": np.arange(1024), "mag": mag}))
    before, held, read = pa.total_allocated_bytes(), [], 0
    for batch in arrow_batches.file_batches(path):
        read += batch.num_rows
        held.append(pa.total_allocated_bytes() - before)
    assert read == rows and max(held) < 0.4 * path.stat().st_size


def test_damage_of_any_kind_is_one_sentence(tmp_path, monkeypatch):
    """A name that is no text, which pyarrow finds with an error of Python's; and an error without words."""
    path = tmp_path / "p.parquet"
    pq.write_table(pa.table({"id": [1], "magnitude": [[1.0]]}), path)
    path.write_bytes(path.read_bytes().replace(b"magnitude", b"magni\xd2ude"))
    with pytest.raises(DataError, match="cannot be read as a table"):
        list(arrow_batches.file_batches(path))

    def silent(path, at_once, wanted):
        raise EOFError

    monkeypatch.setattr(arrow_batches, "csv_batches", silent)
    with pytest.raises(DataError, match=r"cannot be read as a table \(EOFError\)"):
        list(arrow_batches.file_batches(tmp_path / "a.csv"))
