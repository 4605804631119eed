"""Images that come again under other names are said, with those of another class; what looks alike by nature is not."""

import numpy as np

from data_pipelines.kinds.images.options import ImageSettings
from data_pipelines.kinds.images.reading import read_images
from data_pipelines.kinds.report import RecordReport

STACK = np.random.default_rng(0).integers(0, 255, (4, 6, 6)).astype(np.uint8)


def warned(tmp_path, **arrays):
    np.savez(tmp_path / "a.npz", **arrays)
    report = RecordReport("images")
    assert len(list(read_images([tmp_path / "a.npz"], ImageSettings(), report))) == len(arrays["image"])
    said = report.rows({})
    assert report.as_dict().get("warnings", {}) == {name: said[name] for name in report.warnings}
    return report.warnings.get("same pixels", "")


def test_repeated_pixels_are_said(tmp_path):
    image, label = np.concatenate([STACK, STACK[:3]]), np.array(["bogus", "real"])[[0, 1, 0, 1, 0, 0, 0]]
    said = warned(tmp_path, image=image, label=label)
    assert said.startswith("3 images have the pixels of another one ('a-4' those of 'a-0'), 1 of them another class")
    assert "another class" not in warned(tmp_path, image=image)


def test_what_may_look_alike_is_not_said(tmp_path):
    """Images of one value, several of one object, and the same bytes as other numbers."""
    assert not warned(tmp_path, image=np.concatenate([STACK, 0 * STACK[:3]]))
    twice = np.concatenate([STACK[:1], STACK[:1]])
    assert not warned(tmp_path, image=twice, object_id=np.array(["x", "x"]))
    assert warned(tmp_path, image=twice, object_id=np.array(["x", "y"]))
