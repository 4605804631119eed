"""Counts and independence of pretraining masks."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lcjax.errors import ConfigError
from lcjax.transforms import mask_for_pretraining

LENGTH = 200


def batch_of_every_length(length=LENGTH):
    """One window of every number of points 0..length; all magnitudes differ."""
    mask = np.arange(length) < np.arange(length + 1)[:, None]
    magnitude = np.arange(mask.size, dtype=np.float32).reshape(mask.shape) * mask
    return {"mask": mask, "magnitude": magnitude}


run = jax.jit(mask_for_pretraining, static_argnames=("probed", "same", "random", "values_from"))


def expected_counts(n, probed, same, random):
    n, probed, same, random = (np.float32(x) for x in (n, probed, same, random))
    k = np.floor(n * probed)
    kept = np.ceil(k * same)
    return k, kept, np.ceil((k - kept) * random)


@pytest.mark.parametrize(
    "shares", [(0.5, 0.2, 0.2), (0.2, 0.1, 0.1), (0.5, 0.0, 0.0), (0.75, 0.5, 1.0), (0.9, 0.0, 1.0), (0.0, 0.2, 0.2)]
)
@pytest.mark.parametrize("values_from", ["all", "visible"])
def test_counts_for_every_number_of_points(shares, values_from):
    batch = batch_of_every_length()
    out = jax.tree.map(np.asarray, run(jax.random.key(1), batch, *shares, values_from=values_from))
    changed = out["magnitude"] != batch["magnitude"]
    for n in range(LENGTH + 1):
        k, kept, randomised = expected_counts(n, *shares)
        assert out["probed"][n].sum() == k
        assert (out["probed"][n] & ~out["visible"][n]).sum() == k - kept - randomised
        assert changed[n].sum() <= randomised
        if randomised:
            # of the last shares more points are randomised than shown, which give their magnitudes several times
            values = set(out["magnitude"][n][changed[n]])
            shown = out["visible"][n] & ~changed[n] if values_from == "visible" else batch["mask"][n]
            assert values <= set(batch["magnitude"][n][shown])
    assert not (out["probed"] & ~batch["mask"]).any()
    assert not (out["visible"] & ~batch["mask"]).any()
    assert not (~out["probed"] & batch["mask"] & ~out["visible"]).any()
    assert not (changed & ~(out["probed"] & out["visible"])).any()
    np.testing.assert_array_equal(out["target"], batch["magnitude"])


def test_everything_probed_stays_visible_and_nothing_probed_hides_nothing():
    batch = batch_of_every_length(12)
    everything = run(jax.random.key(0), batch, 1.0, 0.2, 0.2)
    nothing = run(jax.random.key(0), batch, 0.0, 0.2, 0.2)
    for out, probed in ((everything, batch["mask"]), (nothing, np.zeros_like(batch["mask"]))):
        np.testing.assert_array_equal(out["visible"], batch["mask"])
        np.testing.assert_array_equal(out["probed"], probed)
        np.testing.assert_array_equal(out["magnitude"], batch["magnitude"])


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 2**31 - 1), order=st.permutations(range(8)))
def test_a_row_is_masked_alike_wherever_it_lies(seed, order):
    batch = {k: v[5:13] for k, v in batch_of_every_length(16).items()} | {"row": np.arange(8)}
    whole = run(jax.random.key(seed), batch)
    moved = run(jax.random.key(seed), {k: v[np.array(order)] for k, v in batch.items()})
    for name in ("probed", "visible", "magnitude"):
        np.testing.assert_array_equal(np.asarray(whole[name])[np.array(order)], moved[name])


def test_masks_are_fresh_and_even():
    batch = {"mask": np.ones((2000, 10), bool), "magnitude": np.tile(np.arange(10, dtype=np.float32), (2000, 1))}
    first, second = (run(jax.random.key(seed), batch) for seed in (0, 1))
    assert (np.asarray(first["probed"]) != np.asarray(second["probed"])).any(axis=1).mean() > 0.95
    for name, share in (("probed", 0.5), ("visible", 0.7)):  # 5 probed, 1 same, 1 random, 3 hidden
        np.testing.assert_allclose(np.asarray(first[name]).mean(axis=0), share, atol=0.05)
    assert abs(np.corrcoef(np.asarray(first["probed"]).T)[0, 1] + 1 / 9) < 0.08


def test_randomised_points_cycle_when_few_are_shown():
    batch = {"mask": np.ones((1, 10), bool), "magnitude": np.arange(10, dtype=np.float32)[None]}
    out = run(jax.random.key(3), batch, 0.95, 0.0, 1.0, values_from="visible")
    assert np.asarray(out["probed"]).sum() == 9
    assert len(set(np.asarray(out["magnitude"])[0].tolist())) == 1
    assert jnp.all(out["visible"])


def test_rows_spread_over_a_mapped_axis_have_masks_of_their_own():
    mask = np.ones((6, 20), bool)
    batch = {"mask": mask, "magnitude": np.zeros((6, 20), np.float32)}
    split = {name: value.reshape(3, 2, 20) for name, value in batch.items()}
    key, whole = jax.random.key(4), mask_for_pretraining(jax.random.key(4), batch)["probed"]
    named = lambda b: mask_for_pretraining(key, b, axis="data")["probed"]
    np.testing.assert_array_equal(jax.vmap(named, axis_name="data")(split).reshape(6, 20), whole)
    assert len(np.unique(whole, axis=0)) == 6
    with pytest.raises(ConfigError, match="axis='data'"):
        jax.vmap(lambda b: mask_for_pretraining(key, b), axis_name="data")(split)


def test_arrays_of_other_shapes_are_refused_at_the_door():
    batch = {"mask": np.ones((2, 5), bool), "magnitude": np.zeros((2, 6), np.float32)}
    with pytest.raises(AssertionError, match="assert_equal_shape"):
        mask_for_pretraining(jax.random.key(0), batch)


@pytest.mark.parametrize("values_from", ["all", "visible"])
def test_randomised_magnitudes_of_a_row_do_not_depend_on_other_rows(values_from):
    batch = {k: v[20:24] for k, v in batch_of_every_length(24).items()} | {"row": np.arange(4)}
    shares = (0.8, 0.0, 0.7)
    whole = run(jax.random.key(2), batch, *shares, values_from=values_from)
    last = run(jax.random.key(2), {k: v[::-1] for k, v in batch.items()}, *shares, values_from=values_from)
    np.testing.assert_array_equal(whole["magnitude"], last["magnitude"][::-1])
    assert np.any(np.asarray(whole["magnitude"]) != batch["magnitude"])
