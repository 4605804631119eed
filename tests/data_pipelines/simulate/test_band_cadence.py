"""Epochs of surveys in several bands: pairs, the Moon, how many."""

import numpy as np
import pytest

from data_pipelines.simulate import band_cadence


def test_rubin_visits_come_in_pairs_and_avoid_the_moon_in_u():
    every = {band: [] for band in "ugrizy"}
    rng = np.random.default_rng(0)
    for _ in range(8):
        for band, epochs in band_cadence.rubin(rng).items():
            assert (np.diff(epochs) >= 0).all()
            every[band].append(epochs)
    counts = {band: np.mean([len(epochs) for epochs in some]) for band, some in every.items()}
    assert sum(counts.values()) == pytest.approx(800, rel=0.12) and counts["u"] < 80 < 140 < counts["r"]
    one = np.sort(np.concatenate([some[0] for some in every.values()]))
    steps = np.diff(one)
    assert 0.4 < np.mean(np.abs(steps - 0.023) < 0.008) < 0.6 and steps.max() > 100 and np.ptp(one) > 3_300
    age = lambda band: np.abs((np.concatenate(every[band]) - 60_965.5) / 29.530589 % 1 - 0.5)
    assert np.mean(age("u")) > 0.3 > 0.22 > np.mean(age("y"))


def test_ztf_has_two_bands_or_three():
    rng = np.random.default_rng(1)
    found = [band_cadence.ztf_gri(rng) for _ in range(20)]
    assert {tuple(sorted(bands)) for bands in found} == {("g", "r"), ("g", "i", "r")}
    assert all(150 < len(bands["g"]) < len(bands["r"]) < 600 for bands in found)
