"""Schedules and optimizers against their formulas."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from lcjax.configs import OptimizerConfig
from lcjax.errors import ConfigError
from lcjax.training.optimizers import build_optimizer, decays, rate_groups
from lcjax.training.schedules import build_schedule, noam


def test_noam_is_the_published_formula():
    steps = np.array([1, 2, 10, 100, 3999, 4000, 4001, 100_000], np.float64)
    expected = 256**-0.5 * np.minimum(steps**-0.5, steps * 4000**-1.5)
    np.testing.assert_allclose(noam(steps, 256, 4000), expected, rtol=1e-6)
    schedule = build_schedule(OptimizerConfig(schedule="noam", learning_rate=1.0), 10, width=256)
    np.testing.assert_allclose([schedule(jnp.int32(s - 1)) for s in (1, 4000)], expected[[0, 5]], rtol=1e-6)


def test_cosine_warms_up_and_ends_at_its_fraction():
    config = OptimizerConfig(learning_rate=2.0, warmup_steps=10, final_fraction=0.1)
    rates = np.array([build_schedule(config, 100)(s) for s in range(101)])
    np.testing.assert_allclose(rates[:11], 2.0 * np.minimum(np.arange(1, 12), 10) / 10, rtol=1e-5)
    assert np.all(np.diff(rates[10:]) <= 0)
    np.testing.assert_allclose(rates[-1], 0.2, rtol=1e-5)


def test_constant_may_warm_up():
    config = OptimizerConfig(schedule="constant", learning_rate=1.0, warmup_steps=4)
    np.testing.assert_allclose([build_schedule(config, 9)(s) for s in range(6)], [0.25, 0.5, 0.75, 1, 1, 1])


PARAMS = {"kernel": jnp.ones((2, 3)), "bias": jnp.ones(3), "token": jnp.ones((1, 1)), "scale": jnp.ones(())}


def test_decay_spares_all_but_matrices():
    assert decays(PARAMS) == {"kernel": True, "bias": False, "token": False, "scale": False}
    config = OptimizerConfig(schedule="constant", learning_rate=0.1, weight_decay=0.5, clip_norm=None)
    optimizer = build_optimizer(config, 10)
    updates, _ = optimizer.update(jax.tree.map(jnp.zeros_like, PARAMS), optimizer.init(PARAMS), PARAMS)
    assert np.allclose(updates["kernel"], -0.05) and not np.any(updates["bias"]) and not np.any(updates["token"])


@pytest.mark.parametrize("name", ["adam", "adamw"])
def test_adam_by_hand_with_clipping(name):
    config = OptimizerConfig(name=name, schedule="constant", learning_rate=0.1, b1=0.8, b2=0.9, eps=1e-3, clip_norm=1.0)
    optimizer = build_optimizer(config, 10)
    params = {"kernel": jnp.zeros((2, 2))}
    state, m, v = optimizer.init(params), 0.0, 0.0
    for count in (1, 2, 3):
        grads = {"kernel": jnp.full((2, 2), 2.0 * count)}
        updates, state = optimizer.update(grads, state, params)
        clipped = 0.5  # norm of four equal entries clipped to 1
        m, v = 0.8 * m + 0.2 * clipped, 0.9 * v + 0.1 * clipped**2
        expected = -0.1 * (m / (1 - 0.8**count)) / (np.sqrt(v / (1 - 0.9**count)) + 1e-3)
        np.testing.assert_allclose(updates["kernel"], expected, rtol=1e-5)
    assert isinstance(optimizer, optax.GradientTransformation)


def test_adam_of_tensorflow_adds_eps_to_the_uncorrected_root():
    config = OptimizerConfig("adam_tensorflow", learning_rate=0.1, schedule="constant", eps=1e-3, clip_norm=None)
    optimizer, rng = build_optimizer(config, 10), np.random.default_rng(0)
    params = {"w": jnp.zeros(5)}
    state, m, v, expected = optimizer.init(params), np.zeros(5), np.zeros(5), np.zeros(5)
    for t in range(1, 5):
        g = rng.normal(size=5) * 10.0 ** -np.arange(5)
        updates, state = optimizer.update({"w": jnp.asarray(g, jnp.float32)}, state, params)
        params = optax.apply_updates(params, updates)
        m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g**2
        expected -= 0.1 * np.sqrt(1 - 0.999**t) / (1 - 0.9**t) * m / (np.sqrt(v) + 1e-3)
    np.testing.assert_allclose(params["w"], expected, rtol=1e-4)


def test_noam_needs_a_width():
    with pytest.raises(ConfigError, match=r"--optimizer\.width"):
        build_optimizer(OptimizerConfig(schedule="noam"), 10)


def test_learning_rates_by_group():
    params = {"encoder": {"kernel": jnp.ones((2, 2))}, "head": {"kernel": jnp.ones((2, 2)), "bias": jnp.ones(2)}}
    plain = optax.adam(0.1)
    grouped = rate_groups(plain, {"^encoder/": 0.1, "bias$": 0.0, "^head/": 3.0})
    state, grads = grouped.init(params), jax.tree.map(jnp.ones_like, params)
    assert jax.tree.structure(state) == jax.tree.structure(plain.init(params)), "old checkpoints still fit"
    updates, _ = grouped.update(grads, state, params)
    whole, _ = plain.update(grads, state, params)
    np.testing.assert_allclose(updates["encoder"]["kernel"], 0.1 * whole["encoder"]["kernel"], rtol=1e-6)
    np.testing.assert_allclose(updates["head"]["kernel"], 3.0 * whole["head"]["kernel"], rtol=1e-6)
    assert not np.any(updates["head"]["bias"])
    with pytest.raises(ConfigError, match="'tail' fits no parameter"):
        rate_groups(plain, {"tail": 1.0}).init(params)
