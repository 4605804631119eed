"""Classifiers on frozen embeddings."""

import sys

import numpy as np
import pytest

from lcjax.errors import DataError, MissingExtraError
from lcjax.evaluation.classification import macro_f1
from lcjax.evaluation.probe import (
    ALL,
    CLASSIFIERS,
    ClassFolds,
    balanced_macro_f1,
    classifier,
    draw,
    mean_recall,
    probe,
    probe_classes,
)


def blobs(per_class: int = 80, classes: int = 4, width: int = 8, apart: float = 4.0, seed: int = 0):
    rng = np.random.default_rng(seed)
    centres = apart * rng.normal(size=(classes, width)) / np.sqrt(width)
    label = np.repeat(np.arange(classes), per_class)
    return centres[label] + rng.normal(size=(len(label), width)), label


@pytest.mark.parametrize("name", CLASSIFIERS)
def test_separate_classes_are_told_apart_whatever_the_units(name, monkeypatch):
    monkeypatch.setattr("lcjax.evaluation.probe.TREES", 20)
    x, y = blobs(apart=12.0)
    x = x * np.array([1e6, *np.ones(7)])  # one column in other units must not drown the others
    x[::9, 3] = np.nan
    guess = classifier(name).fit(x[::2], y[::2]).predict(x[1::2])
    assert np.mean(guess == y[1::2]) > 0.95


def test_the_penalty_is_chosen_from_the_labelled_stars_alone():
    """Many columns of noise ask for a strong one, few clear columns for a weak one; stars of a single object are no obstacle."""
    x, y = blobs(per_class=12, width=200, apart=1.0)
    chosen = lambda fitted: 1 / fitted[-1].best_params_["C"]
    strong = classifier("logistic regression").fit(x, y)
    assert chosen(strong) >= 100
    far, z = blobs(per_class=60, width=3, apart=8.0)
    assert chosen(classifier("logistic regression").fit(far, z)) <= 10
    few = np.concatenate([np.flatnonzero(y == 0)[:1], np.flatnonzero(y == 1)])
    assert classifier("logistic regression").fit(x[few], y[few]).predict(x[few[:1]]) in (0, 1)
    single = [0, 12, 24, 36]
    assert classifier("logistic regression").fit(x[single], y[single]).predict(x[single]).tolist() == [0, 1, 2, 3]


def test_folds_deal_out_each_class():
    label = np.array([0] * 6 + [1] * 4 + [2])
    parts = list(ClassFolds(3, 0).split(label[:, None], label))
    held = np.concatenate([test for _, test in parts])
    assert sorted(held.tolist()) == list(range(10))  # each once, and the single one never
    assert all(not set(train) & set(test) and {0, 1} <= set(label[train]) for train, test in parts)
    assert all(set(label[test]) == {0, 1} for _, test in parts)


def test_a_column_that_is_never_there_is_no_error():
    x, y = blobs(apart=12.0)
    x[:, 0] = np.nan
    assert np.mean(classifier("logistic regression").fit(x, y).predict(x) == y) > 0.95


def test_an_unknown_classifier_and_a_missing_package_are_one_sentence(monkeypatch):
    with pytest.raises(DataError, match="no classifier 'oracle': use nearest neighbours"):
        classifier("oracle")
    monkeypatch.setitem(sys.modules, "sklearn.ensemble", None)
    with pytest.raises(MissingExtraError, match=r"scikit-learn'.*lcjax\[classic\]"):
        classifier("random forest")


def test_macro_f1_agrees_with_scikit_learn_where_classes_are_equal():
    metrics = pytest.importorskip("sklearn.metrics", reason="needs scikit-learn (extra test or classic)")
    rng = np.random.default_rng(0)
    truth, guess = np.repeat(np.arange(4), 50), rng.integers(0, 4, 200)
    expected = metrics.f1_score(truth, guess, average="macro")
    assert balanced_macro_f1(truth, guess[None], 4, np.arange(200)).value == pytest.approx(expected)
    assert macro_f1(truth, guess) == pytest.approx(expected)


def test_classes_count_alike_however_many_are_tested():
    truth = np.repeat([0, 1], [1000, 10])
    guess = truth.copy()
    guess[:100] = 1  # a tenth of the first class goes to the second, and outnumbers it
    guess[1000] = 0
    many = balanced_macro_f1(truth, guess[None], 2, np.arange(1010)).value
    few = np.repeat([0, 1], [10, 10])
    same = few.copy()
    same[0], same[10] = 1, 0
    assert many == pytest.approx(balanced_macro_f1(few, same[None], 2, np.arange(20)).value)


def test_intervals_are_over_stars_and_draws():
    rng = np.random.default_rng(1)
    truth = np.repeat([0, 1], 50)
    one = np.where(rng.random(100) < 0.3, 1 - truth, truth)
    objects = np.arange(100)
    single = balanced_macro_f1(truth, one[None], 2, objects)
    assert single.low < single.value < single.high
    twice = [np.tile(x, 2) for x in (truth, one, objects)]  # windows of the same stars are no new stars
    again = balanced_macro_f1(twice[0], twice[1][None], 2, twice[2])
    assert again.high - again.low == pytest.approx(single.high - single.low, rel=0.15)
    apart = balanced_macro_f1(truth, np.stack([truth, 1 - truth]), 2, objects)  # draws that disagree
    assert apart.value == 0.5 and (apart.low, apart.high) == (0, 1)
    perfect = balanced_macro_f1(truth[45:55], truth[None, 45:55], 2, np.arange(10))
    assert perfect.value == pytest.approx(1) == perfect.high and 0.6 < perfect.low < 0.8


def test_draws_have_so_many_of_each_class_and_no_star_twice():
    label = np.repeat([0, 1, 2], [50, 20, 5])
    pool = np.arange(10, 75)
    rows = draw(label, pool, 8, 0)
    assert np.bincount(label[rows]).tolist() == [8, 8, 5] and len(set(rows)) == 21 and rows.min() >= 10
    assert sorted(rows) != sorted(draw(label, pool, 8, 1)) and (draw(label, pool, 8, 0) == rows).all()
    assert draw(label, pool, ALL, 0).tolist() == pool.tolist()


def test_scores_of_embeddings_and_of_noise():
    x, y = blobs(apart=8.0)
    train, test = np.arange(0, 320, 2), np.arange(1, 320, 2)
    names = ("nearest neighbours", "logistic regression")
    scores = probe(x, y, train, test, "abcd", shots=(10, ALL), draws=3, classifiers=names)
    assert [(s.classifier, s.shots, s.train, s.tested) for s in scores] == [
        (name, shots, count, 160) for shots, count in ((10, 40), (ALL, 160)) for name in names
    ]
    assert all(s.macro_f1.value > 0.8 and s.macro_f1.low > 0.7 and set(s.recall) == set("abcd") for s in scores)
    assert scores == probe(x, y, train, test, "abcd", shots=(10, ALL), draws=3, classifiers=names)
    assert scores[2].as_dict()["shots"] == "all"
    noise = np.random.default_rng(0).normal(size=x.shape)
    (score, _) = probe(noise, y, train, test, "abcd", shots=(10,), draws=3, classifiers=names)
    assert score.macro_f1.low < 0.25 < score.macro_f1.high


def test_what_cannot_be_probed_is_one_sentence():
    x, y = blobs(per_class=6)
    with pytest.raises(DataError, match="there are 1 classes"):
        probe(x, y, np.arange(6), np.arange(6, 24), "abcd")
    with pytest.raises(DataError, match="among those to be scored on"):
        probe(x, y, np.arange(12), np.arange(11, 24), "abcd")
    with pytest.raises(DataError, match="among those to be scored on"):
        probe(x, y, np.arange(12), np.arange(12, 24), "abcd", objects=["same"] * 24)


def test_classes_with_enough_stars_and_recalls():
    label = np.array([0, 0, 0, 1, 1, -1])
    assert probe_classes(label, np.array([0, 1, 3]), np.array([2, 4, 5]), 1, 1) == {0: (2, 1), 1: (1, 1)}
    assert probe_classes(label, np.array([0, 1, 3]), np.array([2, 4, 5]), 2, 1) == {0: (2, 1)}
    found = mean_recall(np.array([0, 0, 1]), np.array([[0, 1, 1], [0, 0, 0]]), "ab")
    assert found == {"a": 0.75, "b": 0.5}
