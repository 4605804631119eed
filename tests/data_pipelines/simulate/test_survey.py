"""What one survey sees of a star: depth, saturation, classes, and that a seed means the same in every version."""

import dataclasses

import numpy as np
import pytest

from data_pipelines.simulate import survey as room
from data_pipelines.simulate.errors import ErrorLaw
from data_pipelines.simulate.survey import CLASS_NAMES, METADATA_NAMES, simulate_light_curves, simulate_one
from data_pipelines.simulate.surveys import DEFAULT_MIX, QUANTILES, SURVEYS, Dirt, Survey

NIGHTLY = np.arange(50_000.3, 50_400)


def plain(**more):
    """A survey that looks every night and measures exactly."""
    law = ErrorLaw((10.0,), (0.01,), (1e-9,), object_spread=0, point_spread=0, truth_spread=0, digits=6)
    settings = dict(limit=20.0, classes={"RRab": 1.0}) | more
    return Survey("plain", "V", lambda rng: NIGHTLY, law, (15.0,) * 7, **settings)


@pytest.fixture
def use(monkeypatch):
    """Makes `plain` with settings the only survey."""
    return lambda **more: monkeypatch.setitem(SURVEYS, "plain", plain(**more)) or {"plain": 1.0}


def test_half_of_the_points_at_the_limit_are_lost():
    rng = np.random.default_rng(0)
    seen = lambda magnitude: room._detected(rng, plain(bright=10.0), np.full(4000, magnitude)).mean()
    assert seen(20.0) == pytest.approx(0.5, abs=0.03)
    assert seen(20.0 + room.LIMIT_WIDTH) == pytest.approx(1 / (1 + np.exp(3)), abs=0.02)
    assert seen(18.0) == 1 and seen(22.5) == 0 and seen(9.5) == 1 and seen(8.9) == 0


def test_an_exact_survey_returns_the_truth(use):
    curve = simulate_one(3, 0, use(), dirt=False, label_noise=0.0)
    assert (curve.object_id, curve.band, curve.label) == ("plain-0-0000003", "V", "RRab")
    assert curve.origin == "simulated survey plain, seed 0, object 3"
    np.testing.assert_array_equal(curve.mjd, NIGHTLY)
    assert np.median(curve.magnitude) == pytest.approx(15, abs=1e-3) and set(curve.magnitude_error) == {0.01}
    assert curve.metadata["amplitude"] == pytest.approx(np.ptp(curve.magnitude), abs=1e-5)
    assert tuple(curve.metadata) == METADATA_NAMES and curve.metadata["long_period"] == 0
    assert 0.42 <= curve.metadata["period"] <= 0.9
    folded = curve.magnitude[np.argsort(NIGHTLY / curve.metadata["period"] % 1)]
    assert np.mean(np.diff(folded) ** 2) < 0.1 * np.var(curve.magnitude)
    assert simulate_one(3, 0, use(classes={"MIRA": 1.0})).metadata["long_period"] == 1


def test_stars_are_made_faint_or_bright_enough_to_be_seen(use):
    for limit, bright in ((13.0, -np.inf), (30.0, 17.0)):
        mix = use(limit=limit, bright=bright, classes={"CONST": 1.0})
        curve = simulate_one(0, 0, mix, dirt=False)
        expected = limit - 2 * room.LIMIT_WIDTH if limit < 15 else bright
        assert np.median(curve.magnitude) == pytest.approx(expected, abs=0.01)


def test_transients_go_off_while_the_survey_looks_and_flares_have_a_star(use):
    for name in ("SNIa", "NOVA"):
        curve = simulate_one(1, 2, use(classes={name: 1.0}, limit=17.0), dirt=False, label_noise=0.0)
        assert np.isnan(curve.metadata["period"]) and 3 <= len(curve.mjd) < 120
        assert abs(curve.magnitude.min() - 15) < 0.3
    flare = simulate_one(0, 0, use(classes={"FLARE": 1.0}, limit=30.0), dirt=False)
    assert len(flare.mjd) == len(NIGHTLY)  # the star is there when it does not flare
    assert 16 < np.median(flare.magnitude) < 18.1 and flare.magnitude.min() < 15.5


def test_labels_are_wrong_as_often_as_asked(use):
    mix = use()
    wrong = [simulate_one(i, 0, mix, dirt=False, label_noise=1.0) for i in range(5)]
    assert all(c.label == "RRab" and c.metadata["mislabelled"] == 0 for c in wrong)  # no other class to confuse it with
    mix = use(classes={"RRab": 1.0, "RRc": 1e-12})
    wrong = [simulate_one(i, 0, mix, dirt=False, label_noise=1.0) for i in range(5)]
    assert all(c.label != "RRab" and c.metadata["mislabelled"] == 1 for c in wrong)


def test_magnitudes_and_classes_are_drawn_from_their_tables():
    rng = np.random.default_rng(0)
    for survey in SURVEYS.values():
        assert list(survey.magnitudes) == sorted(survey.magnitudes) and len(survey.magnitudes) == len(QUANTILES)
        drawn = [survey.draw_magnitude(rng) for _ in range(3000)]
        np.testing.assert_allclose(np.quantile(drawn, QUANTILES[1:-1]), survey.magnitudes[1:-1], atol=0.35)
        names = [survey.draw_class(rng) for _ in range(1000)]
        commonest = max(survey.classes, key=survey.classes.get)
        share = survey.classes[commonest] / sum(survey.classes.values())
        assert names.count(commonest) / 1000 == pytest.approx(share, abs=0.06) and set(names) <= set(CLASS_NAMES)
        assert survey.bright < survey.magnitudes[3] < survey.limit


def test_rates_of_dirt_are_shares_and_mixtures_sum_to_one():
    for survey in SURVEYS.values():
        assert all(0 <= rate <= 1 for rate in dataclasses.astuple(survey.dirt))
    assert sum(DEFAULT_MIX.values()) == pytest.approx(1) and set(DEFAULT_MIX) == set(SURVEYS)
    assert {name for name, survey in SURVEYS.items() if survey.dirt.unsorted} == {"crts_sss", "catalina_css"}
    assert Dirt().unsorted == 0 and SURVEYS["asas3"].dirt.duplicate_table == 0.29


RECORDED = {
    # survey: label, points, sums of (MJD - 50,000), magnitudes and errors of object 4 of seed 11
    "crts_sss": ("EW", 289, 1.44982e06, 4403.99, 27.482),
    "asas3": ("ELL", 392, 1.28849e06, 4686.82, 14.5),
    "ztf": ("EA", 177, 1.5343e06, 2923.11, 0.7658),
    "hipparcos": ("SR", 71, -3.6486e06, 824.495, 2.688),
    "ogle2": ("CEP", 412, 450787, 6251.57, 3.805),
    "ogle4": ("ML", 317, 2.85417e06, 5638.92, 11.308),
    "sdss_s82": ("RRab", 56, 219755, 1157.62, 1.709),
    "macho": ("RRab", 643, 15271.8, -3799, 20.464),
    "catalina_css": ("SNII", 12, 61426.5, 220.948, 1.933),
    "ztf_alerts": ("SNIa", 8, 67354.2, 158.539, 1.1978),
}


@pytest.mark.parametrize("name", SURVEYS)
def test_a_seed_means_the_same_survey_in_every_version(name):
    """Recorded once: published numbers on simulated data can be made again."""
    (curve,) = simulate_light_curves(1, 11, [name], start=4)
    finite = lambda values: np.nansum(np.where(np.abs(values) < 9e5, values, 0))
    found = (finite(curve.mjd - 50_000), finite(curve.magnitude), finite(curve.magnitude_error))
    label, points, *sums = RECORDED[name]
    assert (curve.label, len(curve.mjd)) == (label, points)
    np.testing.assert_allclose(found, sums, rtol=1e-4)
