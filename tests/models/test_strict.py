"""Strict mode: nothing hidden and nothing in the padding reaches what the network says about observed points."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lcjax.models import Astromer, AstromerModelConfig
from tests.models.weights import random_variables

ROWS, LENGTH = 3, 10
SMALL = dict(num_layers=2, num_heads=2, width=8, ffn_width=12)
SHAPES = {
    "published, token": {},
    "published, no token": {"mask_token": False},
    "version 1": {"residual": "none", "mask_token": False},
    "survey": {
        "residual": "identity",
        "norm": "pre",
        "activation": "gelu",
        "time_encoding": "log_periods",
        "attention_bias": "time_differences",
        "input_features": "magnitude_and_error",
        "predict_variance": True,
    },
    "trainable": {"time_encoding": "trainable", "attention_bias": "time_differences"},
}
anything = st.floats(width=32, allow_nan=False, min_value=-1e6, max_value=1e6)
fillers = st.floats(width=32) | st.just(float("nan"))


def random_batch(seed):
    rng = np.random.default_rng(seed)
    n = rng.integers(1, LENGTH + 1, ROWS)
    mask = np.arange(LENGTH) < n[:, None]
    visible = mask & (rng.random(mask.shape) < 0.6)
    visible[:, 0] = True
    batch = {
        "time": np.sort(rng.uniform(-500, 500, mask.shape)),
        "magnitude": rng.normal(size=mask.shape),
        "magnitude_error": rng.uniform(0.01, 0.2, mask.shape),
    }
    return {k: v.astype(np.float32) for k, v in batch.items()} | {"mask": mask, "visible": visible}


@functools.cache
def network(shape):
    """(jitted apply, weights that are nowhere zero)."""
    model = Astromer(AstromerModelConfig(**SMALL, **SHAPES[shape]))
    return jax.jit(model.apply), random_variables(model, random_batch(0))


def seen(outputs, mask):
    """All that is said about observed points and windows."""
    kept = {"embedding": outputs["embedding"]}
    for name in ("reconstruction", "log_variance"):
        if name in outputs:
            kept[name] = np.asarray(outputs[name])[mask]
    return kept


@pytest.mark.parametrize("shape", SHAPES)
@settings(max_examples=12, deadline=None)
@given(seed=st.integers(0, 1000), change=st.lists(anything, min_size=4, max_size=4), filler=fillers)
def test_hidden_magnitudes_and_padding_change_nothing(shape, seed, change, filler):
    apply, variables = network(shape)
    batch = random_batch(seed)
    hidden = batch["mask"] & ~batch["visible"]
    changed = dict(batch)
    changed["magnitude"] = np.where(hidden, np.resize(np.float32(change), hidden.shape), batch["magnitude"])
    # The error of a hidden point tells of its brightness: it must not be seen either.
    changed["magnitude_error"] = np.where(hidden, np.float32(0.7), batch["magnitude_error"])
    for name in ("time", "magnitude", "magnitude_error"):
        changed[name] = np.where(batch["mask"], changed[name], np.float32(filler))
    before, after = (seen(apply(variables, b), batch["mask"]) for b in (batch, changed))
    for name in before:
        np.testing.assert_array_equal(before[name], after[name], err_msg=name)


@pytest.mark.parametrize("shape", ["published, token", "survey"])
def test_no_gradient_reaches_hidden_magnitudes_or_padding(shape):
    apply, variables = network(shape)
    batch = random_batch(4)

    def total(magnitude):
        return jnp.sum(apply(variables, {**batch, "magnitude": magnitude})["reconstruction"] ** 2, where=batch["mask"])

    gradient = jax.jit(jax.grad(total))(batch["magnitude"])
    assert np.all(np.asarray(gradient)[~batch["visible"]] == 0)
    assert np.all(np.asarray(gradient)[batch["visible"]] != 0)


@pytest.mark.parametrize("shape", ["published, token", "survey"])
def test_longer_padding_changes_nothing(shape):
    apply, variables = network(shape)
    batch = random_batch(5)
    longer = {k: np.pad(v, ((0, 0), (0, 6))) for k, v in batch.items()}
    short, padded = apply(variables, batch), apply(variables, longer)
    for name in ("reconstruction", "log_variance", "embedding"):
        if name in short:
            cut = padded[name] if name == "embedding" else padded[name][:, :LENGTH]
            where = np.ones(short[name].shape, bool) if name == "embedding" else batch["mask"]
            np.testing.assert_allclose(np.asarray(short[name])[where], np.asarray(cut)[where], atol=2e-5)


def test_a_window_without_visible_points_gives_finite_values_and_gradients():
    apply, variables = network("survey")
    batch = random_batch(6)
    batch["visible"] = np.zeros_like(batch["visible"])
    loss = jax.jit(jax.value_and_grad(lambda v: jnp.sum(apply(v, batch)["reconstruction"])))
    value, gradient = loss(variables)
    assert np.isfinite(value) and all(np.isfinite(g).all() for g in jax.tree.leaves(gradient))


def test_parity_mode_does_leak():
    """The defect the switch reproduces is real."""
    model = Astromer(AstromerModelConfig(**SMALL, parity=True, mask_token=False))
    batch = random_batch(7)
    hidden = batch["mask"] & ~batch["visible"]
    variables = random_variables(model, batch)
    apply = jax.jit(model.apply)
    before = apply(variables, batch)["reconstruction"]
    after = apply(variables, {**batch, "magnitude": batch["magnitude"] + 0.5 * hidden})["reconstruction"]
    assert np.any(np.abs(np.asarray(after - before))[hidden] > 1e-3)
