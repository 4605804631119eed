"""Losses: values against plain loops, gradients against finite differences, sums over devices."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jax.test_util import check_grads

from lcjax.errors import ConfigError
from lcjax.losses import (
    error_weights,
    gaussian_nll,
    huber_errors,
    r2_score,
    r2_sums,
    reconstruction_loss,
    student_nll,
    window_errors,
)


def windows(seed, rows=4, length=7):
    rng = np.random.default_rng(seed)
    target, prediction = rng.normal(size=(2, rows, length)).astype(np.float32)
    mask = rng.random((rows, length)) < rng.choice([0.0, 0.3, 0.8], (rows, 1))
    return target, prediction, mask, rng.uniform(0.01, 1, (rows, length)).astype(np.float32)


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10_000), root=st.booleans(), weighted=st.booleans())
def test_loss_is_the_mean_over_windows_of_point_means(seed, root, weighted):
    target, prediction, mask, weights = windows(seed)
    errors = []
    for b in range(len(mask)):
        squares = [
            (target[b, i] - prediction[b, i]) ** 2 * (weights[b, i] if weighted else 1) for i in np.flatnonzero(mask[b])
        ]
        errors.append(sum(squares) / max(len(squares), 1))
    expected = np.mean(errors) ** (0.5 if root else 1)
    ours = reconstruction_loss(target, prediction, mask, weights if weighted else None, root)
    np.testing.assert_allclose(ours, expected, rtol=1e-5, atol=1e-7)


def test_filler_rows_weigh_nothing():
    target, prediction, mask, _ = windows(1)
    filled = [np.concatenate([x, 7 * np.ones_like(x[:2])]) for x in (target, prediction * 0, mask)]
    short = reconstruction_loss(target, prediction * 0, mask)
    np.testing.assert_allclose(
        reconstruction_loss(*filled, row_weight=np.float32([1, 1, 1, 1, 0, 0])), short, rtol=1e-6
    )


@pytest.mark.parametrize("loss", ["rmse", "mse", "weighted", "huber", "gaussian_nll"])
def test_gradients_agree_with_finite_differences(loss):
    target, prediction, mask, weights = windows(3)
    mask[0] = True

    def value(p):
        if loss == "huber":
            return jnp.mean(huber_errors(target, p, mask, 0.7))
        if loss == "gaussian_nll":
            return jnp.mean(gaussian_nll(target, p, 0.3 * p - 0.1, mask))
        return reconstruction_loss(target, p, mask, weights if loss == "weighted" else None, root=loss != "mse")

    check_grads(value, (prediction,), order=1, modes=["rev"], eps=1e-2, atol=5e-3, rtol=5e-3)


def test_a_perfect_or_empty_batch_has_a_finite_gradient():
    target, _, mask, _ = windows(2)
    for m in (np.ones_like(mask), np.zeros_like(mask)):
        value, gradient = jax.value_and_grad(lambda p: reconstruction_loss(target, p, m))(target)
        assert value == 0 and np.all(np.asarray(gradient) == 0)


def test_r2_of_the_truth_of_the_mean_and_of_nothing():
    target, prediction, mask, _ = windows(5)
    mask[0] = True
    mean = np.sum(target * mask, 1, keepdims=True) / np.maximum(mask.sum(1, keepdims=True), 1)
    assert r2_score(target, target, mask) == 1
    assert r2_score(target, np.broadcast_to(mean, target.shape), mask) == pytest.approx(0, abs=1e-5)
    assert r2_score(target, prediction, mask) < 0
    assert np.isfinite(r2_score(target, prediction, np.zeros_like(mask)))


@settings(max_examples=30, deadline=None)
@given(st.lists(st.sampled_from([0.0, 0.01, 0.05, 0.4]), min_size=1, max_size=9))
def test_error_weights_lie_between_a_thousandth_and_one(errors):
    w = np.asarray(error_weights(np.float32([errors])))[0]
    assert np.all((w >= 1e-3 - 1e-7) & (w <= 1.001 + 1e-6))
    inverse = np.array([0 if e == 0 else 1 / e for e in errors])
    if np.ptp(inverse) == 0:
        np.testing.assert_allclose(w, 1e-3)
    else:
        assert w[np.argmax(inverse)] == pytest.approx(1.001)
        assert w[np.argmin(inverse)] == pytest.approx(0.001)


def test_sums_of_r2_and_likelihoods_by_hand():
    """The second point is hidden, the last window has none; a variance beyond e^8 counts as e^8."""
    target, prediction = np.float32([[1, 9, 4], [5, 5, 5]]), np.float32([[2, 0, 2], [0, 0, 0]])
    mask = np.array([[True, False, True], [False] * 3])
    residual, deviation = r2_sums(target, prediction, mask)
    assert residual.tolist() == [5, 0] and deviation.tolist() == [4.5, 0]
    assert r2_score(target, prediction, mask) == pytest.approx(1 - 5 / 4.5)
    log_variance = np.float32([[np.log(4), 0, 20], [1, 1, 1]])
    expected = [(0.5 * (1 / 4 + np.log(4)) + 0.5 * (4 * np.exp(-8.0) + 8)) / 2, 0]
    np.testing.assert_allclose(gaussian_nll(target, prediction, log_variance, mask), expected, rtol=1e-5)
    np.testing.assert_allclose(window_errors(target, prediction), [(1 + 81 + 4) / 3, 25], rtol=1e-6)


def test_huber_is_quadratic_near_and_linear_far():
    errors = huber_errors(np.float32([[0.5], [3.0]]), np.zeros((2, 1), np.float32), np.ones((2, 1), bool), 1.0)
    np.testing.assert_allclose(errors, [0.125, 2.5])


def test_the_best_log_variance_is_that_of_the_residuals():
    residual = np.float32([[0.1, -0.3, 0.2, 0.4]])
    best = np.log(np.mean(residual**2))
    at = [
        gaussian_nll(residual, 0 * residual, np.full_like(residual, best + d), np.ones((1, 4), bool))[0]
        for d in (-0.1, 0, 0.1)
    ]
    assert at[1] < min(at[0], at[2])


def test_split_over_devices_the_mean_gradient_is_exact():
    target, prediction, mask, _ = windows(7)
    mask[:] = True
    row_weight = np.float32([1, 1, 1, 0])

    def loss(p, t, m, w, axis=None):
        return reconstruction_loss(t, p, m, row_weight=w, axis=axis)

    spread = lambda *arrays: loss(*arrays, axis="rows")

    whole, gradient = jax.value_and_grad(loss)(prediction, target, mask, row_weight)
    # A weight shared by the devices: its gradient is averaged, as the engine does.
    shared = lambda a, p, t, m, w, axis=None: loss(a * p, t, m, w, axis)
    exact = jax.grad(shared)(1.0, prediction, target, mask, row_weight)
    split = [x.reshape(2, 2, *x.shape[1:]) for x in (prediction, target, mask, row_weight)]
    mapped = jax.pmap if jax.local_device_count() > 1 else jax.vmap
    values = mapped(spread, axis_name="rows")(*split)
    with pytest.raises(ConfigError, match="axis='rows'"):
        mapped(loss, axis_name="rows")(*split)
    np.testing.assert_allclose(values, [whole] * 2, rtol=1e-6)
    if mapped is jax.pmap:
        each = mapped(jax.grad(lambda *x: shared(*x, axis="rows")), axis_name="rows", in_axes=(None, 0, 0, 0, 0))(
            1.0, *split
        )
        np.testing.assert_allclose(np.mean(each), exact, rtol=1e-5)
    assert np.isfinite(np.asarray(gradient)).all() and window_errors(target, prediction).shape == (4,)


def test_students_t_is_scipys():
    from scipy import stats

    rng = np.random.default_rng(0)
    target, location, log_scale = rng.normal(size=(3, 2, 5)).astype(np.float32)
    tails = rng.uniform(2, 30, (2, 5)).astype(np.float32)
    mask = np.array([[True, True, False, True, False], [False] * 5])
    expected = -stats.t.logpdf(target, tails, location, np.exp(log_scale))
    found = student_nll(target, location, log_scale, tails, mask)
    np.testing.assert_allclose(found, [expected[0][mask[0]].mean(), 0.0], rtol=1e-4)
