"""Folded curves against a loop over points and bins."""

import jax
import numpy as np
import pytest

from lcjax.transforms.folding import fold, phases
from lcjax.transforms.frequency_grid import FrequencyGrid
from lcjax.transforms.periodogram import prepare

GRID = FrequencyGrid(highest=8.0, lowest=0.003, span=600.0)
FREQUENCY = np.array([0.71234, 3.2])


@pytest.fixture(scope="module")
def star():
    rng = np.random.default_rng(0)
    time = np.sort(rng.uniform(3, 550, 50)).astype(np.float32)
    error = rng.uniform(0.02, 0.08, 50).astype(np.float32)
    magnitude = (14 + 0.3 * np.sin(2 * np.pi * FREQUENCY[0] * time) + error * rng.normal(size=50)).astype(np.float32)
    mask = np.arange(50) % 6 != 4
    batch = {"time": time[None], "magnitude": magnitude[None], "magnitude_error": error[None], "mask": mask[None]}
    return batch, jax.tree.map(lambda x: x[0], prepare(batch, GRID))


def test_phases_count_from_the_first_point(star):
    batch, points = star
    mask = batch["mask"][0]
    time = batch["time"][0][mask].astype(float)
    found = np.asarray(phases(points, GRID.place(FREQUENCY)))[:, mask]
    assert (found >= 0).all() and (found < 1).all() and (found[:, 0] == 0).all()
    off = found - FREQUENCY[:, None] * (time - time[0])
    np.testing.assert_allclose(off, np.round(off), atol=2e-4)


def test_means_errors_counts_and_alignment(star):
    batch, points = star
    bins = 12
    mask = batch["mask"][0]
    time, magnitude, error = (batch[name][0][mask].astype(float) for name in ("time", "magnitude", "magnitude_error"))
    weight = error**-2
    level = np.average(magnitude, weights=weight)
    folded = fold(points, GRID.place(FREQUENCY), bins)
    for i, frequency in enumerate(FREQUENCY):
        place = (frequency * (time - time[0]) % 1 * bins).astype(int)
        mean, spread, count = np.zeros(bins), np.zeros(bins), np.bincount(place, minlength=bins)
        for b in range(bins):
            if count[b]:
                mean[b] = np.average(magnitude[place == b], weights=weight[place == b]) - level
                spread[b] = weight[place == b].sum() ** -0.5
        first = np.argmin(np.where(count > 0, mean, np.inf))
        np.testing.assert_allclose(folded.count[i], np.roll(count, -first))
        np.testing.assert_allclose(folded.mean[i], np.roll(mean, -first), atol=1e-5)
        np.testing.assert_allclose(folded.error[i], np.roll(spread, -first), rtol=1e-4)


def test_empty_bins_are_marked_and_never_the_brightest(star):
    batch, _ = star
    few = {**batch, "mask": np.arange(50)[None] < 3}
    points = jax.tree.map(lambda x: x[0], prepare(few, GRID))
    folded = fold(points, GRID.place(FREQUENCY), 32)
    empty = np.asarray(folded.count) == 0
    assert (empty.sum(axis=1) >= 29).all() and (folded.count[:, 0] > 0).all()
    assert not np.asarray(folded.mean)[empty].any() and not np.asarray(folded.error)[empty].any()
    np.testing.assert_allclose(folded.mean[:, 0], np.min(folded.mean, axis=1))
