"""Contrastive losses against their formulas, over devices as in one, and deaf to rows that fill up."""

import jax
import jax.numpy as jnp
import numpy as np

from lcjax.losses import contrastive_loss, effective_rank, partner_found, unit_length


def views(rows=6, width=4, seed=0):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(2, rows, width)).astype(np.float32)


def by_hand(first, second, temperature, within):
    unit = lambda x: x / np.linalg.norm(x, axis=1, keepdims=True)
    one, two = unit(first.astype(float)), unit(second.astype(float))
    terms = []
    for a, b in ((one, two), (two, one)):
        for i in range(len(a)):
            wrong = [a[i] @ a[j] for j in range(len(a)) if j != i] if within else []
            logits = np.array([*(a[i] @ row for row in b), *wrong]) / temperature
            terms.append(np.log(np.exp(logits).sum()) - logits[i])
    return np.mean(terms)


def test_both_losses_are_their_formulas():
    first, second = views()
    for within in (False, True):
        found = contrastive_loss(first, second, 0.2, within=within)
        np.testing.assert_allclose(found, by_hand(first, second, 0.2, within), rtol=1e-5)


def test_rows_that_fill_up_are_neither_asked_nor_answers():
    first, second = views()
    weight = np.array([1, 1, 1, 1, 0, 0], np.float32)
    second[4:] = first[:2]  # perfect wrong answers
    for within in (False, True):
        f = lambda x, w=within: contrastive_loss(x, second, 0.2, weight, w)
        np.testing.assert_allclose(f(first), contrastive_loss(first[:4], second[:4], 0.2, within=within), rtol=1e-5)
        gradient = jax.jit(jax.grad(f))(jnp.asarray(first))
        assert not np.asarray(gradient[4:]).any() and np.isfinite(gradient).all()
    np.testing.assert_allclose(effective_rank(first, weight), effective_rank(first[:4]), rtol=1e-5)


def test_spread_over_devices_value_and_gradient_are_those_of_one():
    first, second = views()
    weight = np.array([1, 1, 1, 1, 1, 0], np.float32)
    loss = lambda a, b, w, axis=None: contrastive_loss(a, b, 0.3, w, True, axis)
    value, gradient = jax.jit(jax.value_and_grad(loss, (0, 1)))(first, second, weight)
    apart = lambda x: x.reshape(3, 2, *x.shape[1:])
    local = lambda a, b, w: jax.value_and_grad(lambda a, b: loss(a, b, w, "data"), (0, 1))(a, b)
    values, gradients = jax.jit(jax.vmap(local, axis_name="data"))(apart(first), apart(second), apart(weight))
    np.testing.assert_allclose(values, np.full(3, value), rtol=1e-5)
    for one, many in zip(gradient, gradients, strict=True):
        # Every device holds the gradient times the number of devices (see lcjax.global_batch).
        np.testing.assert_allclose(many.reshape(one.shape) / 3, one, atol=1e-6)
    found = jax.jit(jax.vmap(lambda a, b, w: partner_found(a, b, w, "data"), axis_name="data"))
    np.testing.assert_array_equal(
        found(*map(apart, (first, second, weight))).ravel(), partner_found(first, second, weight)
    )
    rank = jax.jit(jax.vmap(lambda a, w: effective_rank(a, w, "data"), axis_name="data"))(apart(first), apart(weight))
    np.testing.assert_allclose(rank, np.full(3, effective_rank(first, weight)), rtol=1e-5)


def test_pairs_are_told_from_others():
    first, second = views(rows=5, width=8)
    assert np.asarray(partner_found(first, first)).all()
    assert not np.asarray(partner_found(first, np.roll(first, 1, axis=0))).any()
    assert contrastive_loss(first, first) < contrastive_loss(first, second)
    assert contrastive_loss(first, first, jnp.float32(0.05)) < contrastive_loss(first, first, jnp.float32(1.0))


def test_zero_vectors_and_collapse():
    zero = jnp.zeros((3, 4))
    assert not np.asarray(unit_length(zero)).any()
    assert np.isfinite(jax.jit(jax.grad(lambda x: contrastive_loss(x, x)))(zero)).all()
    assert effective_rank(zero) == 0 and effective_rank(jnp.ones((5, 4))) < 1e-6
    line = jnp.arange(5.0)[:, None] * jnp.array([1.0, 2.0, -1.0])
    np.testing.assert_allclose(effective_rank(line), 1.0, rtol=1e-5)
