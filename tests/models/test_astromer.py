"""Astromer networks: published sizes, precision, dropout, compilation, gradients."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lcjax.models import Astromer, Astromer1, Astromer2, AstromerModelConfig, attention
from lcjax.models.attention import (
    TIME_SCALES,
    TimeDifferenceBias,
    fading_bias,
    published_attention,
    strict_attention,
)
from lcjax.models.dropout import RowDropout
from lcjax.systems.astromer.presets import SURVEY_MODEL
from tests.models.weights import random_variables

SMALL = dict(num_layers=2, num_heads=2, width=8, ffn_width=12)


def a_batch(rows=4, length=12, seed=0):
    rng = np.random.default_rng(seed)
    mask = np.arange(length) < rng.integers(2, length + 1, rows)[:, None]
    batch = {
        "time": np.sort(rng.uniform(-300, 300, mask.shape)) * mask,
        "magnitude": rng.normal(size=mask.shape) * mask,
        "magnitude_error": rng.uniform(0.01, 0.1, mask.shape) * mask,
    }
    visible = mask & (np.arange(length) % 3 != 1)
    return {k: v.astype(np.float32) for k, v in batch.items()} | {"mask": mask, "visible": visible}


@pytest.mark.parametrize(
    ("model", "parameters"),
    [(Astromer1(), 661_505), (Astromer2(mask_token=False), 3_953_409), (Astromer2(), 3_953_410)],
)
def test_published_parameter_counts(model, parameters):
    shapes = jax.eval_shape(model.init, jax.random.key(0), a_batch())
    assert sum(leaf.size for leaf in jax.tree.leaves(shapes)) == parameters


@pytest.mark.parametrize("config", [AstromerModelConfig(**SMALL), SURVEY_MODEL], ids=["published", "survey"])
def test_outputs_have_the_promised_shapes_and_types(config):
    batch = a_batch()
    for dtype in (jnp.float32, jnp.bfloat16):
        model = Astromer(config, dtype)
        variables = jax.eval_shape(model.init, jax.random.key(0), batch)
        assert all(leaf.dtype == jnp.float32 for leaf in jax.tree.leaves(variables))
        out = jax.eval_shape(model.apply, variables, batch)
        assert out["reconstruction"].shape == (4, 12) and out["reconstruction"].dtype == jnp.float32
        assert out["embedding"].shape == (4, config.width) and out["embedding"].dtype == jnp.float32
        assert len(out["layers"]) == config.num_layers + 1
        assert all(layer.shape == (4, 12, config.width) and layer.dtype == dtype for layer in out["layers"])
        assert ("log_variance" in out) == config.predict_variance


def test_bfloat16_stays_close_to_float32():
    batch = a_batch()
    variables = random_variables(Astromer(SURVEY_MODEL), batch, spread=0.1)
    full, half = (
        np.asarray(jax.jit(Astromer(SURVEY_MODEL, dtype).apply)(variables, batch)["reconstruction"])
        for dtype in (jnp.float32, jnp.bfloat16)
    )
    assert np.abs(full - half).max() < 0.05 * np.abs(full).max()


def test_embedding_is_the_mean_of_the_last_block_over_visible_points():
    batch = a_batch()
    model = Astromer(AstromerModelConfig(**SMALL))
    out = jax.jit(model.apply)(random_variables(model, batch), batch)
    for row in range(4):
        mean = np.asarray(out["layers"][-1])[row, batch["visible"][row]].mean(axis=0)
        np.testing.assert_allclose(out["embedding"][row], mean, rtol=1e-4, atol=1e-5)


def test_dropout_of_a_row_follows_the_row_not_its_place():
    batch = a_batch() | {"row": np.arange(4)}
    model = Astromer(AstromerModelConfig(**SMALL, dropout=0.5))
    variables = random_variables(model, batch)
    run = jax.jit(lambda b, seed: model.apply(variables, b, False, rngs={"dropout": jax.random.key(seed)}))
    whole = run(batch, 1)["reconstruction"]
    moved = run({k: v[::-1] for k, v in batch.items()}, 1)["reconstruction"]
    np.testing.assert_allclose(whole, moved[::-1], atol=1e-6)
    half = run({k: v[2:] for k, v in batch.items()}, 1)["reconstruction"]
    np.testing.assert_allclose(whole[2:], half, atol=1e-6)
    assert np.abs(whole - run(batch, 2)["reconstruction"]).max() > 1e-3


def test_dropout_keeps_the_expected_share_and_scale():
    x = jnp.ones((8, 50, 20))
    out = RowDropout(0.3).apply({}, x, jnp.arange(8), False, rngs={"dropout": jax.random.key(0)})
    assert np.mean(np.asarray(out) == 0) == pytest.approx(0.3, abs=0.03)
    assert np.mean(np.asarray(out)) == pytest.approx(1.0, abs=0.03)


def test_ragged_data_compiles_once():
    model = Astromer(SURVEY_MODEL)
    variables = random_variables(model, a_batch())
    traces = []

    @jax.jit
    def apply(variables, batch):
        traces.append(1)
        return model.apply(variables, batch)["embedding"]

    for seed in range(5):
        apply(variables, a_batch(seed=seed))
    assert len(traces) == 1


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"parity": True, "mask_token": False},
        {"residual": "identity", "norm": "pre", "activation": "gelu", "attention_bias": "time_differences"},
        {"time_encoding": "log_periods", "input_features": "magnitude_and_error"},
    ],
    ids=["strict", "parity", "survey", "features"],
)
def test_gradients_agree_with_finite_differences(settings):
    batch = a_batch(2, 6)
    model = Astromer(AstromerModelConfig(**SMALL, **settings))
    params = random_variables(model, batch, seed=2)["params"]

    @jax.jit
    @jax.value_and_grad
    def loss(params):
        return jnp.mean((model.apply({"params": params}, batch)["reconstruction"] - 1.0) ** 2, where=batch["mask"])

    direction = jax.tree.map(
        lambda x: np.random.default_rng(x.size).standard_normal(x.shape).astype(np.float32), params
    )
    step = 2e-3
    plus, minus = (loss(jax.tree.map(lambda p, d: p + s * d, params, direction))[0] for s in (step, -step))
    gradient = loss(params)[1]
    slope = sum(jnp.vdot(g, d) for g, d in zip(jax.tree.leaves(gradient), jax.tree.leaves(direction), strict=True))
    assert float(slope) == pytest.approx(float(plus - minus) / (2 * step), rel=2e-2, abs=1e-3)


def test_strict_attention_is_the_published_one_with_a_large_negative_mask_on_keys():
    rng = np.random.default_rng(0)
    query, key, value = rng.normal(size=(3, 2, 7, 2, 4)).astype(np.float32)
    visible = rng.random((2, 7)) < 0.6
    visible[:, 0] = True
    published = published_attention(query, key, value, 1.0 - visible, "K", -1e9, 0.0)[0]
    np.testing.assert_allclose(strict_attention(query, key, value, visible), published, atol=1e-6)


@pytest.mark.parametrize("kind", ["strict", "published"])
def test_attention_in_parts_is_that_of_the_whole_batch(kind, monkeypatch):
    rng = np.random.default_rng(1)
    query, key, value = (jnp.asarray(x) for x in rng.normal(size=(3, 5, 7, 2, 4)).astype(np.float32))
    visible = jnp.asarray(rng.random((5, 7)) < 0.6)
    alone = {
        "strict": lambda *x: strict_attention(*x, visible),
        "published": lambda *x: published_attention(*x, 1.0 - visible, "QK", 1.0, 0.0),
    }[kind]
    split = []
    monkeypatch.setattr(attention, "cores", lambda: 3)
    monkeypatch.setattr(jax, "device_count", lambda: 1)
    monkeypatch.setattr(jnp, "split", lambda x, edges: split.append(edges) or [x[:1], x[1:3], x[3:]])
    whole, pull = jax.vjp(alone, query, key, value)
    assert not split, "a small batch is not worth it"
    monkeypatch.setattr(attention, "_LOGITS_OF_A_PART", 1)
    parts, pull_parts = jax.vjp(alone, query, key, value)
    assert split == [[1, 3]] * 4
    upstream = jax.tree.map(jnp.cos, whole)
    for found, wanted in zip(
        jax.tree.leaves((parts, pull_parts(upstream))), jax.tree.leaves((whole, pull(upstream))), strict=True
    ):
        np.testing.assert_allclose(found, wanted, rtol=1e-5, atol=1e-6)


def test_time_difference_bias_fades_with_separation_alone():
    time = np.float32([[0.0, 0.1, 2.0, 500.0]])
    bias, _ = TimeDifferenceBias(4).init_with_output(jax.random.key(0), time)
    shifted, _ = TimeDifferenceBias(4).init_with_output(jax.random.key(0), time + 64)
    assert bias.shape == (1, 4, 4, 4)
    np.testing.assert_allclose(bias, np.swapaxes(bias, -1, -2), atol=1e-6)
    np.testing.assert_allclose(bias, shifted, atol=1e-3)
    assert np.all(np.diff(np.asarray(bias)[0, :, 0], axis=-1) < 0) and np.all(np.asarray(bias)[..., 0, 0] == 0)


def test_gradient_of_the_fading_bias_is_that_of_its_formula():
    time = jax.random.uniform(jax.random.key(0), (3, 9), maxval=500.0)
    steepness = jax.random.uniform(jax.random.key(1), (2, len(TIME_SCALES)))
    upstream = jax.random.normal(jax.random.key(2), (3, 2, 9, 9))

    def formula(steepness):
        separation = jnp.abs(time[:, :, None] - time[:, None, :])
        logs = jnp.stack([jnp.log1p(separation / tau) for tau in TIME_SCALES], axis=1)
        return -jnp.einsum("bkij,hk->bhij", logs, steepness)

    expected, pull = jax.vjp(formula, steepness)
    found, pull_ours = jax.vjp(lambda s: fading_bias(time, s), steepness)
    np.testing.assert_allclose(found, expected, rtol=1e-5)
    np.testing.assert_allclose(pull_ours(upstream)[0], pull(upstream)[0], rtol=1e-4)
