"""Shards and manifests: even, in order, whole or not there, the same bytes as before."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from data_pipelines.kinds.alerts.records import STAMPS
from data_pipelines.kinds.light_curves.records import LIGHT_CURVES
from data_pipelines.shards.manifest import INDEX, MANIFEST, read_manifest
from data_pipelines.shards.source import ShardSource
from data_pipelines.shards.writing import write_manifest, write_shards
from lcjax.errors import DataError, StorageError
from tests.data_pipelines.toy import LAYOUT, record

BEFORE = Path(__file__).parent / "prepared_before"


def test_records_lie_evenly_and_in_order(tmp_path):
    paths = write_shards(tmp_path / "d", "toy", "train", (record(i) for i in range(11)), LAYOUT, 3)
    write_shards(tmp_path / "d", "toy", "test", [record(20)], LAYOUT)
    manifest = write_manifest(tmp_path / "d", LAYOUT)
    assert [p.name for p in paths] == [s.path.name for s in manifest.split("train")]
    assert [s.records for s in manifest.split("train")] == [4, 3, 4]
    assert manifest.index("train")["source_id"].tolist() == [10**15 + i for i in range(11)]
    assert manifest.kind == "spectral_stars" and len(manifest.index("test")) == 1
    assert not list((tmp_path / "d").glob(".*"))


@pytest.mark.parametrize(("name", "layout"), [("light_curves", LIGHT_CURVES), ("stamps", STAMPS)])
def test_the_same_data_have_the_same_fingerprint_as_before(tmp_path, name, layout):
    folder = shutil.copytree(BEFORE / name, tmp_path / name) / "1.0.0"
    before, index_before = json.loads((folder / MANIFEST).read_text()), dict(np.load(folder / INDEX))
    again = write_manifest(folder, layout)
    after = json.loads((folder / MANIFEST).read_text())
    for content in (before, after):
        del content["content_sha256"]
        content.pop("data_sha256", None)
        # Patch versions of Python write other headers around the same arrays of the index.
        del content["side_files"][INDEX]
    assert after == before and again.side_files[INDEX]
    index_after = dict(np.load(folder / INDEX))
    assert index_after.keys() == index_before.keys()
    for key, values in index_before.items():
        assert values.dtype == index_after[key].dtype
        np.testing.assert_array_equal(index_after[key], values)


def test_what_lies_beside_the_shards_is_no_part_of_the_fingerprint(tmp_path, monkeypatch):
    """Python writes other zip headers, Arrow its version: the rows are the same. Other rows, classes and manifests of before differ."""
    write_shards(tmp_path / "d", "toy", "train", map(record, range(4)), LAYOUT)
    first = write_manifest(tmp_path / "d", LAYOUT)
    monkeypatch.setattr(np, "savez", np.savez_compressed)
    (tmp_path / "d" / "note.txt").write_text("of another version")
    second = write_manifest(tmp_path / "d", LAYOUT)
    assert second.side_files[INDEX] != first.side_files[INDEX] and second.sha256 != first.sha256
    assert second.fingerprint == first.fingerprint
    source = lambda: ShardSource(tmp_path / "d", "train", 2, layout=LAYOUT, reader="plain").fingerprint
    before = source()
    (tmp_path / "d" / "label.labels.txt").write_text("EA\nRRab\n")
    assert write_manifest(tmp_path / "d", LAYOUT).fingerprint != first.fingerprint and source() != before
    write_shards(tmp_path / "e", "toy", "train", map(record, range(1, 5)), LAYOUT)
    assert write_manifest(tmp_path / "e", LAYOUT).fingerprint != first.fingerprint
    old = read_manifest(BEFORE / "stamps" / "1.0.0")
    assert old.fingerprint == old.sha256


def test_what_cannot_be_written_is_one_sentence(tmp_path, monkeypatch):
    (tmp_path / "d").mkdir()
    with pytest.raises(DataError, match="holds no shards"):
        write_manifest(tmp_path / "d", LAYOUT)
    write_shards(tmp_path / "d", "toy", "train", [record(1)], LAYOUT)
    with pytest.raises(DataError, match="no feature 'reference_mjd'"):
        write_manifest(tmp_path / "d", LIGHT_CURVES)

    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "savez", full)
    with pytest.raises(StorageError, match=r"No space left"):
        write_manifest(tmp_path / "d", LAYOUT)
    assert not (tmp_path / "d" / MANIFEST).exists() and not (tmp_path / "d" / INDEX).exists()
