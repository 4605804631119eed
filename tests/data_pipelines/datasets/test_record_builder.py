"""A dataset of a stranger's kind, its builder three lines long, from files to batches."""

import numpy as np
import pyarrow.parquet as pq
import pytest

from data_pipelines.kinds import find_kind
from data_pipelines.prepare import prepare
from data_pipelines.shards.layout import RecordLayout
from data_pipelines.shards.manifest import verify
from lcjax.errors import DataError
from tests.data_pipelines.toy import installed as installed


def test_from_files_to_batches(installed, tmp_path):
    import tensorflow_datasets as tfds

    flux = np.random.default_rng(0).random((30, 4)).astype(np.float32)
    flux[3, 1] = np.nan
    np.savez(tmp_path / "a.npz", flux=flux)
    np.savez(tmp_path / "b.npz", flux=flux[:2])  # more of the same objects
    sources = [tmp_path / "a.npz", tmp_path / "b.npz"]
    done = prepare("toy_stars", sources, tmp_path / "out", shards=2, fractions=(0.6, 0.2, 0.2))
    folder = done.manifest.folder
    assert folder == tmp_path / "out" / "toy_stars" / "1.0.0" and verify(folder) == []
    assert done.manifest.kind == "spectral_stars" and done.manifest.class_names == ("EA", "RRab")
    assert sum(done.objects.values()) == 31 == done.report.kept and done.report.read == 32
    assert done.rows()["stars with spectra kept"].startswith("31 of 32 (")
    assert done.rows()["rejected"] == "1 (1 flux not finite)"
    assert pq.read_table(folder / "rejected.parquet").to_pylist()[0]["object_id"] == "n3"
    split_of = {}
    for split in done.objects:
        source = find_kind("spectral_stars").open_source(folder, split, 4, reader="plain")
        for batch in source.evaluation_batches():
            for row in np.flatnonzero(batch["weight"]):
                number = int(batch["source_id"][row])
                assert split_of.setdefault(batch["object_id"][row], split) == split
                np.testing.assert_array_equal(batch["magnitude"][row], flux[number])
                assert batch["label"][row] == (number % 2 if number % 5 else -1)
                assert batch["metadata"][row, 0] == number
    assert len(split_of) == 29
    records = list(tfds.builder_from_directory(str(folder)).as_dataset(split="train").as_numpy_iterator())
    assert len(records) == done.objects["train"] and records[0]["picture"].shape == (2, 2)


def test_nothing_to_prepare(installed, tmp_path):
    with pytest.raises(DataError, match="needs files of stars with spectra: give them with --source"):
        prepare("toy_stars", [], tmp_path / "out")
    np.savez(tmp_path / "a.npz", flux=np.full((2, 2), np.nan))
    with pytest.raises(DataError, match="no usable stars with spectra: 2 rejected; the first reason: flux not finite"):
        prepare("toy_stars", [tmp_path / "a.npz"], tmp_path / "out")
    assert not (tmp_path / "out").exists() or not list((tmp_path / "out").iterdir())


def test_a_number_is_no_name_of_a_class(installed, tmp_path, monkeypatch):
    np.savez(tmp_path / "a.npz", flux=np.ones((8, 4), np.float32))
    encode = RecordLayout.encode
    monkeypatch.setattr(RecordLayout, "encode", lambda *a, label=None, **k: encode(*a, label=1 if label else -1, **k))
    with pytest.raises(DataError, match="object 'n1': the label is the number 1; `read_files` gives the names"):
        prepare("toy_stars", [tmp_path / "a.npz"], tmp_path / "out")
