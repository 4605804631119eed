"""Phases of many cycles, against float64."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lcjax.errors import ConfigError
from lcjax.transforms.frequency_grid import Frequency, FrequencyGrid, cosine_sine, cycles, phase, split_time


def off_by(found, cycles_expected):
    """Largest distance of phases, in cycles, after a shift common to all."""
    difference = np.asarray(found, np.float64) - cycles_expected
    difference = difference - difference[..., :1]
    return np.abs(difference - np.round(difference)).max()


@pytest.fixture(scope="module")
def times():
    rng = np.random.default_rng(0)
    return 56000 + np.sort(rng.uniform(0, 2990, 300))


@pytest.mark.parametrize(("corrected", "most"), [(True, 2e-4), (False, 3e-3)])
def test_phases_of_60000_cycles(times, corrected, most):
    """With what float32 lost of the times, phases at 20/d after 3,000 days are good to 2e-4 cycles: half a tick."""
    grid = FrequencyGrid()
    high, low = split_time(times, 56000.0)
    mask = np.ones(len(times), bool)
    turns = jax.jit(grid.turns)(high, mask, low if corrected else None)
    k = np.array([1, 999, 60_001, grid.count - 1])
    found = cycles(k.astype(np.uint32)[:, None] * turns)
    exact = grid.frequencies[k][:, None] * (times - times[0])
    assert off_by(found, exact) < most
    # A product in float32 would not do: this test can tell.
    assert off_by(np.float32(grid.frequencies[k])[:, None] * (high - high[0]), exact) > 4e-4


def test_phases_between_the_frequencies_of_the_grid(times):
    grid = FrequencyGrid()
    high, low = split_time(times, 56000.0)
    frequency = np.array([1 / 1500, 0.00313, 1.00274, 7.7777777, 19.99999])
    where = grid.place(frequency)
    column = Frequency(where.index[:, None], where.offset[:, None])
    found = cycles(phase(grid.turns(high, np.ones(300, bool), low)[None], column))
    assert off_by(found, frequency[:, None] * (times - times[0])) < 2e-4
    np.testing.assert_allclose(grid.value(where), frequency, rtol=3e-7)


def test_offsets_of_many_spacings():
    """A short star: one period of its span is many spacings."""
    grid = FrequencyGrid(highest=5.0, span=100.0, lowest=0.01)
    time = np.linspace(0, 99, 40, dtype=np.float32)
    turns = grid.turns(time, np.ones(40, bool))
    far = Frequency(jnp.array([[3]]), jnp.array([[40.3]]))
    assert off_by(cycles(phase(turns[None], far)), 43.3 * grid.spacing * time.astype(float)) < 2e-4


def test_the_epoch_is_irrelevant_and_hidden_points_do_not_set_it():
    grid = FrequencyGrid(span=400.0)
    time = np.array([3.25, 100.5, 240.125, 399.0, -800.0], np.float32)
    mask = np.array([True, True, True, True, False])
    turns = np.asarray(grid.turns(time, mask))
    np.testing.assert_array_equal(turns, grid.turns(time + 1000.5, mask))
    np.testing.assert_array_equal(turns[[0, 4]], 0)


def test_cosine_and_sine():
    at = np.random.default_rng(0).integers(0, 2**32, 10_000, dtype=np.uint32)
    cosine, sine = cosine_sine(at)
    angle = 2 * np.pi * at / 2**32
    np.testing.assert_allclose(cosine, np.cos(angle), atol=6e-7)
    np.testing.assert_allclose(sine, np.sin(angle), atol=6e-7)


def test_spacing_and_bins():
    grid = FrequencyGrid(highest=10.0, span=1000.0, oversampling=3.0)
    assert grid.spacing == pytest.approx(1 / 3000, rel=1e-4)
    assert grid.frequencies[-1] >= 10.0 > grid.frequencies[-2]
    assert float(grid.oversampling_of(jnp.float32(1000.0))) == pytest.approx(3.0, rel=1e-4)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"lowest": 30.0}, "lowest to highest"),
        ({"oversampling": 0.5}, "oversampling"),
        ({"span": -1.0}, "span"),
        ({"highest": 5000.0, "span": 1e7}, "fewer"),
    ],
)
def test_grids_that_cannot_be(settings, said):
    with pytest.raises(ConfigError, match=said):
        FrequencyGrid(**settings)
