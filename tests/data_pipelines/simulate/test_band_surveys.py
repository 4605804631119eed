"""Depths of surveys in several bands."""

import numpy as np
import pytest

from data_pipelines.kinds.light_curves.fluxes import COMMON_ZERO_POINT
from data_pipelines.simulate.band_surveys import MULTIBAND


def test_the_noise_at_the_depth_is_a_fifth():
    for survey in MULTIBAND.values():
        for band, depth in survey.depth.items():
            flux = 10 ** (-0.4 * (depth - COMMON_ZERO_POINT))
            assert survey.noise(np.array([flux]), band)[0] / flux == pytest.approx(0.2 / 1.0857, rel=0.01)
            bright = 1e4 * flux
            assert survey.noise(np.array([bright]), band)[0] / bright == pytest.approx(
                survey.systematic / 1.0857, rel=0.1
            )


def test_a_deeper_visit_has_less_noise():
    """A magnitude deeper, of what is below the sky: 2.5 times less."""
    for survey in MULTIBAND.values():
        one, two = (survey.noise(np.zeros(1), "g", deeper)[0] for deeper in (0.0, 1.0))
        assert one / two == pytest.approx(10**0.4)
