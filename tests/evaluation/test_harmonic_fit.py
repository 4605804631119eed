"""Hidden points from a period: it is found where there is one, and not invented."""

import numpy as np
import pytest

from lcjax.evaluation.harmonic_fit import fit_window, fit_windows


@pytest.mark.parametrize("period", [0.31, 0.57, 4.3, 210.0])
def test_the_period_is_found(period):
    rng = np.random.default_rng(1)
    time = np.sort(rng.choice(2000, 200, replace=False) + rng.normal(0, 0.1, 200))
    truth = lambda t: 14 + 0.4 * np.cos(2 * np.pi * t / period) + 0.15 * np.cos(4 * np.pi * t / period + 1)
    error = np.full(100, 0.05)
    predicted = fit_window(time[::2], truth(time[::2]) + rng.normal(0, 0.05, 100), error)(time[1::2])
    assert np.std(predicted - truth(time[1::2])) < 0.06


def test_no_period_is_invented():
    rng = np.random.default_rng(2)
    windows, hidden = [], []
    for _ in range(20):
        time = np.sort(rng.uniform(0, 1500, 200))
        noise = rng.normal(0, 0.1, 200)
        windows.append((time[::2], noise[::2], np.full(100, 0.1)))
        hidden.append(time[1::2])
    spread = [np.std(fit(at)) for fit, at in zip(fit_windows(windows), hidden, strict=True)]
    assert np.mean(spread) < 0.03


def test_few_points_have_a_mean_alone():
    few = (np.arange(7.0), np.arange(7.0), np.ones(7))
    together = (np.zeros(9), np.arange(9.0), np.ones(9))
    none = (np.zeros(0), np.zeros(0), np.zeros(0))
    found = fit_windows([few, together, none])
    assert [fit.frequency for fit in found] == [None] * 3
    assert [fit(np.zeros(1))[0] for fit in found] == [3.0, 4.0, 0.0]
