"""Spread points and their FFT against the sum itself in float64."""

import jax
import numpy as np
import pytest

from lcjax.transforms.gridding import cell_of, cells, gridded_sums


def test_places_are_exact():
    """Products of 32 and 20 bits, against integers of any size; the highest rest is below 1."""
    turns = np.array([0, 1, 2**16, 2**31 + 12345, 2**32 - 1], np.uint32)
    for number in (64, 151_875, 2**20 + 7):
        whole, rest = cell_of(turns, number)
        exact = [int(t) * number for t in turns]
        assert np.asarray(whole).tolist() == [e >> 32 for e in exact]
        np.testing.assert_allclose(rest, [(e & 0xFFFFFFFF) / 2**32 for e in exact], atol=2.0**-24)
        assert (np.asarray(rest) < 1).all()


@pytest.mark.parametrize("count", [2, 900])
@pytest.mark.parametrize("points", [1, 5000])
def test_sums(points, count):
    """Also of equal times, of points at both ends, and of strengths that differ by a million."""
    rng = np.random.default_rng(points + count)
    turns = rng.integers(0, 2**32, points, dtype=np.uint32)
    turns[-1] = 2**32 - 1
    turns[: points // 3] = turns[0] = 0
    strength = rng.normal(size=(2, points)) * 10 ** rng.uniform(-6, 0, points)
    strength /= np.abs(strength).sum(axis=1, keepdims=True)
    real, imaginary = jax.jit(gridded_sums, static_argnums=2)(strength.astype(np.float32), turns, count)
    wave = np.exp(2j * np.pi * np.arange(count)[:, None] * (turns / 2.0**32))
    np.testing.assert_allclose(real + 1j * np.asarray(imaginary), strength @ wave.T, atol=2e-5)


def test_numbers_of_cells():
    for count in (1, 60_001, 100_000):
        number = cells(count)
        assert 2.5 * count <= number <= 1.1 * max(2.5 * count, 40)
        for prime in (2, 3, 5):
            while number % prime == 0:
                number //= prime
        assert number == 1
