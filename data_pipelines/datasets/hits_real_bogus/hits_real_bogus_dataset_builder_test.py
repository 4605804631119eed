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


def test_refused(tmp_path):
    chunk(tmp_path / "c.npz")
    with pytest.raises(ConfigError, match="are numbers"):
        prepare("hits_real_bogus", [tmp_path], tmp_path / "D")
    (tmp_path / "p").mkdir()
    (tmp_path / "p" / "c.pkl").write_bytes(b"")
    with pytest.raises(DataError, match="pickled chunks are not read"):
        prepare("hits_real_bogus", [tmp_path / "p"], tmp_path / "D")
