"""Peaks that are there, what is made of them, and which are only aliases."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lcjax.transforms.frequency_grid import Frequency, FrequencyGrid
from lcjax.transforms.log_bins import LogBins, star_bins
from lcjax.transforms.peaks import PeakSearch, eligible, find_candidates, moved, sawtooth, scaled
from lcjax.transforms.periodogram import prepare
from tests.systems.base_encoder.small import Stars

GRID = FrequencyGrid(highest=8.0, lowest=0.003, span=600.0, bins=128)
LENGTH = 160


def batch_of(signal, seed=0, count=120, noise=0.03):
    """One star observed at night, two seasons, with a variation `signal(time)`."""
    rng = np.random.default_rng(seed)
    nights = np.concatenate([np.arange(0, 200), np.arange(365, 590)])
    time = np.sort(rng.choice(nights, count, replace=False) + rng.uniform(0.3, 0.5, count))
    magnitude = 14 + signal(time) + rng.normal(0, noise, count)
    pad = lambda x: np.pad(np.float32(x), (0, LENGTH - count))[None]
    return {
        "time": pad(time),
        "magnitude": pad(magnitude),
        "magnitude_error": pad(np.full(count, 0.03)),
        "mask": np.arange(LENGTH)[None] < count,
    }


@pytest.fixture(scope="module")
def search():
    @jax.jit
    def run(batch):
        one = jax.tree.map(lambda x: x[0], prepare(batch, GRID))
        power, window = star_bins(one, GRID)
        return power, window, find_candidates(one, power, window, GRID, PeakSearch())

    return run


def first(candidates):
    return float(GRID.value(candidates.frequency)[0])


def test_a_broad_peak_fills_one_place():
    """Of a star that lasts 400 days: bins below 0.7 cycles are out, narrow ones count once, wide ones always."""
    centre = np.sqrt(GRID.edges[:-1] * GRID.edges[1:])
    power = np.exp(-0.5 * ((centre - 0.008) * 400) ** 2).astype(np.float32)
    found = np.asarray(eligible(LogBins(power, None), jnp.float32(400.0), GRID))
    wide = np.diff(GRID.edges) * 400 >= 1
    assert found[wide].all() and wide.sum() > 20
    assert np.flatnonzero(found & ~wide).tolist() == [np.argmax(power)]
    assert not np.asarray(eligible(LogBins(power, None), jnp.float32(40.0), GRID))[np.argmax(power)]


def test_arithmetic_of_places():
    place = Frequency(jnp.array([7, 120_001]), jnp.array([0.25, -0.5]))
    half = scaled(place, 0.5)
    assert half.index.tolist() == [3, 60_000] and half.offset.tolist() == [0.625, 0.25]
    far = moved(place, 3.5)
    assert far.index.tolist() == [11, 120_004] and far.offset.tolist() == [-0.25, 0.0]


@pytest.mark.parametrize("period", [0.1731, 0.5123, 2.34, 41.0, 170.0])
def test_sawtooth(search, period):
    """From minutes to most of a year; the frequency to a hundredth of the width of the peak."""
    signal = lambda t: 0.25 * np.sin(2 * np.pi * t / period) + 0.12 * np.sin(4 * np.pi * t / period + 0.6)
    candidates = search(batch_of(signal))[2]
    assert first(candidates) == pytest.approx(1 / period, abs=0.02 / 590)
    assert candidates.harmonics[0] == 2 and candidates.valid[0] and candidates.power[0] > 0.95


def test_binary_of_unequal_minima_has_its_whole_period(search):
    """One harmonic peaks at half of it: the fits of several find the other minimum."""
    period = 1.7243
    eclipse = lambda phase, depth: depth * np.exp(-0.5 * ((phase + 0.5) % 1 - 0.5) ** 2 / 0.05**2)
    signal = lambda t: eclipse(t / period, 0.6) + eclipse(t / period + 0.5, 0.35)
    power, _, candidates = search(batch_of(signal))
    assert first(candidates) == pytest.approx(1 / period, rel=2e-4)
    peak = power.frequency.index[jnp.argmax(power.power)] * GRID.spacing
    assert float(peak) == pytest.approx(2 / period, rel=2e-3)


def test_binary_of_equal_minima_is_not_doubled(search):
    """Nothing in the points tells that the period is twice as long; no more harmonics are used than needed."""
    candidates = search(batch_of(lambda t: 0.3 * np.cos(2 * np.pi * t / 0.4441)))[2]
    assert first(candidates) == pytest.approx(1 / 0.4441, rel=1e-4) and candidates.harmonics[0] == 1


def test_aliases_of_nightly_observing_are_marked(search):
    frequency = 1.3127
    _, window, candidates = search(batch_of(lambda t: 0.3 * np.cos(2 * np.pi * t * frequency)))
    found = np.asarray(GRID.value(candidates.frequency))
    assert found[0] == pytest.approx(frequency, abs=1e-4)
    # What remains is a cycle a day away, or mirrored there.
    others = np.concatenate(
        [
            np.abs(found[1:, None] - frequency + np.arange(-4, 5)).min(1, keepdims=True),
            np.abs(found[1:, None] + frequency - np.arange(1, 9)).min(1, keepdims=True),
        ],
        axis=1,
    )
    for distance, alias in zip(others.min(1), np.asarray(candidates.alias_of)[1:], strict=True):
        assert (alias >= 0) == (distance < 0.01)
    assert (np.asarray(candidates.alias_of)[1:] == 0).any()
    day = np.searchsorted(GRID.edges, 1.0) - 1
    assert np.asarray(window.power)[day - 1 : day + 2].max() > 0.8


def test_noise_scores_below_a_signal_and_candidates_are_apart(search):
    candidates = search(batch_of(lambda t: 0 * t, noise=0.1))[2]
    signal = search(batch_of(lambda t: 0.1 * np.sin(9.1 * t), noise=0.1))[2]
    assert candidates.score[0] < 25 < signal.score[0]
    found = np.sort(np.asarray(GRID.value(candidates.frequency)))
    assert np.diff(found).min() > 0.5 / 590


@pytest.mark.parametrize("count", [0, 1, 2, 4])
def test_too_few_points_have_no_candidates(search, count):
    batch = batch_of(lambda t: np.sin(t))
    candidates = search({**batch, "mask": np.arange(LENGTH)[None] < count})[2]
    assert not candidates.valid.any() and not candidates.power.any() and (candidates.alias_of == -1).all()


def test_fewer_candidates_than_asked_for(search):
    """A very short star: after the first there is little left that is not the same."""
    batch = batch_of(lambda t: 0 * t)
    time = np.linspace(0, 0.3, LENGTH)
    batch["time"] = np.float32(time)[None]
    batch["magnitude"] += np.float32(np.sin(2 * np.pi * 6 * time))
    candidates = search(batch)[2]
    valid = np.asarray(candidates.valid)
    kept = np.asarray(GRID.value(candidates.frequency))[valid]
    assert 1 <= len(kept) < 3 and (kept * 0.224 >= 0.69).all() and valid[0]
    assert not np.asarray(candidates.power)[~valid].any()


def test_an_alias_that_is_higher_is_seen_through(search):
    """A sharp variation of few points: one harmonic alone prefers another frequency by a day."""
    wrong, found = 0, 0
    for seed in range(6):
        frequency = 1.79 + 0.0613 * seed
        saw = lambda t, f=frequency: 0.9 * ((t * f) % 1.0) ** 0.7
        power, _, candidates = search(batch_of(saw, seed=seed, count=36, noise=0.02))
        peak = float(GRID.value(jax.tree.map(lambda x: x[jnp.argmax(power.power)], power.frequency)))
        wrong += abs(peak - frequency) > 0.01
        found += abs(first(candidates) - frequency) < 2e-3
    assert wrong >= 3 and found >= 5


def test_a_sawtooth_is_told_from_eclipses():
    curves = {
        "saw": lambda t: 0.3 * np.cos(t) + 0.13 * np.cos(2 * t + 4.0),
        "reversed": lambda t: 0.3 * np.cos(t) + 0.13 * np.cos(2 * t - 4.0),
        "eclipses": lambda t: 0.3 * np.cos(t + 1.1) + 0.13 * np.cos(2 * t + 2.2),
        "sine": lambda t: 0.3 * np.cos(t),
    }
    frequency = GRID.place(np.array([2.5137]))
    unlike = {}

    @jax.jit
    def asymmetry(batch):
        return sawtooth(jax.tree.map(lambda x: x[0], prepare(batch, GRID)), frequency, jnp.array([0.99]))[0]

    for name, curve in curves.items():
        unlike[name] = float(asymmetry(batch_of(lambda t, c=curve: c(2 * np.pi * 2.5137 * t), noise=0.01)))
    assert unlike["saw"] == unlike["reversed"] == 1.0 and unlike["eclipses"] < 0.05 and unlike["sine"] < 0.05


def test_a_few_points_without_noise_have_their_own_period_in_any_unit():
    """What rounding leaves unexplained must not speak for twice the period and twice the harmonics."""
    grid = FrequencyGrid(highest=0.5, lowest=0.01, span=100.0, bins=32)
    batch = Stars(length=24).batch(1, 0)
    rng = np.random.default_rng((1, 0))
    rng.integers(5, 25, 8), rng.exponential(3.0, (8, 24))
    truth = 1 / rng.uniform(5, 50, (8, 1))[:, 0]
    many = batch["length"] > 12

    @jax.jit
    def frequencies(batch):
        def best(one):
            return find_candidates(one, *star_bins(one, grid), grid, PeakSearch(peaks=4, harmonics=2)).frequency

        return grid.value(jax.lax.map(best, prepare(batch, grid)))[:, 0]

    for unit in (1.0, 10.0, 0.003):
        changed = {name: unit * batch[name] for name in ("magnitude", "magnitude_error")}
        found = frequencies({name: batch[name] for name in ("time", "mask")} | changed)
        np.testing.assert_allclose(found[many], truth[many], rtol=5e-3)
