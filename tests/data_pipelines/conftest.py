"""A prepared dataset of a few hundred made-up curves of very different lengths, made once."""

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from data_pipelines.prepare import prepare


@pytest.fixture(scope="session")
def curves_folder(tmp_path_factory):
    """Dataset folder: 400 curves of 5 to 450 points, two classes, 8 shards in train."""
    rng = np.random.default_rng(5)
    rows = {"id": [], "label": [], "time": [], "mag": [], "err": []}
    for i in range(400):
        n = int(rng.integers(5, 450))
        rows["id"].append(f"c{i}")
        rows["label"].append("ab"[i % 2])
        rows["time"].append(np.sort(rng.uniform(53000, 56000, n)))
        rows["mag"].append(rng.normal(15, 1, n))
        rows["err"].append(rng.uniform(0.01, 0.2, n))
    folder = tmp_path_factory.mktemp("curves")
    pq.write_table(pa.table(rows), folder / "curves.parquet")
    return prepare("light_curve_files", [folder / "curves.parquet"], folder / "out").manifest.folder
