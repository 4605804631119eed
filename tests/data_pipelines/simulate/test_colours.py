"""Colours of classes, in the order of their temperatures and amplitudes."""

import numpy as np
import pytest

from data_pipelines.simulate.band_surveys import MULTIBAND
from data_pipelines.simulate.colours import COLOURS
from data_pipelines.simulate.supernovae import EXPLOSIONS


def typical(name):
    rng = np.random.default_rng(0)
    drawn = [COLOURS[name].draw(rng, tuple("ugrizy")) for _ in range(100)]
    return tuple({band: np.median([one[i][band] for one in drawn]) for band in "ugrizy"} for i in (0, 1))


def test_every_star_of_every_survey_has_colours():
    for survey in MULTIBAND.values():
        assert set(survey.classes) <= set(COLOURS) | set(EXPLOSIONS)


def test_amplitudes_of_rr_lyrae_are_those_of_stripe_82():
    """g : r : i : z = 1 : 0.72 : 0.58 : 0.53."""
    ratios = typical("RRab")[1]
    found = [ratios[band] / ratios["g"] for band in "riz"]
    assert found == pytest.approx([0.72, 0.58, 0.53], abs=0.06) and ratios["r"] == 1


def test_cool_stars_are_red_and_eclipses_grey():
    assert typical("MIRA")[0]["g"] > typical("ROT")[0]["g"] > typical("RRab")[0]["g"] > typical("BCEP")[0]["g"]
    assert typical("MIRA")[1]["y"] < 0.5 < 0.9 < typical("EW")[1]["y"] < 1.1
    assert typical("RRab")[0]["r"] == 0
