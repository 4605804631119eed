"""Every damage is found and the damaged file named."""

import json
import random
import shutil

import numpy as np
import pytest

from data_pipelines.shards import manifest as m
from data_pipelines.shards.tfrecord import read_records
from lcjax.errors import DataError
from tests.data_pipelines.curves import CLASSES, curves, shards_of, write


@pytest.fixture(scope="module")
def pristine(tmp_path_factory):
    return write(tmp_path_factory.mktemp("data") / "toy" / "1.0.0", curves(40))


@pytest.fixture
def dataset(pristine, tmp_path):
    return shutil.copytree(pristine, tmp_path / "toy" / "1.0.0")


def damaged(folder):
    return sorted(d.file.name for d in m.verify(folder))


def test_sound_data_verify(dataset):
    assert m.verify(dataset) == []
    manifest = m.read_manifest(dataset)
    assert sum(s.records for s in manifest.shards) == 40
    assert manifest.class_names == CLASSES and manifest.bands == ("I", "V")


def test_any_flipped_bit_is_found(dataset):
    rng = random.Random(0)
    for path in sorted(dataset.iterdir()):
        whole = path.read_bytes()
        for _ in range(8):
            data = bytearray(whole)
            data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
            path.write_bytes(data)
            assert path.name in damaged(dataset)
            assert path.name == m.MANIFEST or damaged(dataset) == [path.name]
        path.write_bytes(whole)
    assert m.verify(dataset) == []


@pytest.mark.parametrize("keep", ["boundary", "middle", "nothing"])
def test_cut_files(dataset, keep):
    path = shards_of(dataset)[1]
    offsets = [record.offset for record in read_records(path)]
    size = {"boundary": offsets[-1], "middle": offsets[-1] + 7, "nothing": 0}[keep]
    path.write_bytes(path.read_bytes()[:size])
    assert damaged(dataset) == [path.name]
    assert "empty" in m.verify(dataset)[0].reason or keep != "nothing"


def test_missing_swapped_copied_unknown_and_unreadable(dataset):
    first, second, third, fourth = shards_of(dataset)
    one, two = first.read_bytes(), second.read_bytes()
    first.write_bytes(two)
    second.write_bytes(one)
    assert damaged(dataset) == [first.name, second.name]
    assert second.name in m.verify(dataset)[0].reason
    third.unlink()
    third.mkdir()
    fourth.unlink()
    extra = dataset / "toy-train.tfrecord-00004-of-00005"
    extra.write_bytes(one)
    assert damaged(dataset) == sorted(p.name for p in (first, second, third, fourth, extra))


@pytest.mark.parametrize("name", [m.MANIFEST, m.INDEX, "label.labels.txt"])
@pytest.mark.parametrize("how", ["missing", "empty", "cut"])
def test_damaged_side_files(dataset, name, how):
    path = dataset / name
    if how == "missing":
        path.unlink()
    else:
        path.write_bytes(path.read_bytes()[: 0 if how == "empty" else -9])
    assert damaged(dataset) == [name]
    assert m.find_datasets([dataset.parent.parent]) == [dataset]


def test_without_manifest_shards_are_still_checked(dataset):
    (dataset / m.MANIFEST).write_text("{}")
    path = shards_of(dataset)[2]
    data = bytearray(path.read_bytes())
    data[-30] ^= 1
    path.write_bytes(data)
    assert damaged(dataset) == [m.MANIFEST, path.name]


def test_edited_manifest_is_refused_with_one_sentence(dataset):
    path = dataset / m.MANIFEST
    path.write_text(path.read_text().replace('"records": 10', '"records": 11', 1))
    with pytest.raises(DataError, match="has been changed"):
        m.read_manifest(dataset)


def test_index_holds_what_the_records_hold(dataset):
    records = curves(40)
    index = m.read_manifest(dataset).index("train")
    assert index.length.tolist() == [r["length"] for r in records]
    assert index.label.tolist() == [r["label"] for r in records]
    assert index.object_ids().tolist() == [r["object_id"] for r in records]
    assert index.band_names[index.band].tolist() == [r["band"] for r in records]
    assert np.array_equal(index["reference_mjd"], [r["reference_mjd"] for r in records])


def test_find_datasets(dataset, tmp_path):
    assert m.find_datasets([tmp_path, dataset]) == [dataset]
    with pytest.raises(DataError, match="no folder"):
        m.find_datasets([tmp_path / "nowhere"])
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="no prepared dataset"):
        m.find_datasets([tmp_path / "empty"])


@pytest.mark.parametrize(
    "name,value",
    [
        ("class_names", "AB"),
        ("class_names", [1]),
        ("shards", {}),
        ("name", None),
        ("records", "12"),
        ("bytes", -1),
        ("side_files", {"index.npz": {}}),
    ],
)
def test_a_manifest_with_a_sound_hash_and_wrong_types_is_one_sentence(dataset, name, value):
    content = json.loads((dataset / m.MANIFEST).read_text())
    (content["shards"][0] if name in ("records", "bytes") else content)[name] = value
    (dataset / m.MANIFEST).write_text(m.manifest_text(content))
    with pytest.raises(DataError, match=f"is damaged.*{'index.npz' if name == 'side_files' else name}"):
        m.read_manifest(dataset)


def test_one_dataset_by_several_paths_is_one(dataset, tmp_path):
    (tmp_path / "link").symlink_to(dataset.parent)
    paths = [dataset, dataset.parent / "." / ".." / "toy", tmp_path / "link", dataset / ".." / "1.0.0"]
    assert m.find_datasets(paths) == [dataset]


def test_another_index_than_was_written_is_not_believed(dataset):
    """Whole as a file, so that only its hash tells."""
    with np.load(dataset / m.INDEX) as file:
        arrays = dict(file)
    arrays["train/label"] = arrays["train/label"][::-1]
    np.savez(dataset / m.INDEX, **arrays)
    with pytest.raises(DataError, match=r"index\.npz' has changed since it was written"):
        m.read_manifest(dataset).index("train")
    (dataset / m.INDEX).unlink()
    with pytest.raises(DataError, match=r"index\.npz' cannot be read"):
        m.read_manifest(dataset).index("train")
