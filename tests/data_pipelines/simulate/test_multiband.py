"""Surveys in several bands: what a forced flux is, what a star is like in each band, what is known of it."""

from collections import defaultdict

import numpy as np
import pytest

from data_pipelines.kinds.light_curves.fluxes import COMMON_ZERO_POINT
from data_pipelines.simulate.band_surveys import MULTIBAND
from data_pipelines.simulate.multiband import MULTIBAND_METADATA, Sky, simulate_multiband, simulate_object
from data_pipelines.simulate.survey import CLASS_NAMES
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
    for bands in objects.values():
        for curve in bands.values():
            assert np.all(curve.fluxes.flux_error > 0) and np.all(np.isfinite(curve.fluxes.flux))
            assert np.all(np.diff(curve.fluxes.mjd) > 0) and np.all(curve.magnitude_error > 0)
            positive = curve.fluxes.flux > 0
            np.testing.assert_array_equal(curve.mjd, curve.fluxes.mjd[positive])
            expected = COMMON_ZERO_POINT - 2.5 * np.log10(curve.fluxes.flux[positive])
            np.testing.assert_allclose(curve.magnitude, expected)


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


def test_classes_are_those_of_the_survey(objects):
    for name in ("rubin", "ztf_gri"):
        survey = MULTIBAND[name]
        labels = [next(iter(bands.values())).label for id_, bands in objects.items() if id_.startswith(name)]
        share = survey.classes["EW"] / sum(survey.classes.values())
        assert labels.count("EW") / len(labels) == pytest.approx(share, abs=0.09) and set(labels) <= set(survey.classes)
    noisy = [simulate_object(i, 5, {"ztf_gri": 1.0}, Sky(0.5))[0] for i in range(40)]
    assert 0.25 < np.mean([curve.metadata["mislabelled"] for curve in noisy]) < 0.7
    assert all((CLASS_NAMES[int(c.metadata["true_class"])] != c.label) == c.metadata["mislabelled"] for c in noisy)


def test_what_cannot_be_simulated_is_one_sentence():
    with pytest.raises(ConfigError, match=r"'gaia'.*rubin, ztf_gri"):
        simulate_multiband(3, 0, ("gaia",))
    with pytest.raises(ConfigError, match="label_noise"):
        simulate_multiband(3, 0, sky=Sky(label_noise=-1.0))
    with pytest.raises(ConfigError, match=r"'NOVA'"):
        simulate_multiband(3, 0, sky=Sky(classes={"NOVA": 1.0}))
    with pytest.raises(ConfigError, match=r"'RRab'.*SNIa"):
        simulate_multiband(3, 0, sky=Sky(templates={"RRab": None}))


def test_differences_scatter_about_nothing_and_follow_the_star():
    """Negative half of the time, positive when the star is above its mean; of a transient what the total flux is."""
    sky = Sky(classes={"RRab": 1.0, "SNIa": 1.0}, fluxes="difference")
    ratios = []
    for index in range(12):
        for less, whole in zip(
            simulate_object(index, 3, {"ztf_gri": 1.0}, sky),
            simulate_object(index, 3, {"ztf_gri": 1.0}, Sky(classes=sky.classes)),
            strict=True,
        ):
            one, two = less.fluxes, whole.fluxes
            assert (one.kind, two.kind) == ("difference_flux", "total_flux") and one.zero_point == COMMON_ZERO_POINT
            assert np.all(one.flux_error >= two.flux_error)
            off = two.flux - one.flux
            np.testing.assert_allclose(off, off[0], rtol=1e-6, atol=1e-6 * np.abs(two.flux).max())
            assert CLASS_NAMES[int(less.metadata["true_class"])] == less.label
            if less.label == "RRab":
                ratios.append(np.mean(one.flux < 0))
                assert off[0] == pytest.approx(np.mean(two.flux), rel=0.3)
            else:
                assert abs(off[0]) < 5 * np.median(two.flux_error)
    assert 0.3 < np.mean(ratios) < 0.75


def test_the_red_comes_later():
    """First harmonics of RR Lyrae and Cepheids, of noiseless curves in magnitudes, by what their class says."""
    from data_pipelines.simulate.colours import COLOURS
    from data_pipelines.simulate.variation import draw_variation
    from lcjax.passbands import WAVELENGTH

    rng = np.random.default_rng(4)
    time = np.sort(rng.uniform(60_000, 60_400, 400))
    for name in ("RRab", "CEP", "EW", "QSO"):
        found = []
        for _ in range(12):
            star = draw_variation(rng, name, {"g": time, "z": time})
            period = star.period if np.isfinite(star.period) else 100.0
            g, z = (np.sum(star.delta[band] * np.exp(-2j * np.pi * time / period)) for band in "gz")
            found.append(-np.angle(z / g) / (2 * np.pi))
        expected = COLOURS[name].lag * np.log(WAVELENGTH["z"] / WAVELENGTH["g"])
        assert np.median(found) == pytest.approx(expected, abs=0.012), name


def test_classes_asked_for_are_drawn():
    sky = Sky(classes={"MIRA": 3.0, "TDE": 1.0})
    labels = [simulate_object(i, 5, {"rubin": 1.0}, sky) for i in range(60)]
    labels = [curves[0].label for curves in labels if curves]
    assert set(labels) == {"MIRA", "TDE"} and 0.55 < labels.count("MIRA") / len(labels) < 0.9
