"""Simulated stars at the epochs of a split: every dataset alike, its own errors and brightness, classes by number."""

import numpy as np
import pytest

from data_pipelines.kinds.light_curves.simulated_like import simulated_like
from lcjax.errors import DataError

WHERE = np.array(["near", "far", "far"])


def batches(errors=(0.05, 0.01, 0.02)):
    rng = np.random.default_rng(0)
    time = np.sort(rng.uniform(0, 1000, (4, 30)), 1).astype(np.float32)
    mask = np.ones((4, 30), bool)
    mask[1, 20:] = False
    error = np.array([*errors, 9.0], np.float32)[:, None] * np.ones((4, 30), np.float32)
    level = np.array([10.0, 18.0, 18.0, 0.0], np.float32)[:, None] + 0.1 * rng.normal(size=(4, 30)).astype(np.float32)
    yield {
        "time": time, "magnitude": level, "magnitude_error": error, "mask": mask,
        "weight": np.array([1, 1, 1, 0], np.float32), "record": np.array([0, 1, 2, 3]),
    }  # fmt: skip


def test_every_dataset_alike_with_its_own_errors():
    stars = simulated_like(batches(), WHERE, 60, ("RRab", "MIRA"), 25, 1)
    assert stars["mask"].shape == (60, 25) and set(stars["label"]) == {0, 1}
    error = np.where(stars["mask"], stars["magnitude_error"], 0).max(1)
    assert (np.isclose(error, 0.05).sum(), np.isclose(error, 0.05).sum() + (error < 0.03).sum()) == (30, 60)
    middle = np.array([np.median(row[there]) for row, there in zip(stars["magnitude"], stars["mask"], strict=True)])
    assert (middle[np.isclose(error, 0.05)] < 14).all() and (middle[error < 0.03] > 14).all()
    assert np.isfinite(stars["period"]).all() and (stars["period"][stars["label"] == 0] < 2).all()
    points = stars["mask"].sum(1)  # what is fainter than the survey reports is not there
    assert points.min() >= 5 and points.max() == 25
    again = simulated_like(batches(), WHERE, 60, ("RRab", "MIRA"), 25, 1)
    np.testing.assert_array_equal(stars["magnitude"], again["magnitude"])


def test_without_errors_there_is_nothing_to_simulate_at():
    with pytest.raises(DataError, match="no light curve has"):
        simulated_like(batches((0.0, np.nan, -1.0)), WHERE, 4, ("RRab", "MIRA"), 25, 1)
