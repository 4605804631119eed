"""A source of a kind without code of its own: several series of different lengths, targets, balance, labels of a model."""

import itertools

import numpy as np
import pytest

from data_pipelines.shards.layout import RecordLayout
from data_pipelines.shards.manifest import verify
from data_pipelines.shards.source import ShardSource
from data_pipelines.shards.writing import write_manifest, write_shards
from lcjax.configs import WindowConfig
from lcjax.errors import ConfigError, DataError
from tests.data_pipelines.toy import LAYOUT, record, write

READERS = ("plain", "tf.data")
WINDOWS = {
    "whole": None,
    "random": WindowConfig(length=12, mode="random"),
    "buckets": WindowConfig(length=20, mode="sequential", buckets=(5, 10, 20)),
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write(tmp_path_factory.mktemp("stars") / "toy")


def source(folder, window="random", reader="plain", batch_size=8, **settings):
    return ShardSource(folder, "train", batch_size, WINDOWS[window], seed=3, reader=reader, layout=LAYOUT, **settings)


def taken(source, count, *position):
    return list(itertools.islice(source.train_batches(*position), count))


def assert_equal(a, b):
    assert a.keys() == b.keys()
    for name in a:
        assert a[name].dtype == b[name].dtype and a[name].shape == b[name].shape, name
        np.testing.assert_array_equal(a[name], b[name], err_msg=name)


@pytest.mark.parametrize("window", WINDOWS)
@pytest.mark.parametrize("limits", [None, {"spectrum": 7}])
def test_both_readers_give_the_same_batches(folder, window, limits):
    plain, tensorflow = (source(folder, window, reader, limits=limits) for reader in READERS)
    assert plain.fingerprint == tensorflow.fingerprint
    for (p, a), (q, b) in zip(taken(plain, 15), taken(tensorflow, 15), strict=True):
        assert p == q
        assert_equal(a, b)
    for a, b in zip(plain.evaluation_batches(), tensorflow.evaluation_batches(), strict=True):
        assert_equal(a, b)


@pytest.mark.parametrize("window", WINDOWS)
def test_rows_are_the_records_they_claim_to_be(folder, window):
    opened = source(folder, window, limits={"spectrum": 9}, batch_size=7)
    shapes = set()
    for batch in (*(b for _, b in taken(opened, 12)), *opened.evaluation_batches()):
        shapes |= {batch["flux"].shape, batch["picture"].shape}
        for row, number in enumerate(batch["record"]):
            picture, spectrum = batch["picture_mask"][row], batch["spectrum_mask"][row]
            assert batch["spectrum_length"][row] == spectrum.sum() and batch["length"][row] == batch["mask"][row].sum()
            if number < 0:
                assert batch["weight"][row] == 0 and batch["label"][row] == -1 and batch["source_id"][row] == 0
                assert not picture and not spectrum.any() and not batch["flux"][row].any()
                assert np.isnan(batch["votes"][row]).all() and np.isnan(batch["metadata"][row]).all()
                continue
            want = record(number)
            n, m = batch["length"][row], min(9, want["spectrum_length"])
            begin = int(batch["time"][row, 0])
            np.testing.assert_array_equal(batch["magnitude"][row, :n], want["magnitude"][begin : begin + n])
            assert batch["weight"][row] == (want["length"] > 0 or m > 0 or number % 5 > 0)
            assert spectrum.sum() == m and not batch["flux"][row, m:].any()
            for name in ("flux", "wavelength"):
                np.testing.assert_array_equal(batch[name][row, :m], want[name][:m])
            assert picture == (number % 5 > 0) and (batch["picture"][row] == (number if picture else 0)).all()
            for name in ("votes", "epoch", "source_id", "object_id", "band", "label"):
                np.testing.assert_array_equal(batch[name][row], want[name], err_msg=name)
            assert batch["redshift"][row] == np.float32(want["redshift"])
    assert shapes == {(7, 9), (7, 2, 3)}  # one shape: nothing compiles twice
    kinds = {"epoch": "f8", "redshift": "f4", "source_id": "i8", "votes": "f4", "metadata": "f4", "label": "i4"}
    assert {name: batch[name].dtype.str[1:] for name in kinds} == kinds


@pytest.mark.parametrize("window", WINDOWS)
@pytest.mark.parametrize("batch_size", [1, 8, 64])
def test_evaluation_sees_every_record(folder, window, batch_size):
    """Also those without a light curve."""
    batches = list(source(folder, window, batch_size=batch_size).evaluation_batches())
    assert {int(r) for b in batches for r in b["record"] if r >= 0} == set(range(60))


@pytest.mark.parametrize("window", WINDOWS)
@pytest.mark.parametrize("reader", READERS)
def test_restart_anywhere_gives_the_rest(folder, window, reader):
    opened = source(folder, window, reader, balance="weighted")
    run = taken(opened, 20)
    for at in (1, 9, 15):
        for (p, a), (q, b) in zip(run[at : at + 3], taken(opened, 3, *run[at][0]), strict=True):
            assert p == q
            assert_equal(a, b)


def test_the_global_batch_does_not_depend_on_processes(folder):
    parts = [source(folder, "buckets", process_index=i, process_count=2) for i in range(2)]
    for (_, whole), *halves in zip(taken(source(folder, "buckets"), 10), *(taken(p, 10) for p in parts), strict=True):
        assert_equal(whole, {name: np.concatenate([half[name] for _, half in halves]) for name in whole})


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("at", [1, 0.5, -40])
def test_damage_is_named(folder, tmp_path, reader, at):
    copy = write(tmp_path / "toy")
    shard = sorted(copy.glob("*tfrecord*"))[2]
    data = bytearray(shard.read_bytes())
    data[int(len(data) * at) if at == 0.5 else at] ^= 1
    shard.write_bytes(bytes(data))
    assert [d.file for d in verify(copy)] == [shard]
    with pytest.raises(DataError, match=shard.name):
        list(source(copy, reader=reader).evaluation_batches())


def test_records_of_other_lengths_than_the_index_has_are_noticed(folder):
    opened = source(folder, reader="tf.data")
    opened._whole[0].counts[1] += 1
    with pytest.raises(DataError, match="cannot be read"):
        list(opened.evaluation_batches())


def test_balance_for_every_kind(folder):
    opened = source(folder, batch_size=4, balance="published")
    labels = np.concatenate([b["label"] for _, b in taken(opened, 4 * opened.batches_per_epoch)])
    assert set(labels) == {0, 1}
    assert source(folder, balance="weighted").fingerprint != source(folder).fingerprint != opened.fingerprint
    with pytest.raises(DataError, match="no balance 'fair'"):
        source(folder, balance="fair")
    with pytest.raises(DataError, match="no labelled"):
        source(folder, balance="weighted", class_names=("Mira",))


def test_labels_of_a_model(folder):
    opened = source(folder)
    other = opened.relabelled(("rrab", "Mira"))
    assert type(other) is type(opened) and other.fingerprint == opened.fingerprint
    assert other.class_names == ("EA", "RRab") and other.labels is opened.labels
    number = np.array([-1, 0, -1])
    for (p, a), (q, b) in zip(taken(opened, 8), taken(other, 8), strict=True):
        assert p == q and b["label"].dtype == np.int32
        np.testing.assert_array_equal(number[a["label"]], b["label"])
        assert_equal(a, b | {"label": a["label"]})
    for a, b in zip(opened.evaluation_batches(), other.evaluation_batches(), strict=True):
        np.testing.assert_array_equal(number[a["label"]], b["label"])
    assert other.relabelled(("EA",)).relabelled(opened.class_names).describe() == opened.describe()


def test_what_there_is(folder):
    points = sum(record(i)["length"] for i in range(60))
    assert source(folder).describe() == {"objects": 30, "points": points, "class_names": ["EA", "RRab"]}


@pytest.mark.parametrize("reader", READERS)
def test_tables_have_no_series_at_all(tmp_path, reader):
    layout = RecordLayout("tables", floats=("mass",), targets={"age": 1})
    records = [layout.encode(f"o{i}", mass=i, age=[i / 2], label=i % 2) for i in range(10)]
    write_shards(tmp_path, "t", "train", records, layout, 2)
    write_manifest(tmp_path, layout)
    opened = ShardSource(tmp_path, "train", 4, layout=layout, reader=reader)
    batches = list(opened.evaluation_batches())
    masses = np.concatenate([b["mass"][b["weight"] > 0] for b in batches])
    assert sorted(masses) == list(range(10)) and opened.describe()["objects"] == 10
    assert batches[0].keys() == {"mass", "age", "label", "weight", "record", "object_id", "band"}
    assert batches[0]["age"].shape == (4, 1)


def test_wrong_requests_are_one_sentence(folder, tmp_path):
    for limits in ({"picture": 3}, {"flux": 3}, {"spectrum": 0}):
        with pytest.raises(ConfigError, match=r"no limit .* have spectrum"):
            source(folder, limits=limits)
    with pytest.raises(DataError, match="metadata 'airmass'"):
        source(folder, metadata_names=("airmass",))
    other = LAYOUT.encode("x", source_id=0, time=[1], magnitude=[1], picture=np.zeros((3, 3)))
    write_shards(tmp_path, "t", "train", [record(1), other], LAYOUT)
    write_manifest(tmp_path, LAYOUT)
    with pytest.raises(DataError, match="picture of several shapes"):
        source(tmp_path)
    with pytest.raises(DataError, match="holds spectral stars, not tables"):
        ShardSource(folder, "train", 4, layout=RecordLayout("tables", floats=("a",)))
