"""Building blocks of variability against their formulas."""

import numpy as np
import pytest

from data_pipelines.simulate.shapes import (
    damped_random_walk,
    eclipse,
    flux_to_magnitude,
    fourier,
    sawtooth_pulsator,
    slow_drift,
)

PHASE = np.linspace(0, 1, 64, endpoint=False)


def test_a_fourier_series_has_its_harmonics_and_a_peak_to_peak_of_one():
    delta = fourier(PHASE, (0.3, 0.1), (1.0, 2.0))
    assert np.ptp(delta) == pytest.approx(1) and delta.mean() == pytest.approx(0, abs=1e-12)
    harmonics = np.fft.rfft(delta)[1:4]
    np.testing.assert_allclose(np.abs(harmonics[1:] / harmonics[0]), (0.3, 0.1))
    np.testing.assert_allclose(np.angle(harmonics[1:] / harmonics[0]), (1.0, 2.0))
    np.testing.assert_allclose(fourier(PHASE + 3, (0.3,), (1.0,)), fourier(PHASE, (0.3,), (1.0,)), atol=1e-12)
    with pytest.raises(ValueError, match="zip"):
        fourier(PHASE, (0.3,), ())


def test_a_pulsator_rises_faster_than_it_declines_the_more_so_the_steeper():
    def rise(steepness):
        """Share of the cycle from faintest to brightest."""
        delta = sawtooth_pulsator(np.random.default_rng(0), PHASE, steepness)
        assert np.ptp(delta) == pytest.approx(1)
        return ((np.argmin(delta) - np.argmax(delta)) % 64) / 64

    assert rise(0.5) < rise(0.2) < 0.5
    low, high = (sawtooth_pulsator(np.random.default_rng(1), PHASE, s) for s in (0.62, 5.0))
    np.testing.assert_array_equal(low, high)  # the steepness is bounded


def test_an_eclipse_is_one_deep_at_its_centre_and_nothing_far_away():
    assert eclipse(np.array([0.3]), 0.3, 0.02, 1.0) == [1.0]
    assert eclipse(np.array([0.8]), 0.3, 0.02, 1.0) == pytest.approx(0)
    left, right = eclipse(np.array([0.98, 1.02]), 0.0, 0.02, 1.5)
    assert left == pytest.approx(right) and 0 < left < 1
    d = 0.01 / 0.02
    assert eclipse(np.array([0.01]), 0.0, 0.02, 2.0) == pytest.approx(1 - (1 - np.exp(1 - np.cosh(d))) ** 2)


def test_a_random_walk_has_its_spread_and_memory():
    mjd = np.arange(20_000.0)
    walk = damped_random_walk(np.random.default_rng(0), mjd, 0.2, 10.0)
    assert np.std(walk) == pytest.approx(0.2, rel=0.1)
    for lag in (1, 10):
        assert np.corrcoef(walk[:-lag], walk[lag:])[0, 1] == pytest.approx(np.exp(-lag / 10), abs=0.05)
    still = damped_random_walk(np.random.default_rng(0), np.array([5.0, 5, 5]), 0.2, 10.0)
    assert still[0] == still[1] == still[2]


def test_a_drift_is_smooth_and_of_unit_variance():
    mjd = np.linspace(0, 1e5, 20_000)
    drift = slow_drift(np.random.default_rng(0), mjd, 100.0)
    assert np.std(drift) == pytest.approx(1, rel=0.05)
    assert np.std(slow_drift(np.random.default_rng(0), mjd, 100.0, terms=9)) == pytest.approx(1, rel=0.1)
    near = slow_drift(np.random.default_rng(0), np.array([0.0, 1.0]), 1e4)
    assert abs(near[1] - near[0]) < 0.01


def test_fluxes_to_magnitudes_are_bounded():
    np.testing.assert_allclose(flux_to_magnitude(np.array([1.0, 100.0, 0.01, 0.0, -3.0])), [0, -5, 5, 8, 8])
