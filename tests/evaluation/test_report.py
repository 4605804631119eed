"""Pictures, projection, summaries, scores and the page."""

import re

import numpy as np
import pytest

from lcjax.evaluation import figures, report
from lcjax.evaluation.intervals import Score
from lcjax.evaluation.projection import nearest_neighbour_accuracy, principal_components
from lcjax.evaluation.reconstruction import (
    ReconstructionSums,
    SumsByObject,
    probed_sums,
    score,
    score_groups,
    within_errors,
)
from lcjax.evaluation.window_statistics import QUANTITIES, join, window_statistics


def window(n: int = 60, period: float = 3.3, seed: int = 0) -> dict:
    rng = np.random.default_rng(seed)
    time = np.sort(rng.uniform(0, 300, n))
    magnitude = 15 + 0.5 * np.cos(2 * np.pi * time / period) + rng.normal(0, 0.02, n)
    probed = rng.random(n) < 0.5
    return {
        "title": "a star", "time": time, "magnitude": magnitude, "magnitude_error": np.full(n, 0.02),
        "visible": ~probed, "probed": probed, "prediction": np.full(n, 15.0),
    }  # fmt: skip


def test_self_contained_page(tmp_path):
    history = [
        {"split": split, "step": 10 * i, "loss": 1 / (i + 1), "r2": -5.0 if i == 0 else 0.5}
        for i in range(30)
        for split in ("train", "validation")
    ]
    bad = {"split": "train", "step": 400, "loss": float("nan"), "r2": None}
    rows = [{"method": "a", "survey": "s", "stars": "all", "r2": Score(0.5, 0.4, 0.6)}]
    pictures = [
        figures.loss_curves([*history, bad]),
        figures.reconstructions([window(), {**window(8), "prediction_error": np.full(8, 0.1)}]),
        figures.embedding_map(
            *(np.random.default_rng(0).normal(size=(40, 2)), np.arange(40) % 15 - 1), ["x"] * 14, np.ones(2)
        ),
        figures.survey_histograms(
            {"a": np.array([1.0, np.nan, 1e4]), "b": np.zeros(3), "c": np.array([]), "d": np.ones(2)}
        ),
        figures.score_bars(rows),
    ]
    sections = [report.section("One & two", *(report.picture(p, "a <caption>") for p in pictures))]
    sections.append(report.folded("more", report.table(("k", "v"), [("<script>", "$x")])))
    page = report.write_page(tmp_path / "new" / "index.html", "Title <1>", "lead $y", [("1", "card")], sections)
    text = page.read_text()
    assert text.count("data:image/png;base64,") == len(pictures)
    assert not re.search(r'(src|href)="(?!data:)', text) and "http" not in text
    assert "<script>" not in text and "Title &lt;1&gt;" in text and "lead $y" in text


def test_pictures_of_nothing():
    figures.loss_curves([])
    figures.survey_histograms({})
    figures.reconstructions([window(1)])


def test_folded_panel_shows_the_period():
    figure = figures.reconstructions([window(period=3.3)])
    assert "3.3" in figure.axes[1].get_title(loc="left")


def test_principal_components():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(50, 1)) @ np.ones((1, 6)) + 0.01 * rng.normal(size=(50, 6))
    coordinates, shares = principal_components(x)
    assert coordinates.shape == (50, 2) and shares[0] > 0.98
    again, _ = principal_components(x)
    np.testing.assert_array_equal(coordinates, again)
    assert principal_components(np.ones((5, 1)))[0].shape == (5, 2)


def test_neighbours_find_separate_classes():
    x = np.repeat(np.eye(3) * 10, 12, axis=0) + np.random.default_rng(0).normal(size=(36, 3))
    label = np.repeat([0, 1, 2], 12)
    assert nearest_neighbour_accuracy(x, label) == (1.0, 3)
    # A class of three cannot have a majority of five neighbours: neither wrong nor a class to guess among.
    label[:9] = -1
    assert nearest_neighbour_accuracy(x, label) == (1.0, 2)


def test_window_statistics_leave_padding_out():
    batch = {
        "time": np.array([[0.0, 1.0, 3.0, 0.0], [0.0, 0.0, 0.0, 0.0], [5.0, 9.0, 0.0, 0.0]]),
        "magnitude": np.array([[10.0, 11.0, 12.0, 0.0], [0.0] * 4, [1.0, 1.0, 0.0, 0.0]]),
        "magnitude_error": np.array([[0.1, 0.2, 0.3, 0.0], [0.0] * 4, [0.1, 0.1, 0.0, 0.0]]),
        "length": np.array([3, 0, 2]),
        "weight": np.array([1.0, 0.0, 1.0]),
    }
    found = window_statistics(batch)
    assert tuple(found) == QUANTITIES
    assert found["points in window"].tolist() == [3, 2] and found["longest gap (d)"].tolist() == [2, 4]
    assert found["median magnitude"].tolist() == [11, 1] and found["median step (d)"].tolist() == [1.5, 4]
    assert len(join([found, found])["median error (mag)"]) == 4 and len(join([])["scatter over error"]) == 0


def test_scores_are_sums_over_objects():
    target = np.array([[1.0, 2.0, 3.0, 0.0], [4.0, 4.0, 6.0, 0.0]])
    probed = np.array([[True, True, True, False], [True, False, True, False]])
    prediction = target + 0.5
    sums = probed_sums(target, prediction, probed)
    adder = SumsByObject()
    adder.add(["a", "a"], ["RRab", "RRab"], ["s", "s"], sums)
    adder.add(["b"], ["MIRA"], ["s"], tuple(x[:1] for x in probed_sums(target, target, probed)))
    total = adder.result()
    assert total.object_id == ["a", "b"] and total.count.tolist() == [5, 3]
    found = score(total.where([True, False]))
    assert found["rmse"].value == pytest.approx(0.5)
    assert found["r2"].value == pytest.approx(1 - 5 * 0.25 / 4)
    rows = score_groups(total)
    assert [r["stars"] for r in rows] == ["all", "without long-period", "long-period"]
    assert rows[2]["r2"].value == 1.0 and "coverage" not in rows[0]


def test_coverage_is_the_share_of_points_within_their_errors():
    target, prediction = np.zeros((2, 3)), np.array([[0.1, 0.3, 0.1], [0.1, 0.1, 9.0]])
    probed = np.array([[True, True, True], [True, True, False]])
    adder = SumsByObject()
    inside = within_errors(target, prediction, np.full((2, 3), 0.2), probed)
    adder.add(["a", "b"], ["RRab", "MIRA"], ["s", "s"], (*probed_sums(target, prediction, probed), inside))
    shares = {row["stars"]: row["coverage"].value for row in score_groups(adder.result())}
    assert shares == pytest.approx({"all": 4 / 5, "without long-period": 2 / 3, "long-period": 1.0})
    assert np.isnan(score(adder.result().where([False, False]))["coverage"].value)


def test_intervals_cover_the_truth():
    rng = np.random.default_rng(0)
    covered = 0
    for trial in range(60):
        squares = rng.gamma(2.0, 0.5, 80)
        ones = np.ones(80)
        found = score(ReconstructionSums([""] * 80, [""] * 80, [""] * 80, squares, 4 * ones, ones), 300, trial)["r2"]
        covered += found.low <= 0.75 <= found.high
    assert 50 <= covered <= 60
