"""Light curves of one band each become stars of several, and no point is lost or counted twice."""

import numpy as np
import pytest

from lcjax.errors import DataError
from lcjax.systems.base_encoder.joined_bands import joined_bands

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
    assert found["length"].tolist() == [16, 12]
    assert np.all(np.diff(found["time"][0]) >= 0) and 4 < np.sum(found["band"][0] == 1) < 12
    again = joined_bands(rows, SLOTS, LENGTH, np.array(["x", "x", "y"]))
    np.testing.assert_array_equal(found["time"], again["time"])


def test_stars_whose_bands_are_not_known_are_counted():
    rows = windows(["a", "b", "b"], ["g", "g", "F606W"], [4, 4, 4], [0.0, 0.0, 0.0])
    said = []
    found = joined_bands(rows, SLOTS, LENGTH, np.array(["x"] * 3), said.append)
    assert found["object_id"].tolist() == ["a"]
    assert len(said) == 1 and said[0].startswith("1 of 2 stars set aside; the first: b: ") and "'F606W'" in said[0]
    with pytest.raises(DataError, match="no star of several bands"):
        joined_bands({name: value[1:] for name, value in rows.items()}, SLOTS, LENGTH, np.array(["x"] * 2))
