"""Fourier sums by matrix products, against the sum itself in float64."""

import jax
import numpy as np
import pytest

from lcjax.transforms.frequency_grid import FrequencyGrid
from lcjax.transforms.nufft import sums_at, sums_on_grid


@pytest.fixture(scope="module")
def points():
    rng = np.random.default_rng(1)
    time = rng.uniform(0, 290, 37).astype(np.float32)
    strength = rng.normal(size=(2, 37)).astype(np.float32)
    return time, strength


def direct(time, strength, frequency):
    wave = np.exp(2j * np.pi * frequency[:, None] * (time.astype(float) - time.min()))
    return strength.astype(float) @ wave.T


@pytest.mark.parametrize("multiple", [1, 3])
@pytest.mark.parametrize("highest", [0.05, 4.0, 4.003])
def test_every_frequency_of_the_grid(points, highest, multiple):
    """Numbers of frequencies below, at and off the multiples of the blocks."""
    time, strength = points
    grid = FrequencyGrid(highest=highest, lowest=0.01, span=300.0)
    turns = grid.turns(time, np.ones(len(time), bool))
    real, imaginary = jax.jit(sums_on_grid, static_argnums=(2, 3))(strength, turns, grid.count, multiple)
    expected = direct(time, strength, multiple * grid.frequencies)
    assert real.shape == (2, grid.count)
    np.testing.assert_allclose(real + 1j * imaginary, expected, atol=2e-3)


def test_a_few_frequencies_and_their_multiples(points):
    time, strength = points
    grid = FrequencyGrid(highest=4.0, lowest=0.01, span=300.0)
    frequency = np.array([0.0123, 1.5, 3.777])
    cosine, sine = sums_at(strength, grid.turns(time, np.ones(len(time), bool)), grid.place(frequency), 3)
    for multiple in (1, 2, 3):
        expected = direct(time, strength, multiple * frequency)
        np.testing.assert_allclose(cosine[:, multiple - 1] + 1j * sine[:, multiple - 1], expected, atol=2e-3)
