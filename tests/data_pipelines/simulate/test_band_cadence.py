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


def test_visits_differ_in_depth_and_the_moon_costs_more_in_the_blue():
    rng = np.random.default_rng(2)
    mjd = 60_965.5 + rng.uniform(0, 2_000, 20_000)
    full = band_cadence.moonlight(mjd) > 0.9
    lost = {}
    for band in "ugrizy":
        deeper = band_cadence.visit_depth(rng, band, mjd)
        assert np.median(deeper) == pytest.approx(0, abs=0.06) and 0.12 < np.std(deeper) < 0.45
        assert np.mean(deeper < -0.5) > np.mean(deeper > 0.5), "clouds take, and nothing gives"
        lost[band] = np.median(deeper[~full]) - np.median(deeper[full])
    assert list(lost.values()) == sorted(lost.values(), reverse=True) and lost["u"] > 0.5 and lost["y"] < 0.1
    assert band_cadence.moonlight(60_965.5) == 0 and band_cadence.moonlight(60_965.5 + 14.765) == pytest.approx(
        1, abs=1e-3
    )


def test_stripe_82_takes_all_bands_within_minutes():
    found = band_cadence.sdss_ugriz(np.random.default_rng(3))
    assert "".join(found) == "riuzg" and 30 < len(found["r"]) < 110
    assert np.all(np.abs(found["g"] - found["r"] - 0.00333) < 1e-4) and np.all(found["u"] > found["i"])
