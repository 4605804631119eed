"""Classifiers on frozen embeddings."""

import numpy as np
import pytest

from lcjax.errors import DataError
from lcjax.evaluation.probe import CLASSIFIERS, few_shot, logistic_regression, macro_f1, nearest_neighbours


def blobs(per_class: int = 80, classes: int = 4, width: int = 8, apart: float = 4.0, seed: int = 0):
    rng = np.random.default_rng(seed)
    centres = apart * rng.normal(size=(classes, width)) / np.sqrt(width)
    label = np.repeat(np.arange(classes), per_class)
    return centres[label] + rng.normal(size=(len(label), width)), label


@pytest.mark.parametrize("name", CLASSIFIERS)
def test_separate_classes_are_told_apart(name):
    x, y = blobs(apart=12.0)
    guess = CLASSIFIERS[name](x[::2], y[::2], x[1::2])
    assert np.mean(guess == y[1::2]) > 0.97


def test_logistic_regression_agrees_with_scikit_learn():
    linear_model = pytest.importorskip("sklearn.linear_model")
    x, y = blobs(apart=3.0, seed=3)
    z = (x[::2] - x[::2].mean(0)) / x[::2].std(0)
    test = (x[1::2] - x[::2].mean(0)) / x[::2].std(0)
    expected = linear_model.LogisticRegression(C=1.0, max_iter=2000).fit(z, y[::2]).predict(test)
    assert np.mean(logistic_regression(x[::2], y[::2], x[1::2], iterations=1000) == expected) > 0.99


def test_macro_f1_agrees_with_scikit_learn():
    metrics = pytest.importorskip("sklearn.metrics")
    rng = np.random.default_rng(0)
    truth, guess = rng.integers(0, 4, 200), rng.integers(0, 4, 200)
    assert macro_f1(truth, guess) == pytest.approx(metrics.f1_score(truth, guess, average="macro"))


def test_labels_need_not_start_at_zero():
    x, y = blobs(classes=3, apart=12.0)
    names = np.array([2, 5, 9])[y]
    assert set(nearest_neighbours(x, names, x)) == {2, 5, 9} == set(logistic_regression(x, names, x))


def test_few_shot_scores():
    x, y = blobs(apart=8.0)
    y[:5] = -1
    scores = few_shot(x, y, list("abcd"), shots=10, draws=3)
    assert [s.classifier for s in scores] == list(CLASSIFIERS)
    assert all(s.macro_f1 > 0.8 and s.classes == tuple("abcd") for s in scores)
    again = few_shot(x, y, list("abcd"), shots=10, draws=3)
    assert scores == again
    noise = few_shot(np.random.default_rng(0).normal(size=x.shape), y, list("abcd"), shots=10, draws=3)
    assert all(abs(s.macro_f1 - 0.25) < 0.12 for s in noise)


def test_too_few_objects_is_one_sentence():
    x, y = blobs(per_class=6)
    with pytest.raises(DataError, match="20-shot probe"):
        few_shot(x, y, list("abcd"), shots=20)
