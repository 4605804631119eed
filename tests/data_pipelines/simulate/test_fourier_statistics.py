"""Shapes drawn are those measured; the shape of a curve is found again."""

import numpy as np
import pytest

from data_pipelines.simulate.fourier_statistics import FOURIER, shape_of
from data_pipelines.simulate.survey import CLASS_NAMES


@pytest.mark.parametrize("name", FOURIER)
def test_curves_have_the_statistics_they_are_drawn_from(name):
    rng = np.random.default_rng(0)
    phase = np.linspace(0, 1, 200, endpoint=False)
    measured = FOURIER[name]
    curves = [measured.curve(rng, phase) for _ in range(200)]
    assert name in CLASS_NAMES and np.ptp(curves, axis=1) == pytest.approx(1, abs=0.01)
    shapes = np.array([shape_of(phase, curve, 1.0) for curve in curves])
    assert np.median(shapes[:, 0]) == pytest.approx(measured.ratios[0], abs=0.2 * measured.ratio_spreads[0] + 0.01)
    off = (shapes[:, 1] - measured.phases[0] + np.pi) % (2 * np.pi) - np.pi
    assert abs(np.median(off)) < 0.25 * measured.phase_spreads[0]
    there = shapes[:, 0] > 1e-6  # where no second harmonic was drawn, its phase is a rounding error
    assert there.mean() > 0.9
    assert np.std(off[there]) == pytest.approx(measured.phase_spreads[0], rel=0.25)


def test_shapes_are_independent_of_epoch_and_absent_without_period():
    mjd = np.sort(np.random.default_rng(1).uniform(55_000, 55_300, 80))
    turn = 2 * np.pi * mjd / 0.61
    magnitude = (
        15 + 0.3 * np.cos(turn + 1.0) + 0.12 * np.cos(2 * turn + 2.0 + 3.9) + 0.03 * np.cos(3 * turn + 3.0 + 1.2)
    )
    for shift in (0.0, 1234.5):
        assert shape_of(mjd + shift, magnitude, 0.61) == pytest.approx((0.4, 3.9, 0.1, 1.2), abs=1e-6)
    assert np.isnan(shape_of(mjd, magnitude, np.nan)).all() and np.isnan(shape_of(mjd[:9], magnitude[:9], 0.61)).all()
    assert np.isnan(shape_of(mjd[:20], magnitude[:20], 1e4)).all()  # a fit that is not determined
