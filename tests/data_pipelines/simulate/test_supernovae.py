"""What distance, expansion, dust and cooling do to a transient."""

import dataclasses

import numpy as np
import pytest

from data_pipelines.simulate.passbands import distance_modulus, extinction
from data_pipelines.simulate.sed_templates import SedTemplate
from data_pipelines.simulate.supernovae import EXPLOSIONS, Observed, draw_explosion
from data_pipelines.simulate.survey import CLASS_NAMES
from lcjax.passbands import WAVELENGTH

NEAR = Observed("SNIa", 0.01, 0.0, 0.0, -19.3, 7)
DAYS = np.linspace(-15, 60, 76)


def test_a_near_supernova_is_as_bright_as_its_distance_says_and_reddens():
    assert NEAR.magnitude(np.zeros(1), "g")[0] == pytest.approx(-19.3 + distance_modulus(0.01), abs=0.35)
    colour = NEAR.magnitude(DAYS, "g") - NEAR.magnitude(DAYS, "r")
    assert colour[15] < 0.1 and colour[50] - colour[15] > 0.5 and (np.diff(colour[15:]) >= -1e-9).all()
    assert NEAR.magnitude(np.zeros(1), "u")[0] > NEAR.magnitude(np.zeros(1), "g")[0] + 0.3  # metals


def test_time_is_stretched_by_one_plus_z():
    width = []
    for redshift in (0.01, 0.5):
        seen = dataclasses.replace(NEAR, redshift=redshift, name="TDE")
        fade = np.interp(
            1.0, seen.magnitude(np.arange(400.0), "r") - seen.magnitude(np.zeros(1), "r")[0], np.arange(400.0)
        )
        width.append(fade)
    assert width[1] / width[0] == pytest.approx(1.5 / 1.01, rel=0.1)


def test_dust_dims_the_blue_more():
    dusty = dataclasses.replace(NEAR, dust=0.3)
    for band in "ugrizy":
        dimmed = dusty.magnitude(DAYS, band) - NEAR.magnitude(DAYS, band)
        np.testing.assert_allclose(dimmed, 0.93 * extinction(WAVELENGTH[band] / 1.01), rtol=1e-6)


@pytest.mark.parametrize("name", EXPLOSIONS)
def test_drawn_ones_are_bright_enough_and_far(name):
    rng = np.random.default_rng(0)
    drawn = [draw_explosion(rng, name, 23.5) for _ in range(25)]
    assert name in CLASS_NAMES and all(0 < one.redshift <= EXPLOSIONS[name].farthest for one in drawn)
    assert np.mean([one.magnitude(np.zeros(1), "r")[0] < 23.5 for one in drawn]) > 0.95
    assert np.std([one.redshift for one in drawn]) > 0.01


def test_a_template_is_followed_instead():
    """Its colours at its redshift, and a stretch that all bands share."""
    days, waves = np.arange(-20.0, 80.0), np.arange(200.0, 1100.0, 10.0)
    light = np.exp(-0.5 * (days / 15.0) ** 2)[:, None] * (waves / 551.0) ** -2.0
    seen = dataclasses.replace(NEAR, redshift=0.2, template=SedTemplate(days, waves, light))
    curves = {band: seen.magnitude(DAYS, band) for band in "gri"}
    # AB magnitudes of a flux that goes as wavelength^-2 are the same in all bands.
    assert np.ptp([curve[15] for curve in curves.values()]) < 0.05
    assert curves["r"][15] == pytest.approx(-19.3 + distance_modulus(0.2) - 2.5 * np.log10(1.2), abs=0.1)
    for curve in curves.values():
        np.testing.assert_allclose(curve - curve[15], curves["g"] - curves["g"][15], atol=0.02)
    width = lambda curve: np.interp(0.5, curve[15:] - curve[15], DAYS[15:])
    assert width(curves["r"]) == pytest.approx(15 * np.sqrt(2 * 0.4605) * 1.2, rel=0.3)
