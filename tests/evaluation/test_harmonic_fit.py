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


def test_a_weak_variation_is_shrunk():
    """By its uncertainty: least squares follows the noise, and predicts hidden points the worse for it."""
    rng = np.random.default_rng(3)
    time = np.sort(rng.uniform(0, 300, 60))
    weak = 0.15 * np.sin(2 * np.pi * time / 3.7) + rng.normal(0, 0.1, 60)
    strong = 3.0 * np.sin(2 * np.pi * time / 3.7) + rng.normal(0, 0.1, 60)
    error = np.full(60, 0.1)
    kept = []
    for values, fit in zip((weak, strong), fit_windows([(time, weak, error), (time, strong, error)]), strict=True):
        phase = 2 * np.pi * (time - fit.start) * fit.frequency
        harmonics = range(1, len(fit.coefficients) // 2 + 1)
        design = np.stack([np.ones(60), *(f(n * phase) for n in harmonics for f in (np.cos, np.sin))], axis=1)
        fitted = design @ np.linalg.lstsq(design, values, rcond=None)[0]
        kept.append(np.std(fit(time)) / np.std(fitted))
    assert kept[0] < 0.95 and 0.97 < kept[1] <= 1.0
