"""What the test of every dataset package checks: tiny sources in, `tfds` and our reader agree on what comes out."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from data_pipelines.prepare import Prepared, prepare
from data_pipelines.shards.manifest import verify


def write_stars(path: Path, labels: Sequence[str], points: int = 12, **more: Sequence[Any]) -> Path:
    """Nested Parquet as the public collections have it: the first star unsorted with a repeated epoch, the second with a
    NaN, the last with too few points.
    """
    rng = np.random.default_rng(0)
    rows: dict[str, list] = {"id": [], "label": list(labels), "time": [], "mag": [], "err": []}
    for i in range(len(labels)):
        n = 2 if i == len(labels) - 1 else points
        time = np.sort(rng.uniform(52000, 54000, n))
        magnitude = rng.normal(12, 0.3, n)
        if i == 0:
            time = time[::-1].copy()
            time[1] = time[0]
        if i == 1:
            magnitude[3] = np.nan
        rows["id"].append(f"s{i}")
        rows["time"].append(time)
        rows["mag"].append(magnitude)
        rows["err"].append(np.full(n, 0.05))
    pq.write_table(pa.table(rows | {k: list(v) for k, v in more.items()}), path)
    return path


def prepare_and_check(name: str, sources: Sequence[Path], out: Path, **settings: Any) -> tuple[Prepared, list[dict]]:
    """Prepares, verifies, and reads every record back through tfds.

    Returns:
      what `prepare` returned, and the records of all splits as tfds decodes them.
    """
    import tensorflow_datasets as tfds

    done = prepare(name, sources, out, shards=2, **settings)
    assert verify(done.manifest.folder) == []
    builder = tfds.builder_from_directory(str(done.manifest.folder))
    records, seen = [], {}
    for split in builder.info.splits:
        for record in builder.as_dataset(split=split).as_numpy_iterator():
            object_id = record["object_id"].decode()
            assert seen.setdefault(object_id, split) == split, f"{object_id} is in two splits"
            assert record["length"] == len(record["time"]) == len(record["magnitude"]) == len(record["magnitude_error"])
            assert np.all(np.diff(record["time"]) > 0)
            assert np.all(record["magnitude_error"] > 0)
            records.append(record | {"split": split})
    assert len(records) == sum(done.objects.values()) == done.report.curves_kept  # type: ignore[attr-defined]
    return done, records
