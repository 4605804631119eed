"""Light curves of transients: at peak at day 0, dark before, and as fast as their class."""

import numpy as np
import pytest

from data_pipelines.simulate.transients import TRANSIENTS, _template

DAYS = np.arange(-100, 300, 0.5)

WINDOWS = {
    # Magnitudes below peak that 200 of each class reach 15 and 60 days after it: lowest and highest.
    "SNIa": ((0.75, 1.85), (2.4, 4.6)),
    "SNII": ((0.0, 0.6), (0.1, 2.2)),
    "SNIbc": ((0.5, 1.7), (1.7, 3.8)),
    "SLSN": ((0.0, 1.0), (0.9, 2.7)),
    "TDE": ((0.25, 0.7), (0.85, 1.9)),
    "NOVA": ((0.6, 4.2), (1.9, 6.5)),
}
DARK = {"SNIa": -18 * 1.3, "SNII": -9, "SNIbc": -20 * 1.6, "NOVA": -5}
"""Day before which nothing is seen."""


@pytest.mark.parametrize("name", WINDOWS)
def test_decline_is_that_of_the_class(name):
    drawn = [TRANSIENTS[name](np.random.default_rng(seed), np.array([0.0, 15.0, 60.0])) for seed in range(200)]
    peak, *later = np.array(drawn).T
    assert (np.abs(peak) < 0.3).all()
    for (low, high), found in zip(WINDOWS[name], later, strict=True):
        assert low < found.min() < found.max() < high, (found.min(), found.max())
        assert np.ptp(found) > 0.2 * (high - low)


@pytest.mark.parametrize("name", TRANSIENTS)
def test_brightest_at_peak_and_gone_before(name):
    for seed in range(10):
        delta = TRANSIENTS[name](np.random.default_rng(seed), DAYS)
        assert np.isfinite(delta).all() and delta.min() >= -1e-9
        assert abs(DAYS[np.argmin(delta)]) <= 2
        assert (np.diff(delta[DAYS > 5]) >= -1e-9).all()
        assert delta[0] > 2.5
        if name in DARK:
            assert (delta[DARK[name] > DAYS] == 12).all()
            assert TRANSIENTS[name](np.random.default_rng(seed), np.array([DARK[name] / 4]))[0] < 12


def test_a_flare_lasts_hours():
    hours = np.array([-0.3, 0.0, 3.0, 24.0])
    for seed in range(50):
        before, peak, later, day = TRANSIENTS["FLARE"](np.random.default_rng(seed), hours / 24)
        assert before == 12 and peak == pytest.approx(0) and 0.3 < later < 6 and 2 < day <= 12


def test_a_template_goes_on_along_its_last_slope():
    found = _template(np.array([-11.0, 5.0, 10.0, 30.0]), [-10, 0, 10], [5.0, 0.0, 1.0])
    assert found[0] == 12 and found[1] == pytest.approx(0.5)
    assert found[2] == pytest.approx((0.9 + 1 + 1) / 3) and found[3] == pytest.approx(1 + 20 * 0.1)
