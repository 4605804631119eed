"""Batches: both readers agree byte for byte; order depends on data, seed and epoch alone; damage is never silent."""

import itertools
import shutil
from collections import Counter

import numpy as np
import pytest

from data_pipelines.kinds.light_curves.source import LightCurveSource
from data_pipelines.shards.manifest import read_manifest, verify
from lcjax.configs import WindowConfig
from lcjax.errors import DataError

CASES = {
    "random": WindowConfig(100, "random"),
    "sequential": WindowConfig(100, "sequential"),
    "published": WindowConfig(100, "published", "published"),
    "bucketed": WindowConfig(100, "random", "sequential", (25, 50, 100)),
}


def same(one, two):
    assert one.keys() == two.keys()
    for name in one:
        np.testing.assert_array_equal(one[name], two[name], err_msg=name)
        assert one[name].dtype == two[name].dtype, name


def first(source, count, *position):
    return list(itertools.islice(source.train_batches(*position), count))


@pytest.mark.parametrize("case", CASES)
def test_both_readers_give_the_same_batches(curves_folder, case):
    sources = [LightCurveSource(curves_folder, "train", 32, CASES[case], 3, reader=r) for r in ("tf.data", "plain")]
    assert sources[0].fingerprint == sources[1].fingerprint
    for (p, a), (q, b) in zip(*(first(s, 40) for s in sources), strict=True):
        assert p == q
        same(a, b)
    for a, b in zip(*(s.evaluation_batches() for s in sources), strict=True):
        same(a, b)


@pytest.mark.parametrize("case", CASES)
def test_a_restart_anywhere_gives_the_same_rest(curves_folder, case):
    source = LightCurveSource(curves_folder, "train", 32, CASES[case], 3, reader="plain")
    straight = first(source, 40)
    for at in (1, 7, 23, 31):
        for (p, a), (q, b) in zip(straight[at:], first(source, 40 - at, *straight[at][0]), strict=True):
            assert p == q
            same(a, b)


@pytest.mark.parametrize("case", ["random", "bucketed"])
@pytest.mark.parametrize("processes", [2, 4])
def test_the_global_batch_does_not_depend_on_processes(curves_folder, case, processes):
    window = CASES[case]
    one = LightCurveSource(curves_folder, "train", 32, window, 3, reader="plain")
    parts = [LightCurveSource(curves_folder, "train", 32, window, 3, i, processes, "plain") for i in range(processes)]
    streams = [p.train_batches() for p in parts]
    for _, whole in first(one, 20):
        pieces = [next(s)[1] for s in streams]
        same(whole, {k: np.concatenate([p[k] for p in pieces]) for k in whole})
    evaluated = [list(p.evaluation_batches()) for p in parts]
    for i, whole in enumerate(one.evaluation_batches()):
        same(whole, {k: np.concatenate([e[i][k] for e in evaluated]) for k in whole})


@pytest.mark.parametrize("case", CASES)
def test_evaluation_sees_each_window_once(curves_folder, case):
    source = LightCurveSource(curves_folder, "train", 32, CASES[case], reader="plain")
    points = Counter()
    for batch in source.evaluation_batches():
        assert batch["mask"].shape[1] in (CASES[case].buckets or (100,))
        real = batch["weight"] > 0
        np.testing.assert_array_equal(batch["mask"].sum(1), batch["length"])
        assert not batch["length"][~real].any()
        for name in ("time", "magnitude", "magnitude_error"):
            assert not batch[name][~batch["mask"]].any()
        for name, n in zip(batch["object_id"][real], batch["length"][real], strict=True):
            points[name] += int(n)
    assert len(points) == source.n_objects
    if CASES[case].evaluation_mode == "sequential":
        assert sum(points.values()) == source.n_points


def test_no_record_is_left_out_of_training(curves_folder):
    source = LightCurveSource(curves_folder, "train", 32, CASES["random"], 3, reader="plain")
    seen = Counter()
    for _, batch in first(source, 4 * source.batches_per_epoch):
        seen.update(batch["record"].tolist())
    assert len(seen) == source.n_objects
    assert min(seen.values()) >= 3 and max(seen.values()) <= 6


def test_seed_and_epoch_change_the_order(curves_folder):
    order = lambda seed, *at: first(
        LightCurveSource(curves_folder, "train", 32, CASES["random"], seed, reader="plain"), 3, *at
    )
    records = lambda batches: np.concatenate([b["record"] for _, b in batches]).tolist()
    assert records(order(1)) == records(order(1)) != records(order(2))
    assert records(order(1)) != records(order(1, 1))


def damage_flip(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 4
    path.write_bytes(content)


def damage_cut(path):
    path.write_bytes(path.read_bytes()[:-37])


def damage_cut_at_a_record(path):
    content = path.read_bytes()
    at = 0
    ends = []
    while at < len(content):
        at += 16 + int.from_bytes(content[at : at + 8], "little")
        ends.append(at)
    path.write_bytes(content[: ends[len(ends) // 2]])


def damage_empty(path):
    path.write_bytes(b"")


def damage_missing(path):
    path.unlink()


def damage_swap(path):
    other = path.with_name(path.name.replace("-00002-", "-00003-"))
    one, two = path.read_bytes(), other.read_bytes()
    path.write_bytes(two)
    other.write_bytes(one)


DAMAGES = [damage_flip, damage_cut, damage_cut_at_a_record, damage_empty, damage_missing, damage_swap]


@pytest.mark.parametrize("damage", DAMAGES)
def test_every_damage_is_found_and_named(curves_folder, tmp_path, damage):
    folder = tmp_path / "copy"
    shutil.copytree(curves_folder, folder)
    shard = next(folder.glob("*-train.tfrecord-00002-of-*"))
    damage(shard)
    named = {d.file.name for d in verify(folder)}
    assert shard.name in named
    assert len(named) == (2 if damage is damage_swap else 1)
    for reader in ("tf.data", "plain"):
        with pytest.raises(DataError, match=r"tfrecord-0000[23]"):
            source = LightCurveSource(folder, "train", 32, CASES["sequential"], reader=reader)
            for _ in source.evaluation_batches():
                pass
    with pytest.warns(UserWarning, match="tfrecord"):
        source = LightCurveSource(folder, "train", 32, CASES["sequential"], reader="plain", on_corrupt="skip_shard")
    total = sum(s.records for s in read_manifest(folder).split("train"))
    assert source.n_objects < total
    assert sum(1 for b in source.evaluation_batches() for w in b["weight"] if w)


@pytest.mark.parametrize(
    "name", ["manifest.json", "index.npz", "dataset_info.json", "features.json", "rejected.parquet"]
)
def test_side_files_are_guarded_too(curves_folder, tmp_path, name):
    folder = tmp_path / "copy"
    shutil.copytree(curves_folder, folder)
    content = bytearray((folder / name).read_bytes())
    content[len(content) // 2] ^= 1
    (folder / name).write_bytes(content)
    assert name in {d.file.name for d in verify(folder)}


def test_more_processes_than_streams_is_one_sentence(curves_folder):
    with pytest.raises(DataError, match="processes"):
        LightCurveSource(curves_folder, "train", 32, CASES["random"], process_index=0, process_count=16)


def test_a_split_that_is_not_there(curves_folder):
    with pytest.raises(DataError, match="no light curves"):
        LightCurveSource(curves_folder, "nothing", 32, CASES["random"])
