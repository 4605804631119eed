"""Preparing: whole or not at all, options refused by name, refused writes in one sentence."""

import shutil

import pytest

from data_pipelines import prepare as module
from data_pipelines.kinds.alerts.settings import AlertSettings
from data_pipelines.kinds.light_curves.cleaning import CleaningSettings
from data_pipelines.prepare import prepare
from data_pipelines.shards.manifest import find_datasets, verify
from data_pipelines.shards.opening import distinct_names
from data_pipelines.shards.records import holds_shards
from lcjax.errors import ConfigError, DataError, StorageError


def simulated(out, **more):
    return prepare("simulated", [], out, n_objects=30, shards=2, **more)


def test_an_older_preparation_stays_until_the_new_one_is_whole(tmp_path, monkeypatch):
    first = simulated(tmp_path, seed=1)
    stray = tmp_path / "simulated" / "0.9.0"
    stray.mkdir()
    monkeypatch.setattr(module, "write_manifest", lambda *_: (_ for _ in ()).throw(OSError(28, "No space left")))
    with pytest.raises(StorageError, match="No space left; choose another --out or free space"):
        simulated(tmp_path, seed=2, overwrite=True)
    assert verify(first.manifest.folder) == [] and stray.exists()
    assert [p.name for p in tmp_path.iterdir()] == ["simulated"]
    monkeypatch.undo()
    with pytest.raises(ConfigError, match=r"simulated' is already there and was prepared .* --name"):
        simulated(tmp_path, seed=2)
    second = simulated(tmp_path, seed=2, overwrite=True)
    assert second.manifest.sha256 != first.manifest.sha256 and not stray.exists()
    assert [p.name for p in tmp_path.iterdir()] == ["simulated"]
    assert [p.name for p in (tmp_path / "simulated").iterdir()] == ["1.0.0"]


def test_what_the_writer_of_tensorflow_refuses(tmp_path, monkeypatch):
    import tensorflow as tf

    def refused(*_):
        try:
            raise tf.errors.PermissionDeniedError(None, None, "train.tfrecord; Read-only file system")
        except tf.errors.OpError as error:
            raise RuntimeError("Failed to finalize") from error

    monkeypatch.setattr(module, "_build", refused)
    with pytest.raises(StorageError, match=r"Read-only file system; choose another --out"):
        simulated(tmp_path)
    monkeypatch.setattr(module, "_build", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):  # ours to mend, not the user's
        simulated(tmp_path)
    assert not list(tmp_path.iterdir())


def test_names(tmp_path):
    """Two surveys of one's own are two datasets; only the same request replaces what is there."""
    first = simulated(tmp_path)
    other = simulated(tmp_path, seed=5, name="mine")
    assert (other.manifest.folder, other.manifest.name) == (tmp_path / "mine" / "1.0.0", "mine")
    assert all(shard.path.name.startswith("mine-") for shard in other.manifest.shards)
    import tensorflow_datasets as tfds

    builder = tfds.builder_from_directory(str(other.manifest.folder))
    assert sum(split.num_examples for split in builder.info.splits.values()) == sum(other.objects.values())
    assert simulated(tmp_path).manifest.sha256 == first.manifest.sha256
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "todo.txt").write_text("keep me")
    for name, words in (("notes", "is no dataset"), ("my survey", "cannot name a dataset"), ("../x", "cannot name")):
        with pytest.raises(ConfigError, match=words):
            simulated(tmp_path, name=name)
    assert (tmp_path / "notes" / "todo.txt").read_text() == "keep me"


def test_what_a_killed_preparation_leaves_is_never_read(tmp_path):
    done = simulated(tmp_path)
    left = tmp_path / ".simulated.123.partial"
    shutil.copytree(tmp_path / "simulated", left)
    assert find_datasets([tmp_path]) == [done.manifest.folder]
    with pytest.raises(DataError, match="interrupted"):
        find_datasets([left / "1.0.0"])
    shutil.rmtree(tmp_path / "simulated")
    assert not holds_shards(tmp_path)
    with pytest.raises(DataError, match="no prepared dataset"):
        find_datasets([tmp_path])


def test_surveys_of_one_name_stay_apart(tmp_path):
    one, two = (simulated(tmp_path / name, seed=i).manifest for i, name in enumerate(("east", "west")))
    three = simulated(tmp_path / "east", name="other").manifest
    assert distinct_names([one, two, three]) == ["east/simulated", "west/simulated", "other"]


def test_options(tmp_path):
    done = simulated(
        tmp_path, cleaning=CleaningSettings(min_points=10**6 // 10**5), alerts=AlertSettings(), labels=None
    )
    assert done.rows()["light curves kept"].startswith(f"{done.report.curves_kept:,} (")
    assert list(done.rows())[-2:] == ["classes", "bands"]
    with pytest.raises(ConfigError, match=r"no use for --alerts.keep"):
        simulated(tmp_path, alerts=AlertSettings(keep="first"))
    with pytest.raises(ConfigError, match="no options 'colour'"):
        simulated(tmp_path, colour=1)
    with pytest.raises(ConfigError, match="--shards is 0"):
        prepare("simulated", [], tmp_path, shards=0)
