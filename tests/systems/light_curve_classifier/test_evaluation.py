"""Held-out scores: windows pooled by star, stars and windows counted apart."""

import dataclasses
from pathlib import Path

import jax
import numpy as np
import pytest

from lcjax.errors import DataError
from lcjax.inference.loaded import Loaded
from lcjax.systems.light_curve_classifier.config import LightCurveClassifierExperiment
from lcjax.systems.light_curve_classifier.evaluation import _pooled, answer_stars, blocks_read, evaluate
from tests.systems.light_curve_classifier.stars import CLASSES, Split

CERTAIN = 0.8


def answers_by_length(pooling="probabilities"):
    """A model that is right (0.8 for the class) on windows of fewer than 20 points, else takes them for the next class."""

    def windows(variables, batch):
        del variables
        short = batch["mask"].sum(1) < 20
        best = jax.numpy.where(short, batch["label"], batch["label"] + 1) % len(CLASSES)
        p = jax.numpy.where(jax.nn.one_hot(best, len(CLASSES)) > 0, CERTAIN, (1 - CERTAIN) / 2)
        score = jax.numpy.log(p) if pooling == "log_probabilities" else p
        return {"score": score, "embedding": batch["mask"].sum(1, keepdims=True).astype(float)}

    task = dataclasses.make_dataclass("Task", ["extras"])({"windows": windows})
    experiment = LightCurveClassifierExperiment(class_names=CLASSES, pooling=pooling)
    return Loaded(experiment, task, {}, Path("W"))


def test_all_windows_of_a_star_in_all_bands_are_one_answer():
    data = Split("test", bands=("V", "I"))
    answers = answer_stars(answers_by_length(), data)
    assert len(answers.star) == 19 and len(answers.window) == len(data.windows())
    star = answers.star.tolist().index("toy/test3")
    own = [n for r, n in data.windows() if data.object_ids[r] == "test3"]
    assert len(own) == 3
    right = sum(n for n in own if n < 20)
    kind = data.labels[6]
    expected = np.full(3, (1 - CERTAIN) / 2)
    expected[kind] = (CERTAIN * right + (1 - CERTAIN) / 2 * (sum(own) - right)) / sum(own)
    expected[(kind + 1) % 3] = 1 - expected.sum() + expected[(kind + 1) % 3]
    np.testing.assert_allclose(answers.probabilities[star], expected, atol=1e-6)
    assert answers.label[star] == kind and answers.embedding[star, 0] == pytest.approx(np.dot(own, own) / sum(own))


def test_scores_of_stars_and_of_windows(tmp_path):
    data = Split("test", stars=9, rare=5)
    scores = evaluate(answers_by_length(), data, "next")
    windows, stars = scores.facts["windows"], scores.facts["stars"]
    labelled = [(r, n) for r, n in data.windows() if data.labels[r] >= 0]
    assert windows.alerts == len(labelled) and stars.alerts == stars.objects == 23
    assert windows.accuracy.value == pytest.approx(np.mean([n < 20 for _, n in labelled]))
    by_star = {r: [0, 0] for r, _ in labelled}
    for r, n in labelled:
        by_star[r][0 if n < 20 else 1] += n
    assert stars.accuracy.value == pytest.approx(np.mean([good > bad for good, bad in by_star.values()]))
    assert scores.values["stars"]["objects"] == 23 and scores.values["windows"]["windows"] == len(labelled)
    assert "alerts" not in scores.values["stars"] and scores.values["unlabelled"] == 1
    assert [row[0] for row in scores.printed[1].rows] == list(CLASSES)
    assert scores.commands == "next" and ("23", "labelled stars") in scores.cards


def test_a_class_that_no_held_out_star_has_is_named():
    """Macro F1 of the others alone would look like one of all."""
    said = lambda rare: [
        part.text
        for part in evaluate(answers_by_length(), Split("test", rare=rare), "").printed
        if hasattr(part, "text")
    ]
    assert "no labelled star here is of rare: macro F1 and mean recall are of the other classes" in said(0)
    assert not any("no labelled star" in text for text in said(2))


def test_products_and_means_of_windows_differ():
    rows = {
        "score": np.log(np.array([[0.98, 0.02], [0.3, 0.7]])),
        "embedding": np.zeros((2, 1)),
        "label": np.array([0, 0]),
        "points": np.array([10, 30]),
        "star": np.array(["a", "a"], object),
    }
    pooled = _pooled(rows, "log_probabilities").probabilities[0]
    odds = 0.25 * np.log(0.98 / 0.02) + 0.75 * np.log(0.3 / 0.7)
    assert pooled[0] == pytest.approx(1 / (1 + np.exp(-odds)))
    means = _pooled(rows | {"score": np.exp(rows["score"])}, "probabilities").probabilities[0]
    assert means[0] == pytest.approx(0.25 * 0.98 + 0.75 * 0.3)


def test_stars_with_two_classes_are_not_scored():
    data = Split("test", bands=("V", "I"))
    data.labels[0] = 1
    answers = answer_stars(answers_by_length(), data)
    star = answers.star.tolist().index("toy/test0")
    assert answers.contradictory == 1 and answers.label[star] == -1
    assert (answers.window_label[answers.window_star == star] == -1).all()


def test_an_empty_split_is_said():
    data = Split()
    data.windows = lambda: []
    with pytest.raises(DataError, match="no light curves"):
        answer_stars(answers_by_length(), data)


def test_the_report_shows_which_blocks_a_head_reads():
    loaded = answers_by_length()
    assert blocks_read(loaded) == []
    loaded = loaded.replace(variables={"params": {"head": {"gamma": np.log([1.0, 3.0])}}})
    (picture,) = blocks_read(loaded)
    np.testing.assert_allclose([bar.get_height() for bar in picture.draw().axes[0].patches], [0.25, 0.75])
    sections = evaluate(loaded, Split("test", stars=9, rare=5), "next").sections
    assert sum(getattr(part, "caption", "") == picture.caption for part in sections[0].parts) == 1
