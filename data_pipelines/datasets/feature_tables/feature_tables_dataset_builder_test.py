"""feature_tables: one table in every form gives the same records; what cannot be used is named."""

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest

from data_pipelines.kinds.tables import KIND
from data_pipelines.prepare import prepare
from data_pipelines.shards.manifest import verify
from lcjax.errors import DataError


@pytest.fixture(scope="module")
def columns():
    rng = np.random.default_rng(0)
    period = rng.lognormal(0, 2, 30)
    period[3] = np.nan
    return {
        "object_id": [f"s{i}" for i in range(30)],
        "class": ["a", "b", "c"] * 10,
        "period": period,
        "skew": rng.normal(size=30),
        "count": np.arange(30),
        "ra": rng.uniform(0, 360, 30),
        "dec": rng.uniform(-90, 90, 30),
    }


@pytest.mark.parametrize("form", ["parquet", "csv", "fits"])
def test_prepared_and_read(columns, form, tmp_path):
    path = tmp_path / f"t.{form}"
    if form == "fits":
        from astropy.table import Table

        Table(columns).write(path)
    else:
        (pq.write_table if form == "parquet" else pyarrow.csv.write_csv)(pa.table(columns), path)
    done = prepare("feature_tables", [path], tmp_path / "D", shards=1)
    assert not verify(done.manifest.folder) and sum(done.objects.values()) == 30
    source = KIND.open_source([done.manifest.folder], "train", 4)
    assert source.metadata_names == ("count", "period", "skew") and source.class_names == ("a", "b", "c")
    for name, label, row in zip(source.object_ids, source.labels, source.metadata, strict=True):
        i = int(name[1:])
        assert source.class_names[label] == columns["class"][i]
        np.testing.assert_allclose(row, [i, columns["period"][i], columns["skew"][i]], rtol=1e-6)
    batch = next(source.evaluation_batches())
    assert batch["metadata"].shape == (4, 3) and (batch["weight"] == 1).all()


def test_what_cannot_be_used_is_named(columns, tmp_path):
    damaged = {name: list(values) for name, values in columns.items()}
    damaged["object_id"][5] = ""
    damaged["object_id"][7] = "s1"
    for name in ("period", "skew", "count"):
        damaged[name][9] = None
    damaged["skew"][2] = float("inf")
    pq.write_table(pa.table(damaged), tmp_path / "t.parquet")
    done = prepare("feature_tables", [tmp_path / "t.parquet"], tmp_path / "D", shards=1)
    faults = {r.origin.rsplit(" ", 1)[1]: r.fault for r in done.report.rejected}
    assert faults == {"5": "no object id", "7": "contradicted object", "9": "no features"}
    rows = {}
    for split in done.objects:
        source = KIND.open_source([done.manifest.folder], split, 4)
        rows |= dict(zip(source.object_ids, source.metadata, strict=True))
    assert len(rows) == 27 and np.isnan(rows["s2"][2]) and np.isnan(rows["s3"][1])


def test_a_second_table_of_the_same_objects(columns, tmp_path):
    """The same again is a copy; other classes are refused, and not settled by the order of the files."""
    files = [tmp_path / f"{name}.parquet" for name in ("one", "same", "other")]
    for path in files[:2]:
        pq.write_table(pa.table(columns), path)
    pq.write_table(pa.table({**columns, "class": ["b", "c", "a"] * 10}), files[2])
    done = prepare("feature_tables", files[:2], tmp_path / "D", shards=1)
    assert sum(done.objects.values()) == 30 and {r.fault for r in done.report.rejected} == {"repeated object"}
    with pytest.raises(DataError, match="30 of 60 rows say something else of an object than another row"):
        prepare("feature_tables", [files[0], files[2]], tmp_path / "E", shards=1)
