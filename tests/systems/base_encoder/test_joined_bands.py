"""Light curves of one band each become stars of several, and no point is lost or counted twice."""

import dataclasses
from types import SimpleNamespace

import numpy as np
import pytest

from lcjax.configs import WindowConfig
from lcjax.errors import DataError
from lcjax.inference.light_curves import LightCurvePredictor
from lcjax.inference.whole_stars import joined_star
from lcjax.systems.base_encoder import BaseEncoderSystem
from lcjax.systems.base_encoder.joined_bands import JoinedStars, Piece, joined_bands
from lcjax.training.task import Packing
from tests.systems.base_encoder.small import small

SLOTS, LENGTH = 6, 16


def windows(ids, bands, counts, epochs):
    """Rows of constant magnitude: that of the row's number."""
    size = max(counts)
    mask = np.arange(size) < np.array(counts)[:, None]
    time = np.where(mask, np.arange(size) * 2.0, 0).astype(np.float32)
    number = np.arange(len(ids), dtype=np.float32)[:, None]
    return {
        "time": time,
        "magnitude": np.where(mask, number, 0).astype(np.float32),
        "magnitude_error": np.where(mask, 0.1 * (1 + number), 0).astype(np.float32),
        "mask": mask,
        "length": np.array(counts, np.int32),
        "label": np.arange(len(ids), dtype=np.int32),
        "weight": np.ones(len(ids), np.float32),
        "record": np.arange(len(ids)),
        "object_id": np.array(ids),
        "band": np.array(bands),
        "reference_mjd": np.array(epochs, np.float64),
    }


def test_points_are_side_by_side_with_their_bands():
    rows = windows(["a", "b", "a", "c"], ["r", "V", "g", "u"], [4, 3, 5, 2], [60_001.0, 50_000.0, 60_000.0, 1.0])
    said = []
    found = joined_bands(rows, SLOTS, LENGTH, np.array(["x"] * 4), said.append)
    assert found["object_id"].tolist() == ["a", "b", "c"] and found["label"].tolist() == [0, 1, 3]
    assert found["length"].tolist() == [9, 3, 2] and "reference_mjd" not in found
    at = found["mask"][0]
    np.testing.assert_array_equal(found["time"][0][at], np.arange(9) - 4.0)
    assert found["band"][0][at].tolist() == [1, 2, 1, 2, 1, 2, 1, 2, 1], "g between r, by time"
    np.testing.assert_array_equal(found["magnitude"][0][at], np.where(found["band"][0][at] == 1, 2.0, 0.0))
    np.testing.assert_allclose(found["magnitude_error"][0][at], np.where(found["band"][0][at] == 1, 0.3, 0.1))
    assert set(found["band"][1][found["mask"][1]]) == {2} and found["mask"].shape == (3, LENGTH)
    padding = ~found["mask"]
    assert not any(found[name][padding].any() for name in ("time", "magnitude", "magnitude_error", "band"))
    assert said == []


def test_one_id_of_two_surveys_is_two_stars_and_long_ones_are_thinned_alike():
    rows = windows(["a", "a", "a"], ["g", "r", "g"], [12, 12, 12], [0.0, 0.0, 500.0])
    found = joined_bands(rows, SLOTS, LENGTH, np.array(["x", "x", "y"]))
    assert found["length"].tolist() == [12, 12]
    assert np.all(np.diff(found["time"][0][:12]) >= 0) and 2 < np.sum(found["band"][0] == 1) < 10
    every = joined_bands(rows, SLOTS, LENGTH, np.array(["x", "x", "y"]), every=True)
    assert every["length"].tolist() == [12, 12, 12] and every["object_id"].tolist() == ["a", "a", "a"]
    assert every["label"].tolist() == [0, 0, 2], "a star keeps what its first row says"
    for name in ("time", "magnitude", "band"):
        np.testing.assert_array_equal(every[name][[0, 2]], found[name])


def test_what_is_predicted_is_what_training_sees():
    rows = windows(["a", "a", "b"], ["g", "r", "V"], [12, 12, 5], [60_000.0, 60_000.25, 500.0])
    trained = joined_bands(rows, SLOTS, LENGTH, np.array(["x"] * 3), every=True)
    task = SimpleNamespace(
        batch_spec={"mask": np.zeros((2, LENGTH)), "band": 0}, full_length=False, packing=Packing(), predict=None
    )
    predictor = LightCurvePredictor(task, {}, WindowConfig(length=LENGTH), 2)
    mjd = rows["time"].astype(np.float64) + rows["reference_mjd"][:, None]
    curve = lambda row: Piece(
        str(rows["object_id"][row]), str(rows["band"][row]),
        *(values[row][rows["mask"][row]] for values in (mjd, rows["magnitude"], rows["magnitude_error"])),
    )  # fmt: skip
    asked = [joined_star([curve(1), curve(0)], SLOTS), curve(2)]
    found = [row for one in asked for row in predictor._cut(one)[1]]
    assert len(found) == len(trained["mask"]) == 3
    for number, row in enumerate(found):
        mask = trained["mask"][number]
        for name in ("time", "magnitude", "magnitude_error", *(["band"] if number < 2 else [])):
            np.testing.assert_array_equal(row[name], trained[name][number][mask])


def test_batches_to_evaluate_hold_every_window_once():
    rows = windows(["a", "a", "b"], ["g", "r", "g"], [12, 12, 5], [0.0, 0.0, 0.0])
    data = SimpleNamespace(
        class_names=("x",), labels=np.zeros(3, np.int32), n_objects=2, fingerprint="f", dataset_of_record=np.array(["s"] * 3),
        evaluation_batches=lambda: iter([rows]), describe=dict,
    )  # fmt: skip
    first, second = JoinedStars(data, SLOTS, LENGTH, rows=2).evaluation_batches()
    assert first["object_id"].tolist() == ["a", "a"] and second["object_id"].tolist() == ["b", "b"]
    assert second["weight"].tolist() == [1, 0] and first["band"].shape == (2, LENGTH)
    bands = dataclasses.replace(small().model.encoder, bands=SLOTS)
    settings = dataclasses.replace(small(), model=dataclasses.replace(small().model, encoder=bands))
    rows["band"] = np.array(["g", "F606W", "g"])
    said = []
    list(BaseEncoderSystem().matched(settings, data, training=False, say=said.append).evaluation_batches())
    assert len(said) == 1 and said[0].startswith("1 of 2 stars set aside; the first: a: ")


def test_stars_whose_bands_are_not_known_are_counted():
    rows = windows(["a", "b", "b"], ["g", "g", "F606W"], [4, 4, 4], [0.0, 0.0, 0.0])
    said = []
    found = joined_bands(rows, SLOTS, LENGTH, np.array(["x"] * 3), said.append)
    assert found["object_id"].tolist() == ["a"]
    assert len(said) == 1 and said[0].startswith("1 of 2 stars set aside; the first: b: ") and "'F606W'" in said[0]
    with pytest.raises(DataError, match="no star of several bands"):
        joined_bands({name: value[1:] for name, value in rows.items()}, SLOTS, LENGTH, np.array(["x"] * 2))
