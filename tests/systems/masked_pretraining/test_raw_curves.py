"""Raw light curves as arrays: centred times, sound points, windows as they are cut, means over windows."""

import numpy as np
import pytest

from lcjax.configs import WindowConfig
from lcjax.errors import DataError
from lcjax.systems.masked_pretraining.raw_curves import answer_curves, centred, cut, joined, receive


def curves():
    """Two curves of 7 and 4 points, the second padded with what is not finite, one magnitude unknown."""
    time = 59_000 + np.arange(7.0) + np.array([[0.0], [100.0]])
    magnitude, error = np.full((2, 7), 15.0) + np.arange(7), np.full((2, 7), 0.1)
    mask = np.arange(7) < np.array([[7], [4]])
    time[1, 4:], magnitude[0, 2] = np.nan, np.inf
    return {"time": time, "magnitude": magnitude, "magnitude_error": error, "mask": mask}


def test_times_are_days_from_the_middle_and_points_are_sound():
    ready = receive(curves())
    assert ready["time"].dtype == np.float32 and ready["mask"].tolist()[0] == [
        True,
        True,
        False,
        True,
        True,
        True,
        True,
    ]
    np.testing.assert_array_equal(ready["time"][0], [-3, -2, -1, 0, 1, 2, 3])
    np.testing.assert_array_equal(ready["time"][1], [-1.5, -0.5, 0.5, 1.5, 0, 0, 0])
    assert ready["magnitude"][0, 2] == 0 and ready["mask"].sum() == 10
    again = centred({name: ready[name] for name in ready} | {"time": ready["time"] + 1024})
    np.testing.assert_array_equal(again["time"], ready["time"] * ready["mask"])


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"mask": np.zeros((2, 7), bool)}, "light curve 0 of the batch has no finite point"),
        ({"time": np.zeros((2, 6))}, r"arrays \(rows, points\) of one shape"),
        ({"magnitude": None}, r"no 'magnitude'"),
    ],
)
def test_what_does_not_fit_is_one_sentence(change, reason):
    batch = {name: value for name, value in (curves() | change).items() if value is not None}
    with pytest.raises(DataError, match=reason):
        receive(batch)


def test_windows_hold_the_points_in_order_and_means_count_them():
    batch = receive(curves())
    window = WindowConfig(length=3, evaluation_mode="sequential")
    windows, points = cut(batch, window, False)
    assert windows["mask"].shape == (2 * points.shape[1], 3) and points.sum(1).tolist() == [6, 4]
    first = windows["time"][: points.shape[1]][windows["mask"][: points.shape[1]]]
    np.testing.assert_array_equal(first, [-3, -2, 0, 1, 2, 3])
    whole, all_points = cut(batch, WindowConfig(length=9), True)
    assert whole["mask"].shape == (2, 9) and all_points.tolist() == [[6], [4]]
    values = np.arange(2.0 * points.shape[1])
    weights = np.asarray(points)
    expected = (values.reshape(2, -1) * weights).sum(1) / weights.sum(1)
    np.testing.assert_allclose(joined(values, points), expected)


def test_answers_of_windows_are_averaged_by_their_points():
    window = WindowConfig(length=3, evaluation_mode="sequential")
    network = lambda windows: {
        "mean": (windows["magnitude"] * windows["mask"]).sum(1) / np.maximum(windows["mask"].sum(1), 1)
    }
    batch = receive(curves())
    found = answer_curves(network, batch, window, False)
    np.testing.assert_allclose(found["mean"], [np.mean([15, 16, 18, 19, 20, 21]), 16.5], rtol=1e-6)
