"""Tokens of points: which ones, from visible points alone, in any order of time, by differences of time."""

import dataclasses
import functools

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from lcjax.errors import ConfigError
from lcjax.models.point_tokens import PointTokens, phases_of, spread_evenly
from lcjax.models.star_encoder_config import PointTokensConfig
from lcjax.systems.base_encoder.decoder_inputs import star_inputs
from lcjax.systems.base_encoder.parts import points_of
from tests.models.weights import random_variables
from tests.systems.base_encoder.small import LENGTH, Stars, small
from tests.systems.base_encoder.small import views as views_by_preset

CONFIG = PointTokensConfig(points=10, width=8, heads=2, blocks=2)


def settings():
    one = small()
    encoder = dataclasses.replace(one.model.encoder, tokens=CONFIG)
    return dataclasses.replace(one, model=dataclasses.replace(one.model, encoder=encoder))


class Reading(nn.Module):
    """Tokens and the numbers of the whole star, without dropout."""

    @nn.compact
    def __call__(self, inputs):
        return PointTokens(CONFIG, 5)(inputs["points"], inputs["views"], inputs["views"].scalars, None, True)


@functools.cache
def read():
    """(variables, jitted (variables, inputs) -> (B, 5))."""
    return random_variables(Reading(), given_of(points(), points()["mask"])), jax.jit(Reading().apply)


def points():
    return points_of(Stars(length=LENGTH).batch(1, 0))


def given_of(batch, visible):
    views = views_by_preset()({**batch, "visible": visible})
    return star_inputs(batch, visible, views, settings())


@hypothesis_settings(deadline=None, max_examples=50)
@given(st.lists(st.booleans(), min_size=1, max_size=30), st.integers(1, 12))
def test_points_are_spread_over_all_that_are_visible(visible, count):
    visible = np.array([visible])
    index, mask = (np.asarray(x)[0] for x in spread_evenly(jnp.asarray(visible), count))
    chosen = index[mask]
    there = np.flatnonzero(visible[0])
    assert len(chosen) == min(count, len(there)) and np.isin(chosen, there).all()
    assert (np.diff(chosen) > 0).all()
    if len(there) > count:  # as many left out before, between and after, but for rounding
        rank, step = np.searchsorted(there, chosen), len(there) / count
        assert np.abs(np.diff(rank) - step).max(initial=0) <= 1
        assert rank[0] <= step / 2 and len(there) - 1 - rank[-1] <= step / 2


def test_hidden_points_count_for_nothing_and_the_epoch_neither():
    batch = points()
    visible = batch["mask"] & (np.arange(LENGTH) % 3 > 0)
    variables, call = read()
    before = np.asarray(call(variables, given_of(batch, visible)))
    changed = {name: np.where(visible, batch[name], np.float32(value)) for name, value in
               (("magnitude", 40), ("magnitude_error", 7), ("time", 50))} | {"mask": batch["mask"]}  # fmt: skip
    np.testing.assert_array_equal(call(variables, given_of(changed, visible)), before)
    later = {**batch, "time": batch["time"] + np.float32(64)}
    np.testing.assert_allclose(call(variables, given_of(later, visible)), before, atol=2e-2)
    moved = {
        **batch,
        "magnitude": np.where(visible & (np.arange(LENGTH) == 4), batch["magnitude"] + 1, batch["magnitude"]),
    }
    assert np.abs(np.asarray(call(variables, given_of(moved, visible))) - before).max() > 1e-2


def test_the_order_of_tokens_does_not_matter():
    """Of few points all are tokens, and what distinguishes them is their time, not their place."""
    batch = points()
    few = batch["mask"] & (np.arange(LENGTH) < 9)
    variables, call = read()
    inputs = given_of(batch, few)
    order = np.random.default_rng(0).permutation(9)
    turned = {
        name: np.concatenate([np.asarray(x)[:, order], np.asarray(x)[:, 9:]], 1) for name, x in inputs["points"].items()
    }
    np.testing.assert_allclose(call(variables, {**inputs, "points": turned}), call(variables, inputs), atol=1e-4)


def test_phases_turn_once_in_a_period():
    from lcjax.systems.base_encoder.parts import grid_of

    grid = grid_of(small())
    views = views_by_preset()(points())
    period = 1.0 / np.asarray(views.frequency)[:, :1]
    time = np.concatenate([np.zeros_like(period), period / 4, period, 2 * period], axis=1).astype(np.float32)
    turns = grid.turns(jnp.asarray(time), jnp.ones(time.shape, bool))
    waves = np.asarray(phases_of(turns, views))
    valid = np.asarray(views.candidates.valid)[:, 0]
    assert valid.any()
    candidates = views.frequency.shape[1]
    sine, cosine = waves[valid][..., 0], waves[valid][..., 2 * candidates]
    np.testing.assert_allclose(sine, np.tile([0, 1, 0, 0], (valid.sum(), 1)), atol=0.03)
    np.testing.assert_allclose(cosine, np.tile([1, 0, 1, 1], (valid.sum(), 1)), atol=0.03)
    doubled = waves[valid][..., 3 * candidates]
    np.testing.assert_allclose(doubled[:, 2:], np.tile([-1, 1], (valid.sum(), 1)), atol=0.03)


def test_heads_must_have_pairs_of_channels():
    with pytest.raises(ConfigError, match="cannot be turned in 3 heads"):
        PointTokensConfig(width=64, heads=3)
