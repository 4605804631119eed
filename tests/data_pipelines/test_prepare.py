"""Preparing: whole or not at all, options refused by name, refused writes in one sentence."""

import pytest

from data_pipelines import prepare as module
from data_pipelines.kinds.alerts.settings import AlertSettings
from data_pipelines.kinds.light_curves.cleaning import CleaningSettings
from data_pipelines.prepare import prepare
from data_pipelines.shards.manifest import verify
from lcjax.errors import ConfigError, StorageError


def simulated(out, **more):
    return prepare("simulated", [], out, n_objects=30, shards=2, **more)


def test_an_older_preparation_stays_until_the_new_one_is_whole(tmp_path, monkeypatch):
    first = simulated(tmp_path, seed=1)
    stray = tmp_path / "simulated" / "0.9.0"
    stray.mkdir()
    monkeypatch.setattr(module, "write_manifest", lambda *_: (_ for _ in ()).throw(OSError(28, "No space left")))
    with pytest.raises(StorageError, match="No space left; choose another --out or free space"):
        simulated(tmp_path, seed=2)
    assert verify(first.manifest.folder) == [] and stray.exists()
    assert [p.name for p in tmp_path.iterdir()] == ["simulated"]
    monkeypatch.undo()
    second = simulated(tmp_path, seed=2)
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
