"""Logarithmic bins against a loop over them, and against the periodogram they sum up."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lcjax.transforms.log_bins import bin_ranges, highest, narrow_bins, quick_power, star_bins
from lcjax.transforms.periodogram import lomb_scargle, prepare
from tests.transforms.test_peaks import GRID, batch_of


def test_the_highest_of_ranges_is_found():
    rng = np.random.default_rng(0)
    power = rng.uniform(size=5003).astype(np.float32)
    starts, ends = bin_ranges(GRID)
    starts, ends = np.append(starts, 4990), np.append(ends, 5003)
    top, index = jax.jit(lambda p: highest(p, starts, ends))(power)
    for i, (start, end) in enumerate(zip(starts, ends, strict=True)):
        reach = (end - start) // 16 + 1
        inner, outer = power[start + reach : end - reach], power[max(start - reach, 0) : end + reach]
        assert max(inner, default=0.0) <= top[i] <= outer.max() and power[index[i]] == top[i]
        assert end - start > 32 or top[i] == power[start:end].max()


@pytest.fixture(scope="module")
def star():
    batch = batch_of(lambda t: 0.2 * np.sin(2 * np.pi * 1.77 * t) + 0.1 * np.cos(2 * np.pi * 3.54 * t))
    return batch, jax.tree.map(lambda x: x[0], prepare(batch, GRID))


def test_quick_power_is_nearly_that_of_the_fits(star):
    batch, points = star
    exact = lomb_scargle(batch, GRID)
    quick, window = (np.asarray(part) for part in jax.jit(lambda p: quick_power(p, GRID))(points))
    even, odd = np.asarray(exact.power[0, ::2]), np.asarray(exact.power[0, 1::2])
    known = slice(4, quick.shape[1] // 2)
    off = np.abs(quick[0, known] - even[known])
    assert np.quantile(off, 0.999) < 1e-4  # all but at 1/d, where a fit of nightly points tells nothing
    np.testing.assert_allclose(window[0], exact.window[0, ::2], atol=1e-3)
    # Above, without the weights at twice a frequency; between, by interpolation.
    beyond = quick.shape[1] // 2
    assert np.median(np.abs(quick[0, beyond:] - even[beyond:])) < 0.02
    assert np.median(np.abs(quick[1, known] - odd[known])) < 0.02


def test_bins_hold_the_peaks_of_the_periodogram(star):
    """The power in a bin is that of the fit at its frequency, and at most 19% below the highest in it."""
    batch, points = star
    power, window = jax.jit(lambda p: star_bins(p, GRID))(points)
    exact = np.asarray(lomb_scargle(batch, GRID).power[0])
    wide = slice(narrow_bins(GRID), None)
    index = np.asarray(power.frequency.index)[wide]
    np.testing.assert_allclose(power.power[wide], exact[index], atol=1e-3)
    edges = GRID.edges[wide] / GRID.spacing
    share = []
    for i, (low, high) in enumerate(itertools.pairwise(edges)):
        reach = 2 + (high - low) / 15
        assert low - reach <= index[i] <= high + reach
        inner = exact[int(np.ceil(low + reach)) : int(high - reach) + 1].max(initial=0.0)
        share.append(power.power[wide][i] / max(inner, 0.05) if inner > 0.05 else 1.0)
    assert np.min(share) > 0.7 and np.median(share) > 0.99 and (np.array(share) != 1.0).sum() > 20
    peak = np.searchsorted(GRID.edges, 1.77) - 1
    assert jnp.argmax(power.power) == peak
    day = np.searchsorted(GRID.edges, 1.0) - 1
    assert np.asarray(window.power)[day - 1 : day + 2].max() > 0.7
