"""Batches: the same from both readers, on any number of processes, from any position; nothing lost."""

import itertools
import shutil

import numpy as np
import pytest

from data_pipelines.kinds.light_curves.records import ARRAYS, LIGHT_CURVES
from data_pipelines.kinds.light_curves.source import LightCurveSource
from data_pipelines.shards.writing import write_manifest
from lcjax.configs import WindowConfig
from lcjax.errors import DataError
from tests.data_pipelines.curves import curves, shards_of, write

RECORDS = curves(150)
READERS = ("plain", "tf.data")
WINDOWS = {
    "random": WindowConfig(length=20, mode="random"),
    "sequential": WindowConfig(length=20, mode="sequential"),
    "published": WindowConfig(length=20, mode="published", evaluation_mode="published"),
    "buckets": WindowConfig(length=20, mode="sequential", buckets=(8, 16, 20)),
}


@pytest.fixture(scope="module")
def pristine(tmp_path_factory):
    return write(tmp_path_factory.mktemp("data") / "toy" / "1.0.0", RECORDS, shards=8)


@pytest.fixture
def dataset(pristine, tmp_path):
    return shutil.copytree(pristine, tmp_path / "toy" / "1.0.0")


def source(path, window=WINDOWS["random"], reader="plain", batch_size=16, **options):
    return LightCurveSource(path, "train", batch_size, window, seed=3, reader=reader, **options)


def taken(source, count, **position):
    return list(itertools.islice(source.train_batches(**position), count))


def assert_equal(a, b):
    assert a.keys() == b.keys()
    for name in a:
        assert a[name].dtype == b[name].dtype and a[name].shape == b[name].shape, name
        assert np.array_equal(a[name], b[name]), name


@pytest.mark.parametrize("mode", ["buckets"])
def test_both_readers_give_the_same_bytes(pristine, mode):
    plain, tensorflow = (source(pristine, WINDOWS[mode], reader) for reader in READERS)
    for (p, a), (q, b) in zip(taken(plain, 25), taken(tensorflow, 25), strict=True):
        assert p == q
        assert_equal(a, b)
    for a, b in zip(plain.evaluation_batches(), tensorflow.evaluation_batches(), strict=True):
        assert_equal(a, b)


@pytest.mark.parametrize("mode", WINDOWS)
@pytest.mark.parametrize("processes", [2, 4])
def test_global_batches_do_not_depend_on_the_number_of_processes(pristine, mode, processes):
    whole = source(pristine, WINDOWS[mode])
    parts = [source(pristine, WINDOWS[mode], process_index=i, process_count=processes) for i in range(processes)]
    joined = lambda many: [{k: np.concatenate([b[k] for b in row]) for k in row[0]} for row in zip(*many, strict=True)]
    for (_, a), b in zip(taken(whole, 15), joined([[b for _, b in taken(p, 15)] for p in parts]), strict=True):
        assert_equal(a, b)
    for a, b in zip(whole.evaluation_batches(), joined([p.evaluation_batches() for p in parts]), strict=True):
        assert_equal(a, b)


@pytest.mark.parametrize("mode", WINDOWS)
def test_restart_anywhere_gives_the_rest(pristine, mode):
    opened = source(pristine, WINDOWS[mode])
    run = taken(opened, 30)
    assert [p for p, _ in run] == [divmod(i, opened.batches_per_epoch) for i in range(30)]
    for at in (1, 7, 13, 22):
        epoch, batch = run[at][0]
        for (p, a), (q, b) in zip(run[at : at + 4], taken(opened, 4, epoch=epoch, batch=batch), strict=True):
            assert p == q
            assert_equal(a, b)


@pytest.mark.parametrize("mode", WINDOWS)
def test_rows_are_the_windows_they_claim_to_be(pristine, mode):
    for _, batch in taken(source(pristine, WINDOWS[mode]), 12):
        length = batch["mask"].shape[1]
        assert length in (WINDOWS[mode].buckets or (20,))
        assert np.array_equal(batch["mask"].sum(1), batch["length"])
        for row, record in enumerate(batch["record"]):
            want, n = RECORDS[record], batch["length"][row]
            begin = int(batch["magnitude"][row, 0] - want["magnitude"][0])
            for name in ARRAYS:
                assert np.array_equal(batch[name][row, :n], want[name][begin : begin + n])
                assert not batch[name][row, n:].any()
            assert batch["label"][row] == want["label"] and batch["object_id"][row] == want["object_id"]
            assert batch["band"][row] == want["band"] and batch["reference_mjd"][row] == want["reference_mjd"]


@pytest.mark.parametrize("mode", ["sequential", "buckets"])
@pytest.mark.parametrize("batch_size", [1, 7, 16, 64])
def test_evaluation_holds_every_point_once(pristine, mode, batch_size):
    points = []
    for batch in source(pristine, WINDOWS[mode], batch_size=batch_size).evaluation_batches():
        assert len(batch["weight"]) == batch_size
        assert np.array_equal(batch["weight"] > 0, batch["record"] >= 0)
        assert not batch["mask"][batch["weight"] == 0].any()
        points.append(batch["magnitude"][batch["mask"]])
    assert np.array_equal(np.sort(np.concatenate(points)), np.arange(sum(r["length"] for r in RECORDS)))


@pytest.mark.parametrize(("count", "shards", "batch_size"), [(3, 1, 64), (150, 8, 16), (37, 5, 8), (9, 3, 4)])
def test_training_sees_every_record_about_once_an_epoch(tmp_path, count, shards, batch_size):
    opened = source(write(tmp_path / "d", curves(count, seed=1), shards), batch_size=batch_size)
    epochs = 20
    batches = taken(opened, epochs * opened.batches_per_epoch)
    seen = np.bincount(np.concatenate([b["record"] for _, b in batches]), minlength=count)
    rows = len(batches) * batch_size / count
    assert seen.min() >= 0.6 * rows and seen.max() <= 1.7 * rows + 1


def test_epochs_differ_and_seeds_matter(pristine):
    a, b = source(pristine), LightCurveSource(pristine, "train", 16, WINDOWS["random"], seed=4, reader="plain")
    order = lambda s, epoch: np.concatenate([x["record"] for _, x in taken(s, 5, epoch=epoch)]).tolist()
    assert order(a, 0) != order(a, 1) and order(a, 0) != order(b, 0)
    assert a.fingerprint != b.fingerprint


def test_several_datasets_share_classes(tmp_path):
    one = write(tmp_path / "one", curves(20), 4)
    two = tmp_path / "two"
    two.mkdir()
    write(two, curves(20, seed=5, prefix="other"), 4)
    (two / "label.labels.txt").write_text("Mira\nCep\nLPV")
    write_manifest(two, LIGHT_CURVES)
    both = source([one, two])
    assert both.class_names == ("Cep", "LPV", "RRab", "Mira")
    assert both.n_objects == 20 and both.n_points == sum(r["length"] for r in curves(20) + curves(20, seed=5))
    translate = [-1, 3, 0, 1]
    for _, batch in taken(both, 5):
        for name, label in zip(batch["object_id"], batch["label"], strict=True):
            assert name.startswith("star") or label in translate


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("damage", ["bit", "header", "swapped"])
def test_damage_while_reading_names_the_shard(dataset, reader, damage):
    first, second = shards_of(dataset)[2:4]
    opened = source(dataset, reader=reader)
    data = bytearray(first.read_bytes())
    if damage == "swapped":
        other = second.read_bytes()
        second.write_bytes(data)
        first.write_bytes(other)
    else:
        data[len(data) // 2 if damage == "bit" else 1] ^= 4
        first.write_bytes(data)
    with pytest.raises(DataError, match=first.name if damage != "swapped" else "toy-train.tfrecord-0000[23]"):
        taken(opened, 2 * opened.batches_per_epoch)


@pytest.mark.parametrize("reader", READERS)
def test_exchanged_shards_of_equal_sizes_are_noticed(tmp_path, reader):
    """Lengths do not tell them apart; else one star's points would go by another's name."""
    equal = [record for record in curves(60, low=12, high=12) if int(record["object_id"].rsplit("é")[1]) >= 10]
    folder = write(tmp_path / "toy" / "1.0.0", equal[:32], shards=4)
    opened = source(folder, reader=reader)
    one, two = shards_of(folder)[1:3]
    assert one.stat().st_size == two.stat().st_size
    first = one.read_bytes()
    one.write_bytes(two.read_bytes())
    two.write_bytes(first)
    for read in (lambda: list(opened.evaluation_batches()), lambda: taken(opened, 4)):
        with pytest.raises(DataError, match=r"toy-train.tfrecord-0000[12].*"):
            read()


@pytest.mark.parametrize("reader", READERS)
def test_a_file_that_shrinks_while_it_is_read(dataset, reader):
    opened, path = source(dataset, reader=reader), shards_of(dataset)[4]
    path.write_bytes(path.read_bytes()[:-900])
    with pytest.raises(DataError, match=path.name):
        list(opened.evaluation_batches())
    path.unlink()
    with pytest.raises(DataError, match=path.name):
        list(opened.evaluation_batches())


def test_without_a_checksum_library_whole_files_are_checked(dataset, monkeypatch):
    opened, path = source(dataset), shards_of(dataset)[0]
    data = bytearray(path.read_bytes())
    data[-60] ^= 1
    path.write_bytes(data)
    monkeypatch.setattr("data_pipelines.shards.plain_reader.compiled_crc32c", lambda: None)
    with pytest.raises(DataError, match=path.name):
        list(opened.evaluation_batches())


def test_damaged_shards_are_refused_or_left_out_with_their_count(dataset):
    path = shards_of(dataset)[1]
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(DataError, match=path.name):
        source(dataset)
    with pytest.warns(UserWarning, match=f"left out .* records.*{path.name}"):
        opened = source(dataset, on_corrupt="skip_shard")
    kept = {int(r) for b in opened.evaluation_batches() for r in b["record"] if r >= 0}
    assert opened.records_left_out == 150 - len(kept) > 0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"split": "test"}, "has no light curves"),
        ({"reader": "magic"}, "no reader"),
        ({"on_corrupt": "hope"}, "on_corrupt"),
        ({"process_count": 3}, "processes cannot share"),
    ],
)
def test_wrong_requests_are_one_sentence(pristine, options, message):
    arguments = {"split": "train", "batch_size": 16, "window": WINDOWS["random"], "reader": "plain"} | options
    with pytest.raises(DataError, match=message):
        LightCurveSource(pristine, **arguments)
