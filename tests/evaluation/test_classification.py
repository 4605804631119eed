"""Scores of classifiers against scikit-learn, and intervals that know which alerts belong together."""

import numpy as np
import pytest
from sklearn import metrics

from lcjax.errors import DataError
from lcjax.evaluation.classification import rates, resampled_confusions, score_classes
from lcjax.evaluation.intervals import wilson_interval
from lcjax.systems.classifier.metrics import class_metrics, summarize_classes

NAMES = ("AGN", "SN", "VS", "asteroid", "bogus")


def answers(count=400, seed=0, classes=5):
    rng = np.random.default_rng(seed)
    label = rng.integers(0, classes, count)
    logits = rng.normal(0, 1, (count, classes)) + 2.0 * np.eye(classes)[label]
    p = np.exp(logits)
    return p / p.sum(-1, keepdims=True), label


def test_values_agree_with_scikit_learn():
    p, label = answers()
    scores = score_classes(p, label, np.arange(400), NAMES, resamples=50)
    best = p.argmax(-1)
    assert np.array_equal(scores.confusion, metrics.confusion_matrix(label, best))
    assert scores.accuracy.value == pytest.approx(metrics.accuracy_score(label, best))
    assert scores.macro_f1.value == pytest.approx(metrics.f1_score(label, best, average="macro"))
    assert scores.balanced_accuracy.value == pytest.approx(metrics.balanced_accuracy_score(label, best))
    assert scores.log_loss == pytest.approx(metrics.log_loss(label, p))
    recall = metrics.recall_score(label, best, average=None)
    assert [scores.recall[n].value for n in NAMES] == pytest.approx(recall)
    precision = metrics.precision_score(label, best, average=None)
    assert [scores.precision[n].value for n in NAMES] == pytest.approx(precision)
    assert not np.allclose(precision, recall)
    for score in (scores.accuracy, scores.macro_f1, *scores.f1.values()):
        assert score.low <= score.value <= score.high


def test_absent_classes_and_unknown_labels_stay_out():
    p, label = answers()
    known = (label != 3) & (label != 1)
    label = np.where(known, label, -1)
    scores = score_classes(p, label, np.arange(400), NAMES, resamples=20)
    assert scores.alerts == known.sum() and np.isnan(scores.recall["SN"].value)
    f1 = metrics.f1_score(label[known], p[known].argmax(-1), average=None, labels=[0, 2, 4])
    assert scores.macro_f1.value == pytest.approx(f1.mean())
    with pytest.raises(DataError, match="nothing here has a label"):
        score_classes(p, np.full(400, -1), np.arange(400), NAMES)


def test_intervals_widen_when_alerts_share_an_object():
    """Forty alerts of each of ten objects say little more than ten alerts."""
    rng = np.random.default_rng(1)
    right = np.repeat(rng.random(10) < 0.6, 40)
    label = np.zeros(400, int)
    p = np.where(right[:, None], [[0.9, 0.1]], [[0.1, 0.9]])
    width = lambda objects: np.subtract(
        *[getattr(score_classes(p, label, objects, "ab").accuracy, k) for k in ("high", "low")]
    )
    assert width(np.repeat(np.arange(10), 40)) > 3 * width(np.arange(400))


def test_bootstrap_by_patterns_is_the_plain_bootstrap():
    """Same mean and spread as drawing objects one by one."""
    rng = np.random.default_rng(2)
    objects = rng.integers(0, 60, 200)
    label, predicted = rng.integers(0, 3, 200), rng.integers(0, 3, 200)
    fast = rates(resampled_confusions(label, predicted, objects, 3, 4000, 0))["accuracy"]
    slow = []
    groups = [np.flatnonzero(objects == o) for o in np.unique(objects)]
    for _ in range(4000):
        index = np.concatenate([groups[i] for i in rng.integers(0, len(groups), len(groups))])
        slow.append(np.mean(label[index] == predicted[index]))
    assert np.mean(fast) == pytest.approx(np.mean(slow), abs=0.003)
    assert np.std(fast) == pytest.approx(np.std(slow), rel=0.07)


def test_unanimous_objects_still_leave_an_interval():
    label = np.array([0, 0, 0, 1, 1])
    probabilities = np.eye(3)[[0, 0, 0, 2, 2]]
    scores = score_classes(probabilities, label, ["a", "a", "b", "c", "d"], ["x", "y", "z"])
    recall = scores.recall
    assert (recall["x"].value, recall["x"].high) == (1, 1)
    assert recall["x"].low == pytest.approx(wilson_interval(1.0, 2)[0])  # two objects, three alerts
    assert recall["y"].value == recall["y"].low == 0 and 0.5 < recall["y"].high < 1
    assert np.isnan(recall["z"].value) and np.isnan(recall["z"].low)


def test_metrics_of_a_run_are_those_of_the_report():
    """What stops a run early is the macro F1 that is reported; weights count, unlabelled rows do not."""
    p, label = answers(seed=3)
    label[::7] = -1
    weight = (label >= 0).astype(np.float32)
    sums = class_metrics(np.log(p).astype(np.float32), label, weight, NAMES)
    means = {name: float(total / count) for name, (total, count) in sums.items()}
    found, scores = summarize_classes(means), score_classes(p, label, np.arange(400), NAMES, resamples=2)
    for name in NAMES:
        assert means[f"precision_{name}"] == pytest.approx(scores.precision[name].value, abs=1e-6)
        assert found[f"recall_{name}"] == pytest.approx(scores.recall[name].value, abs=1e-6)
    assert found["macro_f1"] == pytest.approx(scores.macro_f1.value, abs=1e-6)
    assert found["accuracy"] == pytest.approx(scores.accuracy.value, abs=1e-6)
