"""image_files: what is prepared comes out in batches, with names of channels and target numbers."""

import numpy as np
import pytest

from data_pipelines.kinds import describe
from data_pipelines.kinds.images.options import ImageSettings
from data_pipelines.kinds.images.source import ImageSource
from data_pipelines.prepare import prepare
from data_pipelines.shards.manifest import verify
from lcjax.errors import DataError


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    out = tmp_path_factory.mktemp("images")
    images = np.arange(12 * 5 * 5 * 2).reshape(12, 5, 5, 2).astype(np.float32)
    np.savez(out / "a.npz", x=images, y=np.array(["real", "bogus"] * 6), odds=np.linspace(0, 1, 12))
    settings = ImageSettings(channel_names=("g", "r"), targets=("odds",))
    return images, prepare(
        "image_files", [out / "a.npz"], out / "D", shards=2, fractions=(0.5, 0.0, 0.5), images=settings
    )


@pytest.mark.parametrize("reader", ["plain", "tf.data"])
def test_prepared_and_read(done, reader):
    images, prepared = done
    assert prepared.objects == {"train": 6, "test": 6} and not verify(prepared.manifest.folder)
    source = ImageSource(prepared.manifest.folder, "test", 4, reader=reader)
    assert (
        source.channel_names == ("g", "r")
        and source.target_names == ("odds",)
        and source.class_names == ("bogus", "real")
    )
    rows = list(source.evaluation_batches())
    assert sum(b["weight"].sum() for b in rows) == 6
    for batch in rows:
        for i in np.flatnonzero(batch["weight"]):
            k = int(batch["object_id"][i].split("-")[1])
            np.testing.assert_array_equal(batch["image"][i], images[k])
            assert batch["label"][i] == (k + 1) % 2 and abs(batch["target"][i, 0] - k / 11) < 1e-6
            assert np.isnan(batch["full_scale"][i])


def test_described(done, tmp_path):
    found = describe(done[1].manifest.folder)
    assert found.facts["shapes"] == "5x5x2" and found.facts["channels"] == "g,r"
    assert found.counts["train"].keys() == {"bogus", "real"}
    import matplotlib.pyplot as plt

    assert len(found.figures["images"](plt).axes) == 12


def test_channels_of_two_datasets_must_agree(done, tmp_path):
    np.savez(tmp_path / "b.npz", x=done[0])
    other = prepare(
        "image_files",
        [tmp_path / "b.npz"],
        tmp_path / "D",
        name="other",
        images=ImageSettings(channel_names=("r", "g")),
    )
    both = ImageSource([done[1].manifest.folder, other.manifest.folder], "train", 2, reader="plain")
    with pytest.raises(DataError, match="different channels"):
        _ = both.channel_names
