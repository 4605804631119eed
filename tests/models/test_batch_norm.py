"""Batch norm: statistics of the rows that weigh, moved as PyTorch or as TensorFlow does."""

import jax
import jax.numpy as jnp
import numpy as np

from lcjax.models.batch_norm import BatchNorm


def test_batch_norm_takes_and_moves_statistics():
    x = jnp.array([[[1.0]], [[5.0]]])
    norm = BatchNorm()
    variables = norm.init(jax.random.key(0), x, True)
    found, moved = norm.apply(variables, x, False, mutable=["batch_stats"])
    np.testing.assert_allclose(found[:, 0, 0], [-1, 1], atol=1e-4)
    stats = moved["batch_stats"]
    np.testing.assert_allclose([stats["mean"][0], stats["var"][0]], [0.3, 0.9 + 0.1 * 8], rtol=1e-5)
    np.testing.assert_allclose(norm.apply(variables, x, True)[:, 0, 0], [1, 5], rtol=1e-4)


def test_norm_of_the_rows_that_weigh():
    x = np.random.default_rng(0).normal(size=(6, 7)).astype(np.float32)
    norm, weight = BatchNorm(), np.array([1, 1, 1, 1, 0, 0], np.float32)
    variables = norm.init(jax.random.key(0), x, True)
    out, state = norm.apply(variables, x, False, weight=weight, mutable=["batch_stats"])
    used = x[:4]
    np.testing.assert_allclose(out[:4], (used - used.mean(0)) / np.sqrt(used.var(0) + 1e-5), rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(state["batch_stats"]["mean"], 0.1 * used.mean(0), rtol=1e-5)
    np.testing.assert_allclose(state["batch_stats"]["var"], 0.9 + 0.1 * used.var(0, ddof=1), rtol=1e-5)


def test_rows_over_devices_pixels_and_a_biased_variance():
    x = np.random.default_rng(1).normal(size=(6, 2, 3)).astype(np.float32)
    norm, weight = BatchNorm(unbiased=False, shift=False), np.array([1, 1, 0, 1, 1, 0], np.float32)
    variables = norm.init(jax.random.key(0), x, True)
    assert variables["params"].keys() == {"scale"}
    run = lambda x, w, axis=None: norm.apply(variables, x, False, axis, w, mutable=["batch_stats"])
    whole, state = run(x, weight)
    used = x[weight > 0].reshape(-1, 3)
    np.testing.assert_allclose(whole[0], (x[0] - used.mean(0)) / np.sqrt(used.var(0) + 1e-5), rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(state["batch_stats"]["var"], 0.9 + 0.1 * used.var(0), rtol=1e-5)
    halves = (x.reshape(2, 3, 2, 3), weight.reshape(2, 3))
    parts, states = jax.vmap(lambda x, w: run(x, w, "rows"), axis_name="rows")(*halves)
    np.testing.assert_allclose(parts.reshape(6, 2, 3), whole, rtol=1e-4, atol=1e-5)
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a[1], b, rtol=1e-4, atol=1e-6), states, state)
