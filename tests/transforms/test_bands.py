"""Amplitudes of bands: taken out without a change of any fit, told by spreads, found by fits."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lcjax.transforms import periodogram
from lcjax.transforms.bands import (
    FARTHEST,
    amplitudes_of_spreads,
    at_points,
    band_centres,
    band_means,
    fitted_amplitudes,
    scaled_to,
)
from lcjax.transforms.frequency_grid import FrequencyGrid

GRID = FrequencyGrid(highest=4.0, lowest=0.01, span=200.0, bins=16)
BANDS = 4
prepare = jax.jit(functools.partial(periodogram.prepare, grid=GRID, bands=BANDS))
TRUE = np.array([0.5, 0.25, 0.1])


def star(noise=0.01, points=120, seed=0, amplitudes=TRUE):
    """Bands in turn, the fourth empty, of one sine."""
    rng = np.random.default_rng(seed)
    time = np.sort(rng.uniform(0, 190, points)).astype(np.float32)
    band = np.arange(points) % 3
    wave = np.sin(2 * np.pi * time / 1.7)
    magnitude = 15 + np.array([0, 1.0, 2.0])[band] + amplitudes[band] * wave + noise * rng.normal(size=points)
    arrays = {"time": time, "magnitude": magnitude, "magnitude_error": np.full(points, noise)}
    batch = {name: np.asarray(values, np.float32)[None] for name, values in arrays.items()}
    return {**batch, "mask": np.ones((1, points), bool), "band": band[None].astype(np.int32)}, wave


def test_means_of_bands_at_their_points():
    value, weight = np.array([[1.0, 3.0, 10.0, 7.0]]), np.array([[1.0, 3.0, 1.0, 1.0]])
    found = band_means(value, weight, np.array([[0, 0, 1, -1]]), 3)
    np.testing.assert_allclose(found, [[2.5, 2.5, 10.0, 0.0]])
    np.testing.assert_allclose(at_points(np.array([[2.0, 4.0]]), np.array([[1, 0, -1]])), [[4.0, 2.0, 1.0]])


def test_centres_are_of_what_is_visible():
    """By band, at hidden points too; of a band of which nothing is visible the mean of all."""
    value = np.array([[15.0, 17.0, 10.0, np.nan, np.inf, 3.0]])
    visible = np.array([[True, True, True, False, False, False]])
    found = band_centres(value, visible, np.array([[0, 0, 1, 1, 2, -1]]), 3)
    np.testing.assert_allclose(found, [[16.0, 16.0, 10.0, 10.0, 14.0, 14.0]])
    np.testing.assert_array_equal(band_centres(value, ~visible & False, np.zeros((1, 6), int), 3), 0.0)


def test_amplitudes_are_told_by_spreads_and_noise_is_none():
    points = prepare(star()[0])
    expected = TRUE / np.exp(np.mean(np.log(TRUE)))
    np.testing.assert_allclose(points.amplitude[0, :3], expected, rtol=0.1)
    assert points.amplitude[0, 3] == 1
    # The third band has hardly more than noise: what it says is taken with the doubt that it deserves.
    noisy = prepare(star(noise=0.15, amplitudes=np.array([0.5, 0.5, 0.0]))[0]).amplitude[0]
    assert 0.19 < float(noisy[2] / noisy[0]) < 0.7
    nothing = prepare(star(amplitudes=0 * TRUE, noise=0.05, seed=3)[0]).amplitude[0]
    np.testing.assert_allclose(nothing, 1.0, atol=0.5)


def test_other_units_leave_chi_squared_as_it_was():
    points = jax.tree.map(lambda x: x[0], prepare(star()[0]))
    again = scaled_to(points, jnp.ones(BANDS))
    assert float(again.weight.sum()) == pytest.approx(1, abs=1e-5)
    assert float(again.variance) == pytest.approx(float((again.weight * again.value**2).sum()), rel=1e-4)
    assert float(again.chi2) == float(points.chi2)
    back = scaled_to(again, points.amplitude)
    for name in ("value", "weight", "error", "variance"):
        np.testing.assert_allclose(getattr(back, name), getattr(points, name), rtol=1e-4, atol=1e-6)
    # The share that a curve in proportion to the amplitudes explains does not depend on the units it is counted in.
    assert np.ptp(amplitudes_of_spreads(again)[:3] - points.amplitude[:3]) < 1e-5


def test_a_fit_finds_the_amplitudes():
    batch, wave = star(noise=0.1)
    points = jax.tree.map(lambda x: x[0], prepare(batch))
    common = wave - np.sum(np.asarray(points.weight) * wave)
    found = fitted_amplitudes(points, jnp.asarray(common * 0.25, jnp.float32), BANDS)
    expected = TRUE / np.exp(np.mean(np.log(TRUE)))
    np.testing.assert_allclose(found[:3], expected, rtol=0.25)
    assert found[3] == 1
    still = fitted_amplitudes(points, jnp.zeros(120), BANDS)
    np.testing.assert_allclose(still, points.amplitude, rtol=1e-4)


def test_amplitudes_have_bounds():
    found = prepare(star(amplitudes=np.array([2.0, 1e-4, 1e-4]))[0]).amplitude
    assert float(found.min()) >= 1 / FARTHEST and float(found.max()) <= FARTHEST
