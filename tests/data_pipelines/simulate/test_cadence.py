"""Epochs of every survey: when it looked, how often a night, and that seeds fix them."""

import numpy as np
import pytest

from data_pipelines.simulate import cadence

SPANS = {
    # First and last possible epoch (MJD), and exposures of the busiest night.
    "crts": (53_500, 56_500, 4),
    "catalina_css": (53_470, 56_470, 4),
    "asas3": (51_870, 54_700, 2),
    "hipparcos": (47_860, 49_300, 20),
    "ogle2": (50_460, 51_701, 1),
    "ogle4": (57_420, 60_593, 20),
    "ztf": (58_200, 59_421, 2),
    "sdss_s82": (51_070, 54_600, 1),
    "macho": (48_823, 51_548, 3),
    "ztf_alerts": (58_200, 60_001, 1),
}


def epochs(name, seed):
    return getattr(cadence, name)(np.random.default_rng(seed))


@pytest.mark.parametrize("name", SPANS)
def test_epochs_are_sorted_days_of_the_survey(name):
    first, last, nightly = SPANS[name]
    for seed in range(8):
        mjd = epochs(name, seed)
        assert mjd.dtype == np.float64 and len(mjd) >= 10 and (np.diff(mjd) >= 0).all()
        assert first - 40 <= mjd[0] and mjd[-1] <= last + 40
        assert np.unique(np.floor(mjd), return_counts=True)[1].max() <= nightly
        np.testing.assert_array_equal(mjd, epochs(name, seed))
    assert len(epochs(name, 1)) != len(epochs(name, 2)) or (epochs(name, 1) != epochs(name, 2)).any()


def test_every_cadence_is_looked_at():
    made_here = {
        name
        for name, value in vars(cadence).items()
        if callable(value) and getattr(value, "__module__", "") == cadence.__name__ and not name.startswith("_")
    }
    assert made_here - {"seasons_of", "nights_of", "hours_of"} == set(SPANS)


def test_seasons_are_a_year_apart_and_inside_the_span():
    seasons = cadence.seasons_of(np.random.default_rng(0), 50_000.0, 5 * cadence.YEAR, 200.0)
    begin, end = np.array(seasons).T
    assert begin.min() >= 50_000 and end.max() <= 50_000 + 5 * cadence.YEAR and (end > begin).all()
    whole = (begin + end)[1:-1] / 2
    np.testing.assert_allclose(np.diff(whole), cadence.YEAR, atol=30)
    assert ((end - begin)[1:-1] > 170).all() and ((end - begin)[1:-1] < 230).all()


def test_a_share_of_the_nights_is_clouded():
    rng = np.random.default_rng(0)
    every, some = (cadence.nights_of(rng, 0.0, 3000.0, 3.0, missed) for missed in (0.0, 0.4))
    assert len(every) == 1001 and np.median(np.diff(every)) == 3 and (every == np.floor(every)).all()
    assert 0.55 < len(some) / len(every) < 0.65


def test_visits_of_crts_are_four_exposures_of_a_known_step():
    for name, step in (("crts", 0.0109), ("catalina_css", 0.0080)):
        short = np.diff(epochs(name, 3))
        assert np.median(short[short < 0.05]) == pytest.approx(step, rel=0.15)


def test_ogle4_stopped_for_the_pandemic():
    for seed in range(6):
        mjd = epochs("ogle4", seed)
        assert not ((mjd > 58_930) & (mjd < 59_790)).any()
