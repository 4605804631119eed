"""Simulated stars at the epochs of a split: every dataset alike, its own errors and brightness, classes by number."""

import numpy as np
import pytest

from data_pipelines.kinds.light_curves import simulated_like as module
from data_pipelines.kinds.light_curves.simulated_like import simulated_like
from lcjax.errors import DataError

WHERE = np.array(["far", "far", "near"])
"""Of records, which batches have in another order."""


def batches(errors=(0.05, 0.01, 0.02)):
    rng = np.random.default_rng(0)
    time = np.sort(rng.uniform(0, 1000, (4, 30)), 1).astype(np.float32)
    mask = np.ones((4, 30), bool)
    mask[1, 20:] = False
    error = np.array([*errors, 9.0], np.float32)[:, None] * np.ones((4, 30), np.float32)
    level = np.array([10.0, 18.0, 18.0, 0.0], np.float32)[:, None] + 0.1 * rng.normal(size=(4, 30)).astype(np.float32)
    yield {
        "time": time, "magnitude": level, "magnitude_error": error, "mask": mask,
        "weight": np.array([1, 1, 1, 0], np.float32), "record": np.array([2, 0, 1, 3]),
    }  # fmt: skip


def test_every_dataset_alike_with_its_own_errors():
    stars = simulated_like(batches(), WHERE, 60, ("RRab", "MIRA"), 25, 1)
    assert stars["mask"].shape == (60, 25) and set(stars["label"]) == {0, 1}
    error = np.where(stars["mask"], stars["magnitude_error"], 0).max(1)
    assert (np.isclose(error, 0.05).sum(), np.isclose(error, 0.05).sum() + (error < 0.03).sum()) == (30, 60)
    middle = np.array([np.median(row[there]) for row, there in zip(stars["magnitude"], stars["mask"], strict=True)])
    assert (middle[np.isclose(error, 0.05)] < 14).all() and (middle[error < 0.03] > 14).all()
    assert np.isfinite(stars["period"]).all() and (stars["period"][stars["label"] == 0] < 2).all()
    points = stars["mask"].sum(1)
    assert points.min() >= 5 and points.max() == 25
    assert not np.array_equal(stars["label"][:30], stars["label"][30:]), "each dataset has stars of its own"
    again = simulated_like(batches(), WHERE, 60, ("RRab", "MIRA"), 25, 1)
    np.testing.assert_array_equal(stars["magnitude"], again["magnitude"])


def test_without_errors_there_is_nothing_to_simulate_at():
    with pytest.raises(DataError, match="no light curve has"):
        simulated_like(batches((0.0, np.nan, -1.0)), WHERE, 4, ("RRab", "MIRA"), 25, 1)


def test_what_is_fainter_than_a_survey_reports_is_not_there(monkeypatch):
    limits, resampled = [], module.resampled_stars
    monkeypatch.setattr(module, "resampled_stars", lambda *given: limits.append(given[6]) or resampled(*given))
    (batch,) = batches()
    stars = simulated_like([batch], WHERE, 40, ("MIRA",), 25, 1)
    every = [batch["magnitude"][rows][batch["mask"][rows]] for rows in ([1, 2], [0])]  # far, near
    np.testing.assert_allclose(limits, [np.quantile(one, 0.999) for one in every])
    faintest = np.where(stars["mask"], stars["magnitude"], 0).max(1)
    assert np.median(faintest[:20]) < limits[0] + 0.1 and np.median(faintest[20:]) < limits[1] + 0.3
    assert np.median(np.where(stars["mask"], stars["magnitude"], 99).min(1)[:20]) < limits[0] - 1, (
        "but brighter they are"
    )


def test_stars_of_several_calls_differ(monkeypatch):
    monkeypatch.setattr(module, "TOGETHER", 5)
    stars = simulated_like(batches(), WHERE, 20, ("RRab", "MIRA"), 25, 1)
    assert len(np.unique(stars["period"])) == 20


def test_no_star_is_lost_between_datasets_and_classes_have_their_relative_numbers():
    stars = simulated_like(batches(), WHERE, 901, ("EW", "BCEP"), 5, 1)
    assert len(stars["label"]) == 901
    assert np.mean(stars["label"]) == pytest.approx(0.2 / 1.2, abs=0.04)  # of `resampled.CLASSES`
