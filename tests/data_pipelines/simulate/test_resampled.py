"""Stars at real epochs: what is drawn is what is said of it."""

import numpy as np
import pytest

from data_pipelines.simulate.resampled import CLASSES, resampled_stars
from data_pipelines.simulate.variables import VARIABLES
from lcjax.errors import ConfigError, DataError

rng = np.random.default_rng(5)
SEQUENCES = [(np.sort(rng.uniform(51_000, 53_000, n)), rng.uniform(0.01, 0.1, n)) for n in (40, 3, 90, 300)]


def drawn(count=200, classes=CLASSES, seed=0, **settings):
    return resampled_stars(np.random.default_rng(seed), SEQUENCES, count, classes, length=128, **settings)


def test_epochs_and_errors_are_those_of_one_sequence():
    stars = drawn()
    assert set(stars.sequence) == {0, 2, 3}, "three points are too few"
    for i in range(40):
        time, error = SEQUENCES[stars.sequence[i]]
        here = stars.mask[i]
        assert here.sum() == min(len(time), 128)
        at, first = stars.time[i][here].astype(float), np.searchsorted(error, -1)
        assert np.all(np.diff(at) > 0) and abs(at[0] + at[-1]) < 1e-3 and first == 0
        found = np.argsort(error)[np.searchsorted(np.sort(error), stars.error[i][here] - 1e-8)]
        assert np.ptp(time[found] - at) < 1e-3
    padding = ~stars.mask
    assert not any(np.any(part[padding]) for part in (stars.time, stars.magnitude, stars.error, stars.true))


def test_truth_is_true():
    stars = drawn(classes={"CEP": 3.0, "RRc": 1.0, "QSO": 1.0})
    names = np.array(stars.class_names)[stars.label]
    assert 0.45 < np.mean(names == "CEP") < 0.75
    assert np.all(np.isnan(stars.period) == (names == "QSO"))
    assert np.all((stars.period[names == "RRc"] > 0.2) & (stars.period[names == "RRc"] < 0.46))
    for i in np.flatnonzero((names == "CEP") & (stars.mask.sum(1) > 60))[:20]:
        time, true = stars.time[i][stars.mask[i]], stars.true[i][stars.mask[i]]
        assert stars.amplitude[i] == pytest.approx(np.ptp(true))
        waves = 2 * np.pi * np.outer(time / stars.period[i], np.arange(1, 6))
        design = np.concatenate([np.ones((len(time), 1)), np.cos(waves), np.sin(waves)], axis=1)
        rest = true - design @ np.linalg.lstsq(design, true, rcond=None)[0]
        assert np.std(rest) < 1e-3, "the true curve repeats with the period"


@pytest.mark.parametrize(("noise", "red"), [((1.0, 0.0), 0.0), ((2.0, 0.0), 0.0), ((1.0, 0.0), 1.0)])
def test_noise_is_as_asked(noise, red):
    stars = drawn(noise=noise, red_noise=red)
    pull = ((stars.magnitude - stars.true) / np.where(stars.mask, stars.error, 1))[stars.mask]
    wide = np.diff(np.quantile(pull, [0.16, 0.84]))[0] / 2
    assert wide == pytest.approx(noise[0], rel=0.05) if not red else 1.05 < wide < 1.3
    assert 0.001 < np.mean(np.abs(pull) > 4.5 * noise[0]) < 0.01, "outliers"


def test_faint_points_are_lost_and_medians_kept():
    medians = np.array([14.0, 13.0, 12.0, 14.5])
    stars = drawn(classes={"MIRA": 1.0}, magnitudes=medians, limit=14.6)
    assert stars.true[stars.mask].max() < 14.6
    whole = drawn(classes={"MIRA": 1.0}, magnitudes=medians)
    middle = [np.sort(true[mask])[mask.sum() // 2] for true, mask in zip(whole.true, whole.mask, strict=True)]
    np.testing.assert_allclose(middle, medians[whole.sequence], atol=1e-4)
    assert stars.mask.sum() < 0.9 * whole.mask.sum()


def test_seeds():
    one, two, other = drawn(50), drawn(50), drawn(50, seed=1)
    assert np.array_equal(one.magnitude, two.magnitude) and not np.array_equal(one.magnitude, other.magnitude)
    assert set(CLASSES) <= set(VARIABLES) and len(drawn(0).label) == 0


@pytest.mark.parametrize(
    ("sequences", "settings", "said"),
    [
        (SEQUENCES, {"classes": {"NOVA?": 1.0}}, "NOVA"),
        (SEQUENCES, {"classes": {"EW": 0.0}}, "positive relative numbers"),
        (SEQUENCES, {"noise": (0.0, 0.1)}, "positive noise"),
        (SEQUENCES[1:2], {}, "no sequence of 5 points"),
        ([(np.arange(9.0), np.zeros(9))], {}, "errors above 0"),
        ([(np.arange(9.0), np.ones(8))], {}, "as many times as errors"),
    ],
)
def test_what_cannot_be(sequences, settings, said):
    with pytest.raises((ConfigError, DataError), match=said):
        resampled_stars(np.random.default_rng(0), sequences, 3, **settings)


def test_models_of_a_band_take_real_shapes_and_geometry():
    """Of one real star in V; binaries have two minima of their own depths a cycle."""
    from data_pipelines.simulate.fourier_fits import BandFit, StarFit
    from data_pipelines.simulate.real_shapes import RealShapes
    from data_pipelines.simulate.variation import models_of_band

    shapes = RealShapes([StarFit("a", "RRab", 0.77, (BandFit("V", 15.0, np.array([0.3, 0.1j]), 0.01, 90),))])
    models = models_of_band("V", shapes)
    stars = drawn(60, {"RRab": 1.0, "EA": 1.0}, models=models)
    pulsates = np.array(stars.class_names)[stars.label] == "RRab"
    assert stars.period[pulsates] == pytest.approx(0.77, rel=0.15) and np.std(stars.period[~pulsates]) > 0.2
    assert np.median(stars.amplitude[pulsates]) == pytest.approx(0.66, abs=0.1)
    assert set(models) == set(VARIABLES)
