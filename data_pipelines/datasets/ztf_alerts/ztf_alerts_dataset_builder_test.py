"""ZTF packets of several kinds through the builder: labels, splits by object, what is set aside."""

import json

import numpy as np
import pyarrow.parquet as pq
import pytest

from data_pipelines.datasets.alert_checks import container, packet, stamp
from data_pipelines.kinds.alerts.settings import AlertSettings
from data_pipelines.kinds.alerts.source import StampSource
from data_pipelines.kinds.alerts.weak_labels import LabelSettings
from data_pipelines.prepare import prepare
from data_pipelines.shards.manifest import verify
from lcjax.errors import ConfigError, DataError


def packets(count: int) -> list[dict]:
    """Objects of two alerts each: every third an asteroid, every third bogus, the rest unlabelled."""
    kinds = ({"ssdistnr": 0.5}, {"drb": 0.01}, {})
    return [packet(i, candidate=kinds[i // 2 % 3]) for i in range(count)]


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    folder = tmp_path_factory.mktemp("alerts")
    (folder / "a.avro").write_bytes(container(packets(40)))
    (folder / "b.avro").write_bytes(container([packet(0), packet(50, side=62)]) + container([packet(52)])[:-500])
    return folder


def test_alerts_become_records(source, tmp_path):
    import tensorflow_datasets as tfds

    done = prepare("ztf_alerts", [source], tmp_path / "out", shards=2)
    assert verify(done.manifest.folder) == []
    assert done.manifest.class_names == ("asteroid", "bogus") and done.manifest.bands == ("r",)
    report = done.report
    assert (report.alerts_read, report.alerts_kept, report.objects) == (43, 40, 20)
    assert sorted(report.reasons()) == ["alert repeated", "stamp size", "truncated Avro"]
    assert report.labels == {"asteroid (solar-system)": 14, "bogus (real-bogus)": 14, "unlabelled": 12}
    rejected = pq.read_table(done.manifest.folder / "rejected.parquet").to_pylist()
    assert [r["alert_id"] for r in rejected] == [1000, 1050, 0]
    builder = tfds.builder_from_directory(str(done.manifest.folder))
    split_of, seen = {}, 0
    for split in builder.info.splits:
        for record in builder.as_dataset(split=split).as_numpy_iterator():
            seen += 1
            number = int(record["alert_id"]) - 1000
            assert split_of.setdefault(record["object_id"], split) == split
            assert record["stamps"].shape == (63, 63, 3)
            np.testing.assert_array_equal(record["stamps"][..., 2], stamp(10 * number + 2))
            assert record["mjd"] == 59000.75 + number and record["metadata"]["isdiffpos"] == 1.0
            assert record["label"] == {0: 0, 1: 1, 2: -1}[number // 2 % 3]
    assert seen == 40 and set(split_of.values()) == {"train", "validation", "test"}
    train = StampSource(done.manifest.folder, "train", 4, balance="published", reader="plain")
    assert set(next(train.train_batches())[1]["label"]) <= {0, 1}


def test_options(source, tmp_path):
    (tmp_path / "own.csv").write_text("objectId,label\nZTF3,TDE\n")
    first = prepare(
        "ztf_alerts",
        [source],
        tmp_path / "out",
        shards=1,
        alerts=AlertSettings(keep="first", size="any", stamps=("science", "difference")),
        labels=LabelSettings(file=tmp_path / "own.csv", rules=()),
        fractions=(1.0, 0.0, 0.0),
    )
    assert first.manifest.class_names == ("TDE",)
    assert first.report.alerts_kept == 21 and first.objects == {"train": 21}
    with pytest.raises(DataError, match="several shapes"):
        StampSource(first.manifest.folder, "train", 4)
    index = first.manifest.index("train")
    assert set(index["channels"]) == {2} and {62, 63} == set(index["height"])
    with pytest.raises(ConfigError, match="stamp size"):
        prepare("ztf_alerts", [source], tmp_path / "bad", alerts=AlertSettings(size="huge"))
    with pytest.raises(DataError, match="no usable alert"):
        prepare("ztf_alerts", [source], tmp_path / "bad", alerts=AlertSettings(size="30"))
    with pytest.raises(DataError, match="needs alert files"):
        prepare("ztf_alerts", [], tmp_path / "bad")


def test_a_table_of_labels_is_accounted_for(source, tmp_path):
    """Alerts with two labels are set aside by name, rows that match nothing are named, and the report and `cleaning.json` say both."""
    (tmp_path / "own.csv").write_text("objectId,label\nZTF3,TDE\nZTF4,SN\nZTF4,AGN\nZTF99,SN\n")
    labels = LabelSettings(file=tmp_path / "own.csv", rules=())
    done = prepare("ztf_alerts", [source / "a.avro"], tmp_path / "out", shards=1, labels=labels)
    assert done.manifest.class_names == ("TDE",) and done.report.alerts_kept == 38
    rejected = pq.read_table(done.manifest.folder / "rejected.parquet").to_pylist()
    assert [(r["object_id"], r["reason"]) for r in rejected] == [
        ("ZTF4", "contradictory labels: the table says SN and AGN")
    ] * 2
    said = "objects with usable alerts: 1; without: 1 (ZTF99); contradictory: 1 (ZTF4 is SN and AGN)"
    assert done.rows()["rows of --labels.file"] == said
    cleaning = json.loads((done.manifest.folder / "cleaning.json").read_text())
    assert cleaning["label_tables"]["--labels.file"]["unmatched"] == ["ZTF99"]


def test_the_published_split_and_caps(source, tmp_path):
    asked = AlertSettings(keep="first", per_class=2, cap=("asteroid=6",))
    done = prepare("ztf_alerts", [source / "a.avro"], tmp_path / "out", shards=1, alerts=asked, seed=42)
    assert done.report.left_out == {
        "objects above --alerts.cap": 2,
        "other alerts of an object (--alerts.keep first)": 19,
    }
    for split in ("test", "validation", "train"):
        index = done.manifest.index(split)
        assert all(index["alert_id"] % 2 == 0)  # the earlier one of each object
        counts = [int((index.label == k).sum()) for k in (0, 1, -1)]
        assert counts == ([2, 2, 0] if split != "train" else [2, 3, 6])
    with pytest.raises(DataError, match="class 'asteroid' has 14 alerts of 7 objects"):
        prepare("ztf_alerts", [source / "a.avro"], tmp_path / "bad", alerts=AlertSettings(per_class=7))
    with pytest.raises(ConfigError, match="write CLASS=N"):
        prepare("ztf_alerts", [source], tmp_path / "bad", alerts=AlertSettings(cap=("SN",)))
