"""Standardisation of windows."""

import jax
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from lcjax.transforms import masked_mean, scale_window, standardize
from lcjax.transforms.scaling import centred_times

magnitudes = hnp.arrays(np.float32, (3, 8), elements=st.floats(-5, 25, width=32))
masks = hnp.arrays(bool, (3, 8))


@settings(max_examples=30, deadline=None)
@given(values=magnitudes, mask=masks, filler=st.sampled_from([0.0, 1e30, float("nan"), float("inf")]))
def test_zero_mean_ignores_and_clears_what_is_not_real(values, mask, filler):
    values = np.where(mask, values, np.float32(filler))
    out = np.asarray(scale_window(values, mask))
    assert np.isfinite(out).all()
    assert (out[~mask] == 0).all()
    np.testing.assert_allclose(masked_mean(out, mask), 0.0, atol=1e-4)
    for row in range(3):
        real = values[row, mask[row]]
        np.testing.assert_allclose(out[row, mask[row]], real - (real.mean() if real.size else 0), atol=1e-4)


@settings(max_examples=30, deadline=None)
@given(values=magnitudes, mask=masks)
def test_minmax_fills_the_unit_interval(values, mask):
    out = np.asarray(scale_window(values, mask, "minmax"))
    assert ((out >= 0) & (out <= 1 + 1e-6)).all()
    for row in range(3):
        real = values[row, mask[row]]
        if real.size and np.ptp(real) > 1e-3:
            assert out[row, mask[row]].min() == 0
            assert out[row, mask[row]].max() == pytest.approx(1)


def test_random_mean_adds_one_offset_and_none_only_clears():
    values, mask = np.array([[1.0, 2.0, 3.0]], np.float32), np.array([[True, True, False]])
    plain, moved = scale_window(values, mask), scale_window(values, mask, "random-mean", jax.random.key(0))
    shift = np.asarray(moved - plain)[0]
    assert shift[0] == pytest.approx(shift[1]) and 0 < abs(shift[0]) < 5 and shift[2] == 0
    np.testing.assert_array_equal(scale_window(values, mask, "none"), [[1.0, 2.0, 0.0]])


@pytest.mark.parametrize("how", ["zero-mean", "minmax", "none"])
def test_every_window_of_a_stack_is_scaled_by_itself(how):
    rng = np.random.default_rng(1)
    values, mask = rng.normal(15, 2, (2, 3, 5)).astype(np.float32), rng.random((2, 3, 5)) < 0.7
    rows = [scale_window(row, shown, how) for row, shown in zip(values.reshape(6, 5), mask.reshape(6, 5))]
    np.testing.assert_allclose(scale_window(values, mask, how).reshape(6, 5), rows, rtol=1e-6)


@pytest.mark.parametrize("spread", [False, True])
def test_standardize_returns_to_magnitudes(spread):
    rng = np.random.default_rng(0)
    mask = np.arange(9) < np.array([[9], [4], [1]])
    batch = {"time": rng.uniform(0, 900, mask.shape), "magnitude": rng.normal(15, 2, mask.shape), "mask": mask}
    batch = {k: v.astype(np.float32) if k != "mask" else v for k, v in batch.items()}
    over = mask & (rng.random(mask.shape) < 0.7)
    out = standardize(batch, over=over, spread=spread)
    back = np.asarray(out["magnitude"] * out["magnitude_scale"] + out["magnitude_mean"])
    np.testing.assert_allclose(back[mask], batch["magnitude"][mask], rtol=1e-5)
    np.testing.assert_allclose(masked_mean(out["magnitude"], over), 0.0, atol=1e-4)
    if spread:
        deviation = np.std(np.asarray(out["magnitude"])[0, over[0]])
        assert deviation == pytest.approx(1.0, abs=0.01)


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 1000), st.sampled_from([1, 60, 300]))
def test_times_are_centred_alike_whatever_the_padding(seed, padding):
    rng = np.random.default_rng(seed)
    time = np.sort(rng.uniform(-1800, 1800, 200)).astype(np.float32)
    exact = time.astype(np.float64) - time.astype(np.float64).mean()
    row = np.full(200 + padding, np.nan, np.float32)
    at = np.sort(rng.permutation(len(row))[:200])
    row[at], mask = time, np.isin(np.arange(len(row)), at)
    found = np.asarray(centred_times(row, mask))[at]
    np.testing.assert_allclose(found, exact, atol=3e-4)  # half a unit of the last place of a time and of its mean
    alone = np.asarray(centred_times(time, np.ones(200, bool)))
    # The same mean to 1e-6 d, whose last bit may round a time to its neighbour: a plain sum is wrong by 1e-4 d.
    assert (np.abs(found - alone) <= np.spacing(np.abs(alone)) + 1e-6).all()
