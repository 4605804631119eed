"""simulated_real_bogus: stamps of the survey asked for, in the classes and channels promised."""

import numpy as np
import pytest

from data_pipelines.kinds.images.options import ImageSettings
from data_pipelines.kinds.images.source import ImageSource
from data_pipelines.prepare import prepare
from data_pipelines.simulate.real_bogus import SURVEYS, simulate_stamp
from lcjax.errors import ConfigError


def test_prepared_and_read(tmp_path):
    done = prepare(
        "simulated_real_bogus",
        [],
        tmp_path,
        name="sim",
        n_objects=16,
        shards=1,
        seed=3,
        images=ImageSettings(survey="hits"),
    )
    source = ImageSource(done.manifest.folder, "train", 4, reader="plain")
    assert source.channel_names == ("template", "science", "difference") and source.class_names == ("bogus", "real")
    (_, batch), *_ = source.train_batches().__next__(), None
    for name, image, label in zip(batch["object_id"], batch["image"], batch["label"], strict=True):
        stamp, kind = simulate_stamp("hits", 3, int(name.split("-")[1]))
        np.testing.assert_array_equal(image, stamp)
        assert source.class_names[label] == kind
    assert batch["pixel_scale"][0] == pytest.approx(0.27)


def test_a_survey_must_be_said(tmp_path):
    with pytest.raises(ConfigError, match="hits, des, atlas, ztf"):
        prepare("simulated_real_bogus", [], tmp_path, n_objects=4)


@pytest.mark.parametrize("survey", SURVEYS)
def test_real_ones_are_seen_in_the_difference(survey):
    """The middle of the difference is brighter than its edge in real stamps; shares of classes and sizes are the survey's."""
    made = [simulate_stamp(survey, 0, number) for number in range(150)]
    of = SURVEYS[survey]
    assert made[0][0].shape == (of.side, of.side, 3)
    real = np.array([label == "real" for _, label in made])
    assert abs(1 - real.mean() - of.bogus) < 0.12
    middle = of.side // 2
    peaks = [
        stamp[middle - 1 : middle + 2, middle - 1 : middle + 2, 2].mean() / of.sky
        for stamp, label in made
        if label == "real"
    ]
    assert np.mean(np.array(peaks) > 2) > 0.9
    assert all(np.isfinite(stamp[..., 0]).all() for stamp, _ in made)
