"""Losses of classifiers against their formulas, and what unknown labels and filling rows do to them."""

import jax
import numpy as np
import pytest

from lcjax.losses import cross_entropy, entropy, entropy_regularised


def batch(seed=0, rows=9, classes=5):
    rng = np.random.default_rng(seed)
    return rng.normal(0, 3, (rows, classes)).astype(np.float32), rng.integers(0, classes, rows)


def test_terms_are_their_formulas():
    logits, label = batch()
    p = np.exp(logits.astype(float)) / np.exp(logits.astype(float)).sum(-1, keepdims=True)
    np.testing.assert_allclose(cross_entropy(logits, label), -np.log(p[np.arange(9), label]), rtol=1e-5)
    np.testing.assert_allclose(entropy(logits), -(p * np.log(p)).sum(-1), rtol=1e-4)
    for beta, gamma in ((0.0, 0.0), (0.5, 0.0), (1.0, 2.0)):
        true = p[np.arange(9), label]
        expected = np.mean((1 - true) ** gamma * -np.log(true)) - beta * np.mean(-(p * np.log(p)).sum(-1))
        value = entropy_regularised(logits, label, beta, focal_gamma=gamma)
        np.testing.assert_allclose(value, expected, rtol=1e-4)


def test_entropy_is_rewarded():
    label = np.array([0])
    sure, unsure = (np.array([[x, 0, 0, 0, 0]], np.float32) for x in (50.0, 3.0))
    assert entropy_regularised(sure, label, 0.0) < entropy_regularised(unsure, label, 0.0)
    assert entropy_regularised(sure, label, 1.0) > entropy_regularised(unsure, label, 1.0)


@pytest.mark.parametrize("gamma", [0.0, 2.0])
def test_unknown_labels_and_filling_rows_say_nothing(gamma):
    logits, label = batch()
    few = entropy_regularised(logits[:6], label[:6], 0.5, focal_gamma=gamma)
    label[6:8] = -1
    weight = np.array([1.0] * 8 + [0.0])
    f = lambda x: entropy_regularised(x, label, 0.5, weight, gamma)
    np.testing.assert_allclose(f(logits), few, rtol=1e-6)
    gradient = jax.grad(f)(logits)
    assert not gradient[6:].any() and gradient[:6].any()


def test_extreme_logits_stay_finite():
    logits, label = np.array([[1e4, -1e4, 0.0], [0.0, 0.0, 1e4]], np.float32), np.array([1, 2])
    value, gradient = jax.value_and_grad(lambda x: entropy_regularised(x, label, 0.5, focal_gamma=2.0))(logits)
    assert np.isfinite(value) and np.isfinite(gradient).all()
