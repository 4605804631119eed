"""hits_real_bogus: flat planes become stamps, numbers get the names that are said."""

import numpy as np
import pytest

from data_pipelines.kinds.images.options import ImageSettings
from data_pipelines.kinds.images.source import ImageSource
from data_pipelines.prepare import prepare
from lcjax.errors import ConfigError, DataError

NAMES = ("temp_images", "sci_images", "diff_images", "SNR_images")


def chunk(path, rows=6, **changes):
    rng = np.random.default_rng(0)
    arrays = {name: rng.normal(size=(rows, 25)).astype(np.float32) for name in NAMES}
    arrays |= {"labels": np.arange(rows) % 2} | changes
    np.savez(path, **arrays)
    return arrays


def test_chunks_become_stamps(tmp_path):
    arrays = chunk(tmp_path / "chunk_0.npz")
    (tmp_path / "chunk_1.npz").write_bytes(b"PK")
    chunk(tmp_path / "chunk_2.npz", temp_images=np.zeros((6, 24)))
    settings = ImageSettings(classes=("bogus", "real"), size=3)
    done = prepare("hits_real_bogus", [tmp_path], tmp_path / "D", shards=1, fractions=(1.0, 0.0, 0.0), images=settings)
    assert done.report.kept == 6 and len(done.report.bad_files) == 2
    source = ImageSource(done.manifest.folder, "train", 6, reader="plain")
    (batch,) = source.evaluation_batches()
    assert source.channel_names == ("template", "science", "difference")
    for name, image, label in zip(batch["object_id"], batch["image"], batch["label"], strict=True):
        row = int(name.split("-")[1])
        np.testing.assert_array_equal(image[..., 1], arrays["sci_images"][row].reshape(5, 5)[1:4, 1:4])
        assert source.class_names[label] == ("bogus", "real")[row % 2]


def test_chunks_of_one_name_in_two_folders_are_different_candidates(tmp_path):
    for place in ("train", "test"):
        (tmp_path / place).mkdir()
        chunk(tmp_path / place / "c.npz", 2)
    settings = ImageSettings(classes=("bogus", "real"))
    done = prepare("hits_real_bogus", [tmp_path], tmp_path / "D", shards=1, fractions=(1.0, 0.0, 0.0), images=settings)
    source = ImageSource(done.manifest.folder, "train", 4, reader="plain")
    assert sorted(source.object_ids) == ["test-c-0", "test-c-1", "train-c-0", "train-c-1"]


def test_refused(tmp_path):
    chunk(tmp_path / "c.npz")
    with pytest.raises(ConfigError, match="are numbers"):
        prepare("hits_real_bogus", [tmp_path], tmp_path / "D")
    (tmp_path / "p").mkdir()
    (tmp_path / "p" / "c.pkl").write_bytes(b"")
    with pytest.raises(DataError, match="pickled chunks are not read"):
        prepare("hits_real_bogus", [tmp_path / "p"], tmp_path / "D")


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"labels": np.eye(2)[np.arange(6) % 2]}, "12 labels of 6 candidates"),
        ({"sci_images": np.zeros((5, 25))}, "no squares of one size"),
        ({"sci_images": np.zeros((6, 5, 5, 1))}, "has a plane of float64 and shape"),
        ({"sci_images": np.full((6, 25), "a")}, "has a plane of <U1"),
        ({"temp_images": np.array([{}] * 6)}, "cannot be read as arrays"),
    ],
)
def test_chunks_of_another_layout_are_named(changes, says, tmp_path):
    chunk(tmp_path / "c.npz", **changes)
    chunk(tmp_path / "d.npz")
    settings = ImageSettings(classes=("bogus", "real"))
    done = prepare("hits_real_bogus", [tmp_path], tmp_path / "D", shards=1, fractions=(1.0, 0.0, 0.0), images=settings)
    assert done.report.kept == 6 and says in str(done.report.bad_files)


def test_turned_chunks_and_empty_planes_are_no_stamps(tmp_path):
    """441 candidates of 4 x 4 pixels are as good as none: pixels lie on the first axis; so do they of (21, 21, 84)."""
    cube = np.zeros((21, 21, 84), np.float32)  # as many numbers as 21 squares of 42 pixels
    np.savez(tmp_path / "u.npz", temp_images=cube, sci_images=cube, diff_images=cube)
    turned = np.zeros((441, 16), np.float32)
    np.savez(tmp_path / "t.npz", temp_images=turned, sci_images=turned, diff_images=turned)
    empty = np.random.default_rng(0).normal(size=(6, 25))
    empty[2] = np.nan
    chunk(tmp_path / "c.npz", diff_images=empty)
    settings = ImageSettings(classes=("bogus", "real"))
    done = prepare("hits_real_bogus", [tmp_path], tmp_path / "D", shards=1, fractions=(1.0, 0.0, 0.0), images=settings)
    assert done.report.kept == 5 and "on the first axis" in str(done.report.bad_files)
    assert "no squares of one size" in str(done.report.bad_files)
    assert done.report.reasons()["no pixels"] == 1
