"""Every class of variable stars has the periods and amplitudes of its class, and folds with the period it tells."""

import numpy as np
import pytest

from data_pipelines.simulate.variables import LONG_PERIOD, VARIABLES

NAN = float("nan")
RANGES = {
    # Shortest and longest period (d); smallest and largest peak to peak (mag), over 60 stars.
    "RRab": (0.42, 0.9, 0.24, 1.45),
    "RRc": (0.22, 0.45, 0.14, 0.66),
    "RRd": (0.29, 0.46, 0.15, 0.85),
    "RRab_BL": (0.42, 0.65, 0.35, 1.75),
    "DSCT": (0.055, 0.21, 0.05, 1.3),
    "BCEP": (0.1, 0.3, 0.029, 0.21),
    "CEP": (1.0, 70, 0.19, 1.45),
    "T2CEP": (0.8, 75, 0.15, 1.9),
    "ACEP": (0.6, 2.2, 0.24, 1.45),
    "MIRA": (110, 560, 1.1, 9.0),
    "SR": (40, 550, 0.1, 5.0),
    "EA": (0.3, 60, 0.1, 2.3),
    "EB": (0.28, 12, 0.1, 1.4),
    "EW": (0.215, 1.0, 0.08, 1.1),
    "ROT": (0.25, 45, 0.06, 1.6),
    "ACV": (0.6, 15, 0.018, 0.13),
    "ELL": (0.3, 20, 0.035, 0.28),
    "CV": (NAN, NAN, 1.0, 8.0),
    "QSO": (NAN, NAN, 0.1, 3.5),
    "BLZ": (NAN, NAN, 0.8, 6.5),
    "TTS": (NAN, NAN, 0.2, 5.0),
    "RCB": (NAN, NAN, 0.15, 8.5),
    "BE": (NAN, NAN, 0.1, 1.6),
    "ML": (NAN, NAN, 0.05, 5.0),
    "CONST": (NAN, NAN, 0.0, 0.0),
}
STRICT = ("RRab", "RRc", "BCEP", "CEP", "ACEP", "EA", "EB", "EW", "ACV", "ELL")
"""Classes that repeat exactly; the others are modulated, noisy or have several modes."""
STARS = 60
MJD = np.sort(np.random.default_rng(9).uniform(50_000, 52_500, 800))


@pytest.fixture(scope="module")
def stars():
    return {
        name: [model(np.random.default_rng([5, i]), MJD) for i in range(STARS)] for name, model in VARIABLES.items()
    }


def test_every_class_is_looked_at():
    assert set(RANGES) == set(VARIABLES) and set(LONG_PERIOD) <= set(VARIABLES)


@pytest.mark.parametrize("name", RANGES)
def test_periods_and_amplitudes_are_those_of_the_class(name, stars):
    shortest, longest, smallest, largest = RANGES[name]
    periods = np.array([period for _, period in stars[name]])
    spans = np.array([np.ptp(delta) for delta, _ in stars[name]])
    assert all(delta.shape == MJD.shape and np.isfinite(delta).all() for delta, _ in stars[name])
    assert smallest <= spans.min() <= spans.max() <= largest, (spans.min(), spans.max())
    if np.isnan(shortest):
        assert np.isnan(periods).all()
    else:
        assert shortest <= periods.min() < periods.max() <= longest, (periods.min(), periods.max())
        assert np.ptp(np.log(periods)) > 0.3 * np.log(longest / shortest)


@pytest.mark.parametrize("name", STRICT)
def test_a_strictly_periodic_star_repeats(name):
    """Any number of whole periods later it is as bright as before."""
    model = VARIABLES[name]
    for seed in range(3):
        period = model(np.random.default_rng(seed), MJD)[1]
        epochs = 50_000 + np.linspace(0, 1, 50) * period
        one, again = (model(np.random.default_rng(seed), epochs + n * period) for n in (0, 1000))
        np.testing.assert_allclose(one[0], again[0], atol=2e-4)
        half = model(np.random.default_rng(seed), epochs + 0.3 * period)[0]
        assert np.abs(half - one[0]).max() > 0.3 * np.ptp(one[0])


def _scatter(delta, period):
    """Squared differences of neighbours in phase over those of stars at random; small where it folds."""
    folded = delta[np.argsort(MJD / period % 1)]
    return np.mean(np.diff(folded) ** 2) / (2 * np.var(delta))


@pytest.mark.parametrize("name", [n for n, r in RANGES.items() if r[0] == r[0] and n not in STRICT])
def test_a_modulated_star_still_folds_with_its_period(name, stars):
    found = [_scatter(delta, period) for delta, period in stars[name]]
    assert np.median(found) < 0.75, np.median(found)


def test_eclipses_are_dips_and_pulsators_are_not(stars):
    skew = lambda name: np.median([np.mean(((d - d.mean()) / d.std()) ** 3) for d, _ in stars[name]])
    assert skew("EA") > 1.3 and skew("EB") > 0.5 and skew("EW") > 0.2 and abs(skew("RRc")) < 0.5
    assert skew("RRab") < -0.2  # faint for most of the cycle
    assert skew("CV") < -0.3 and skew("RCB") > 0 and skew("ML") < -2


def test_a_dwarf_nova_is_quiet_between_outbursts_of_magnitudes(stars):
    deepest = np.array([delta.min() for delta, _ in stars["CV"]])
    quiet = np.array([np.quantile(delta, 0.9) for delta, _ in stars["CV"]])
    assert (deepest < -1.2).all() and deepest.min() > -7.5 and (np.abs(quiet) < 0.9).all()


def test_microlensing_only_brightens_and_dust_never_is_deeper_than_eight_magnitudes(stars):
    assert all(delta.max() <= 1e-9 and delta.min() > -5 for delta, _ in stars["ML"])
    assert all(delta.max() <= 8.1 and delta.min() >= -0.1001 for delta, _ in stars["RCB"])
    assert np.mean([delta.max() > 1.5 for delta, _ in stars["RCB"]]) > 0.8


def test_random_walks_have_the_spread_of_their_class(stars):
    spread = {name: np.median([np.std(delta) for delta, _ in stars[name]]) for name in ("QSO", "BLZ", "TTS")}
    assert 0.1 < spread["QSO"] < 0.25 < 0.35 < spread["BLZ"] < 0.8 and 0.12 < spread["TTS"] < 0.45


def test_rr_lyrae_of_longer_period_have_smaller_amplitudes(stars):
    periods, spans = np.array([(period, np.ptp(delta)) for delta, period in stars["RRab"]]).T
    assert np.corrcoef(periods, spans)[0, 1] < -0.6
    assert not any(delta.any() for delta, _ in stars["CONST"])
