"""Files of tables a few rows at a time."""

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from data_pipelines.sources import arrow_batches


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
