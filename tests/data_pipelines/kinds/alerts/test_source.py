"""Stamp shards: records, index, batches of both readers, balance, damage."""

import dataclasses

import numpy as np
import pytest

from data_pipelines.kinds import describe
from data_pipelines.kinds.alerts.records import STAMPS, alert_columns, encode_alert, write_stamp_shards
from data_pipelines.kinds.alerts.source import StampSource
from data_pipelines.kinds.description import write_pictures
from data_pipelines.shards.classes import published_replication
from data_pipelines.shards.manifest import read_manifest, verify
from data_pipelines.shards.writing import write_manifest
from data_pipelines.sources.alerts import STAMP_NAMES, Alert, Stamp
from lcjax.errors import DataError

CLASSES = ("AGN", "SN", "asteroid")
SIDE = 9


def alert(number: int, side: int = SIDE, **metadata) -> Alert:
    rng = np.random.default_rng(number)
    stamps = {}
    for name in STAMP_NAMES:
        pixels = rng.normal(size=(side, side)).astype(np.float32)
        pixels[0, 0] = np.nan
        stamps[name] = Stamp(pixels, 0.5)
    numbers = {
        "jd": 2459000.5 + number,
        "jdstarthist": 2458990.5,
        "isdiffpos": "tf"[number % 2],
        "fwhm": number / 7,
        "candid": 1.0,
    }
    return Alert(
        "ztf",
        f"o{number // 2}",
        10**18 + number,
        59000.0 + number,
        10.123456789,
        -5.0,
        "gr"[number % 2],
        numbers | metadata,
        stamps,
    )


def label(number: int) -> int:
    """Of 60: 12 AGN, 3 SN, 30 asteroids, 15 unlabelled."""
    return 0 if number % 5 == 0 else 1 if number in (7, 21, 43) else 2 if number % 2 else -1


def write(folder, count=60, shards=4, side=SIDE, names=("fwhm", "isdiffpos", "jdstarthist"), start=0):
    records = [encode_alert(alert(i, side), label(i), names) for i in range(start, start + count)]
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "label.labels.txt").write_text("\n".join(CLASSES))
    write_stamp_shards(folder, "toy", "train", records, shards)
    write_manifest(folder, STAMPS)
    return folder


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write(tmp_path_factory.mktemp("stamps") / "toy")


def test_columns_of_an_alert():
    columns = alert_columns(alert(3, odd=None, text="x", rb=0.5, drb=True))
    assert columns["isdiffpos"] == 1.0 and alert_columns(alert(2))["isdiffpos"] == 0.0
    assert columns["jdstarthist"] == -13.0 and "jd" not in columns and "candid" not in columns and "text" not in columns
    assert np.isnan(columns["odd"]) and columns["rb"] == 0.5 and columns["ra"] == 10.123456789
    for value, negative in (("1", 0.0), ("0", 1.0), ("t", 0.0), ("f", 1.0), (1.0, 0.0), (-1.0, 1.0)):
        assert alert_columns(alert(0, isdiffpos=value))["isdiffpos"] == negative
    assert np.isnan(alert_columns(alert(0, isdiffpos=None))["isdiffpos"])


def test_stamps_that_do_not_stack():
    lacking = alert(0)
    del lacking.stamps["template"]
    with pytest.raises(DataError, match="has no stack"):
        encode_alert(lacking)
    lacking.stamps["template"] = Stamp(np.zeros((2, 2), np.float32), 1.0)
    with pytest.raises(DataError, match="template 2x2"):
        encode_alert(lacking)
    assert encode_alert(lacking, stamp_names=("science", "difference"))["stamps"].shape == (SIDE, SIDE, 2)


def test_the_index_knows_everything_but_the_pixels(folder):
    manifest = read_manifest(folder)
    assert manifest.kind == "stamps" and verify(folder) == []
    index = manifest.index("train")
    assert index["alert_id"].tolist() == [10**18 + i for i in range(60)]
    assert index["mjd"][5] == 59005.0 and index["ra"][0] == 10.123456789
    assert index.metadata_names.tolist() == ["fwhm", "isdiffpos", "jdstarthist"]
    np.testing.assert_array_equal(index.metadata[:, 0], np.arange(60, dtype=np.float32) / 7)
    assert set(index.object_ids()) == {f"o{i}" for i in range(30)}


def test_the_surveys_of_the_alerts(folder, tmp_path):
    """A network learns with them which alerts it may be asked about."""
    records = [encode_alert(dataclasses.replace(alert(i), survey=survey), 0) for i, survey in enumerate(("lsst", ""))]
    for record, name in zip(records, ("other", "bare"), strict=True):
        (tmp_path / name).mkdir()
        write_stamp_shards(tmp_path / name, name, "train", [record], 1)
        write_manifest(tmp_path / name, STAMPS)
    assert StampSource([folder, tmp_path / "other", tmp_path / "bare"], "train", 1).surveys == ("ztf", "lsst")
    assert StampSource(tmp_path / "bare", "train", 1).surveys == ()


@pytest.mark.parametrize("balance", [None, "published", "weighted"])
def test_both_readers_give_the_same_rows(folder, balance):
    batches = []
    for reader in ("plain", "tf.data"):
        source = StampSource(folder, "train", 8, seed=2, balance=balance, reader=reader)
        stream = source.train_batches()
        batches.append([next(stream)[1] for _ in range(source.batches_per_epoch + 2)])
    for a, b in zip(*batches, strict=True):
        assert a.keys() == b.keys()
        for name in a:
            np.testing.assert_array_equal(a[name], b[name])
        for row in range(8):
            number = int(a["alert_id"][row] - 10**18)
            expected = alert(number)
            for k, name in enumerate(STAMP_NAMES):
                np.testing.assert_array_equal(a["stamps"][row, ..., k], expected.stamps[name].pixels)
            assert a["label"][row] == label(number) and a["object_id"][row] == expected.object_id
            assert a["metadata"][row, 0] == np.float32(number / 7) and a["mjd"][row] == expected.mjd
            assert a["pixel_scale"][row] == np.float32(0.5) and a["band"][row] == expected.band
    first = batches[0][0]
    assert {
        name: (first[name].shape, first[name].dtype) for name in ("stamps", "metadata", "ra", "dec", "label", "weight")
    } == {
        "stamps": ((8, SIDE, SIDE, 3), np.float32),
        "metadata": ((8, 3), np.float32),
        "ra": ((8,), np.float32),
        "dec": ((8,), np.float32),
        "label": ((8,), np.int32),
        "weight": ((8,), np.float32),
    }


def counts(source: StampSource, rounds: int) -> tuple[np.ndarray, np.ndarray]:
    """Rows of each class, and of each record, in some rounds of every stream."""
    stream, by_record = source.train_batches(), np.zeros(len(source.index), int)
    for _ in range(rounds * source.batches_per_epoch):
        by_record += np.bincount(next(stream)[1]["record"], minlength=len(by_record))
    labels = source.labels
    return np.bincount(labels[labels >= 0], by_record[labels >= 0], minlength=len(CLASSES)), by_record


def test_published_balance_replicates_to_the_largest_class(tmp_path):
    source = StampSource(write(tmp_path / "one", shards=1), "train", 7, seed=1, balance="published", reader="plain")
    present = source.class_counts()
    # one stream: a round is exactly the replicated set
    stream = source.train_batches()
    rows = np.concatenate([next(stream)[1]["record"] for _ in range(-(-3 * int(present.max()) // 7))])[
        : 3 * int(present.max())
    ]
    times = np.bincount(rows, minlength=60)
    np.testing.assert_array_equal(times, published_replication(source.labels, 3))
    assert times[source.labels < 0].sum() == 0


def test_weighted_balance_draws_classes_equally(folder):
    by_class, by_record = counts(StampSource(folder, "train", 8, seed=1, balance="weighted", reader="plain"), 40)
    assert by_record[[i for i in range(60) if label(i) < 0]].sum() == 0
    assert by_class.max() < 1.3 * by_class.min()  # 10 to 1 in the data; few records make streams unequal
    assert all(by_record[i] > 0 for i in range(60) if label(i) >= 0)


@pytest.mark.parametrize("balance", [None, "weighted"])
def test_batches_depend_on_position_alone(folder, balance):
    source = lambda **more: StampSource(folder, "train", 8, seed=4, balance=balance, reader="plain", **more)
    whole, parts = (
        source().train_batches(),
        [source(process_index=i, process_count=2).train_batches() for i in range(2)],
    )
    seen = []
    for _ in range(12):
        position, batch = next(whole)
        halves = [next(p)[1] for p in parts]
        np.testing.assert_array_equal(batch["stamps"], np.concatenate([h["stamps"] for h in halves]))
        seen.append((position, batch))
    position, expected = seen[9]
    again_position, again = next(source().train_batches(*position))
    assert again_position == position
    np.testing.assert_array_equal(again["stamps"], expected["stamps"])
    assert source().fingerprint != StampSource(folder, "train", 8, seed=5, balance=balance).fingerprint


def test_evaluation_sees_every_alert_once(folder):
    source = StampSource(folder, "train", 16, balance="published", reader="plain")
    batches = list(source.evaluation_batches())
    weight, record = (np.concatenate([b[k] for b in batches]) for k in ("weight", "record"))
    assert sorted(record[weight > 0]) == list(range(60))
    fill = batches[-1]["weight"] == 0
    if fill.any():
        assert (batches[-1]["stamps"][fill] == 0).all() and (batches[-1]["label"][fill] == -1).all()


def test_datasets_with_other_columns_and_classes(folder, tmp_path):
    other = write(tmp_path / "b", 8, 1, names=("fwhm", "rb"), start=100)
    both = StampSource([folder, other], "train", 4, reader="plain")
    assert both.metadata_names == ("fwhm", "isdiffpos", "jdstarthist", "rb")
    assert np.isnan(both.index.metadata[-8:, 1]).all() and both.index.metadata[-1, 0] == np.float32(107 / 7)
    some = StampSource(
        [folder, other], "train", 4, reader="plain", metadata_names=("rb", "fwhm"), class_names=("SN", "bogus")
    )
    assert next(some.train_batches())[1]["metadata"].shape == (4, 2)
    assert some.labels[7] == 0 and set(some.labels) == {-1, 0}
    with pytest.raises(DataError, match="metadata 'seeing'"):
        StampSource(folder, "train", 4, metadata_names=("seeing",))
    with pytest.raises(DataError, match="several shapes"):
        StampSource([folder, write(tmp_path / "c", 4, 1, side=5)], "train", 4)
    with pytest.raises(DataError, match="no balance"):
        StampSource(folder, "train", 4, balance="fair")
    with pytest.raises(DataError, match="no labelled"):
        StampSource(folder, "train", 4, balance="weighted", class_names=("kilonova",))


def test_kinds_are_not_mixed_up(folder, curves_folder):
    from data_pipelines.kinds.light_curves.source import LightCurveSource
    from data_pipelines.shards.streams import WholeRecords

    with pytest.raises(DataError, match="light curves, not stamps"):
        StampSource(curves_folder, "train", 4)
    with pytest.raises(DataError, match="stamps, not light curves"):
        LightCurveSource(folder, "train", 4, WholeRecords(5))


def test_damage_is_named(folder, tmp_path):
    copy = write(tmp_path / "toy")
    shard = sorted(copy.glob("*tfrecord*"))[2]
    data = bytearray(shard.read_bytes())
    data[len(data) // 2] ^= 1
    shard.write_bytes(bytes(data))
    assert [d.file for d in verify(copy)] == [shard]
    for reader in ("plain", "tf.data"):
        with pytest.raises(DataError, match=shard.name):
            for _ in StampSource(copy, "train", 8, reader=reader).evaluation_batches():
                pass


def test_description_and_pictures(folder, tmp_path):
    found = describe(folder)
    assert found.sizes == {"alerts": 60}
    assert found.counts["train"]["asteroid"] == sum(label(i) == 2 for i in range(60))
    assert found.values["missing"][0] == pytest.approx(1 / SIDE**2)
    assert found.quantities["fwhm"] == "fwhm"
    names = {p.name for p in write_pictures(found, tmp_path / "pictures")}
    assert found.facts["stamps"] == f"60 of {SIDE} x {SIDE} pixels, 3 an alert, 0.50 arcsec a pixel"
    assert found.facts["missing pixels"].startswith("in 60 alerts")
    assert names == {"classes.png", "examples.png", "sky.png"} and (tmp_path / "pictures" / "description.json").exists()


def test_labels_of_a_table_win(tmp_path):
    """By alert where the table names them, whatever the case; new classes come behind; contradictions are no label."""
    folder = write(tmp_path / "d")
    table = tmp_path / "labels.csv"
    names = {0: "sn", 1: "bogus", 2: "AGN", 3: "AGN"}
    lines = [f"x,{10**18 + n},{label}" for n, label in names.items()] + [f"x,{10**18 + 3},SN", "x,77,SN"]
    table.write_text("\n".join(["object_id,alert_id,label", *lines]))
    plain, source = StampSource(folder, "train", 8), StampSource(folder, "train", 8, labels=table)
    assert source.class_names == (*CLASSES, "bogus") and source.fingerprint != plain.fingerprint
    before, after = (dict(zip(s.index["alert_id"] - 10**18, s.labels, strict=True)) for s in (plain, source))
    assert [after[n] for n in range(4)] == [1, 3, 0, -1]
    assert all(after[n] == before[n] == label(n) for n in range(4, 60))
    batch = next(source.evaluation_batches())
    assert batch["label"].tolist() == [after[n - 10**18] for n in batch["alert_id"]]
    assert "usable alerts: 3; without: 1 (77); contradictory: 1" in source.remarks()[0]
    table.write_text("object_id,label\nnobody,SN\n")
    with pytest.raises(DataError, match="names no alert of the training split"):
        StampSource(folder, "train", 8, labels=table)
