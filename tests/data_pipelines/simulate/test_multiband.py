"""Surveys in several bands: what a forced flux is, what a star is like in each band, what is known of it."""

from collections import defaultdict

import numpy as np
import pytest

from data_pipelines.kinds.light_curves.fluxes import COMMON_ZERO_POINT
from data_pipelines.simulate.multiband import (
    MULTIBAND,
    MULTIBAND_METADATA,
    RUBIN,
    ZTF_MULTIBAND,
    simulate_multiband,
    simulate_object,
)
from lcjax.errors import ConfigError


@pytest.fixture(scope="module")
def objects():
    """Object id -> band -> curve."""
    found = defaultdict(dict)
    for curve in simulate_multiband(260, 1, ("rubin", "ztf_gri")):
        found[curve.object_id][curve.band] = curve
    return found


def of_class(objects, name):
    return [bands for bands in objects.values() if next(iter(bands.values())).label == name]


def test_an_object_depends_on_seed_and_index_alone(objects):
    again = simulate_object(40, 1, {"rubin": 1.0, "ztf_gri": 1.0})
    for curve in again:
        same = objects[curve.object_id][curve.band]
        np.testing.assert_array_equal(curve.fluxes.flux, same.fluxes.flux)
        assert tuple(curve.metadata) == MULTIBAND_METADATA and curve.metadata["mislabelled"] == 0


def test_fluxes_scatter_about_nothing_before_a_supernova(objects):
    """Below 0 half of the time, by the quoted error; above it for weeks after."""
    early, late = [], 0
    for bands in of_class(objects, "SNIa"):
        for band in "gri":
            if band not in bands:
                continue
            fluxes = bands[band].fluxes
            ratio = fluxes.flux / fluxes.flux_error
            peak = fluxes.mjd[np.argmax(ratio)]
            early += ratio[fluxes.mjd < peak - 80 * (1 + bands[band].metadata["redshift"])].tolist()
            late += ratio.max() > 5
    assert len(early) > 500 and late >= 5
    assert np.mean(early) == pytest.approx(0, abs=0.1) and np.std(early) == pytest.approx(1, abs=0.06)
    assert np.mean(np.array(early) < 0) == pytest.approx(0.5, abs=0.04)


def test_magnitudes_are_those_of_the_positive_fluxes(objects):
    for bands in list(objects.values())[:30]:
        for curve in bands.values():
            positive = curve.fluxes.flux > 0
            np.testing.assert_array_equal(curve.mjd, curve.fluxes.mjd[positive])
            expected = COMMON_ZERO_POINT - 2.5 * np.log10(curve.fluxes.flux[positive])
            np.testing.assert_allclose(curve.magnitude, expected)


def test_the_noise_at_the_depth_is_a_fifth():
    for survey in (RUBIN, ZTF_MULTIBAND):
        for band, depth in survey.depth.items():
            flux = 10 ** (-0.4 * (depth - COMMON_ZERO_POINT))
            assert survey.noise(np.array([flux]), band)[0] / flux == pytest.approx(0.2 / 1.0857, rel=0.01)
            bright = 1e4 * flux
            assert survey.noise(np.array([bright]), band)[0] / bright == pytest.approx(
                survey.systematic / 1.0857, rel=0.1
            )


def test_rr_lyrae_vary_less_in_the_red_and_are_bluer_when_bright(objects):
    """Colour changes with phase: amplitudes in g over those in i; periods in the range of the class."""
    stars = of_class(objects, "RRab")
    ratios = [
        bands["g"].metadata["amplitude"] / bands["i"].metadata["amplitude"]
        for bands in stars
        if {"g", "i"} <= set(bands)
    ]
    assert len(ratios) >= 5 and np.median(ratios) == pytest.approx(1.7, abs=0.25)
    for bands in stars:
        periods = {curve.metadata["period"] for curve in bands.values()}
        assert len(periods) == 1 and 0.42 <= periods.pop() <= 0.9
        assert 0.2 < bands["r"].metadata["r21"] < 0.7 and 3.0 < bands["r"].metadata["phi21"] < 4.8


def test_bands_of_a_star_agree_in_phase(objects):
    """Folded at the period that is known, a light curve is smooth in each band, and brightest in all of them together."""
    peaks = []
    for bands in of_class(objects, "RRab")[:6]:
        tops = []
        for band in "gr":
            fluxes, period = bands[band].fluxes, bands[band].metadata["period"]
            if np.median(fluxes.flux / fluxes.flux_error) < 15:
                continue
            phase = fluxes.mjd / period % 1
            order = np.argsort(phase)
            assert np.mean(np.diff(fluxes.flux[order]) ** 2) < np.var(fluxes.flux)
            first = np.sum(fluxes.flux * np.exp(2j * np.pi * phase)) / len(phase)
            tops.append(np.angle(first - fluxes.flux.mean() * np.mean(np.exp(2j * np.pi * phase))))
        if len(tops) == 2:
            peaks.append(np.abs(np.angle(np.exp(1j * (tops[0] - tops[1])))))
    assert len(peaks) >= 2 and max(peaks) < 0.5


def test_classes_are_those_of_the_survey():
    for name, survey in MULTIBAND.items():
        labels = [simulate_object(i, 5, {name: 1.0})[0].label for i in range(120)]
        share = survey.classes["EW"] / sum(survey.classes.values())
        assert labels.count("EW") / 120 == pytest.approx(share, abs=0.12) and set(labels) <= set(survey.classes)
    noisy = [simulate_object(i, 5, {"ztf_gri": 1.0}, 0.5)[0].metadata["mislabelled"] for i in range(60)]
    assert 0.25 < np.mean(noisy) < 0.7


def test_what_cannot_be_simulated_is_one_sentence():
    with pytest.raises(ConfigError, match=r"'gaia'.*rubin, ztf_gri"):
        simulate_multiband(3, 0, ("gaia",))
    with pytest.raises(ConfigError, match="label_noise"):
        simulate_multiband(3, 0, label_noise=-1.0)
