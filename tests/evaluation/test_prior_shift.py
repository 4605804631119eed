"""Temperatures, shares of classes and cuts that are known beforehand are found."""

import numpy as np
import pytest

from lcjax.evaluation import prior_shift


def domain(rows, share, sharpness, seed=0):
    """Logits of two Gaussian classes, right for equal shares but for a factor."""
    rng = np.random.default_rng(seed)
    label = (rng.random(rows) < share).astype(int)
    x = rng.normal(2.0 * label - 1.0, 1.2)
    logit = sharpness * 2 * x / 1.44
    return np.stack([np.zeros(rows), logit], -1), label


def test_temperature_is_the_factor():
    logits, label = domain(4000, 0.5, 3.0)
    assert prior_shift.fit_temperature(logits, label) == pytest.approx(3.0, rel=0.15)


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_shares_are_found_without_labels(share):
    logits, _ = domain(4000, share, 1.0, 1)
    found = prior_shift.estimate_shares(prior_shift.softmax(logits), np.array([0.5, 0.5]))
    assert found[1] == pytest.approx(share, abs=0.03) and found.sum() == pytest.approx(1)


def test_recalibration_lowers_the_error_and_keeps_folds_apart():
    logits, label = domain(1500, 0.1, 4.0, 2)
    label[::3] = -1
    objects = np.array([f"o{i // 2}" for i in range(1500)])
    found = prior_shift.recalibrate(logits, label, objects, np.array([0.5, 0.5]))
    assert found.error_after < 0.5 * found.error_before and found.error_after < 0.05
    assert found.shares[1] == pytest.approx(0.1, abs=0.04) and 1 < found.temperature < 8
    assert found.way == "temperature and shares"
    assert found.balanced_after > 0.7 and found.probabilities.shape == ((label >= 0).sum(), 2)
    several = prior_shift.recalibrate(
        np.eye(3)[np.arange(60) % 3] * 3, np.arange(60) % 3, np.arange(60), np.full(3, 1 / 3)
    )
    assert several.threshold is None and several.balanced_after == 1


def test_noise_gives_no_cut_that_flatters():
    rng = np.random.default_rng(4)
    logits, label = np.stack([np.zeros(400), rng.normal(size=400)], -1), rng.integers(0, 2, 400)
    found = prior_shift.recalibrate(logits, label, np.arange(400), np.array([0.5, 0.5]))
    assert abs(found.balanced_after - 0.5) < 0.08


@pytest.mark.parametrize("rows", [12, 150])
@pytest.mark.parametrize("kind", ["collapsed", "collapsed unsure", "inverted", "noise", "sharp", "right"])
def test_recalibration_never_makes_anything_worse(kind, rows):
    """A collapsed model's answers hold nothing about the shares of the classes: they were driven to one class for all."""
    for seed in range(3):
        rng = np.random.default_rng([seed, rows])
        label = (rng.random(rows) < 0.3).astype(int)
        label[:2] = 0, 1
        margin = {
            "collapsed": 9 + 0.1 * rng.normal(size=rows),
            "collapsed unsure": 0.3 + 0.01 * rng.normal(size=rows),
            "inverted": 8 * (0.5 - label) + rng.normal(size=rows),
            "noise": 5 * rng.normal(size=rows),
            "sharp": 12 * (label - 0.5) + 8 * rng.normal(size=rows),
            "right": 3 * (label - 0.5) + rng.normal(size=rows),
        }[kind]
        logits = np.stack([np.zeros(rows), margin], -1)
        found = prior_shift.recalibrate(logits, label, np.arange(rows), np.array([0.5, 0.5]))
        assert found.error_after <= found.error_before and found.balanced_after >= found.balanced_before
        if found.balanced_after == found.balanced_before:  # no cut has helped: every answer stays
            t, shares = found.temperature, found.shares
            after = prior_shift.shifted(prior_shift.softmax(logits / t), np.array([0.5, 0.5]), shares)
            np.testing.assert_array_equal(after[:, 1] > found.threshold, margin > 0)
        loss = lambda p, label=label: -np.log(p[np.arange(len(label)), label]).mean()
        assert loss(found.probabilities) <= loss(prior_shift.softmax(logits)) + 1e-12


def test_a_cut_that_does_not_help_leaves_the_answers_as_they_are():
    logits, label = np.stack([np.zeros(40), np.r_[np.full(20, -1.0), np.full(20, 1.0)]], -1), np.repeat([0, 1], 20)
    found = prior_shift.recalibrate(logits, label, np.arange(40), np.array([0.5, 0.5]))
    after = prior_shift.shifted(prior_shift.softmax(logits / found.temperature), np.array([0.5, 0.5]), found.shares)
    np.testing.assert_array_equal(after[:, 1] > found.threshold, label == 1)


def test_no_row_of_an_object_tells_of_the_others(monkeypatch):
    logits, label = domain(60, 0.4, 2.0)
    objects = np.arange(60) // 3
    seen, fitted = [], prior_shift._fitted
    monkeypatch.setattr(prior_shift, "_fitted", lambda *given: seen.append(given[2]) or fitted(*given))
    prior_shift.recalibrate(logits, label, objects, np.array([0.5, 0.5]))
    rows = [objects[np.isin(logits[:, 1], known[:, 1])] for known in seen]
    assert sorted(map(len, rows)) == [48] * 15 + [60], "five folds in three ways, and all"
    assert all((np.unique(one, return_counts=True)[1] == 3).all() for one in rows)


def test_shares_are_those_of_all_rows_not_of_the_labelled():
    logits, label = domain(4000, 0.1, 1.0)
    known = np.flatnonzero(label == 1)
    known = np.concatenate([known, np.flatnonzero(label == 0)[: len(known)]])
    t, shares = prior_shift._fitted(prior_shift.WAYS[2], logits, logits[known], label[known], np.array([0.5, 0.5]))
    assert t == pytest.approx(1, rel=0.15) and shares[1] == pytest.approx(0.1, abs=0.03)


def test_rare_classes_of_several_are_answered_by_probability_over_share():
    rng, shares = np.random.default_rng(0), np.array([0.8, 0.1, 0.1])
    label = rng.choice(3, 900, p=shares)
    x = rng.normal(2.0 * np.eye(3)[label])
    found = prior_shift.recalibrate(2.0 * x + np.log(shares), label, np.arange(900), shares)
    assert found.balanced_after > found.balanced_before + 0.03
