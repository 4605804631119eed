"""Views of stars of several bands: what may change them, what each number is, and that one band is as ever."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from lcjax.transforms.asinh_magnitudes import with_magnitudes
from lcjax.transforms.band_views import BAND_NUMBERS
from lcjax.transforms.frequency_grid import FrequencyGrid
from lcjax.transforms.peaks import PeakSearch
from lcjax.transforms.views import light_curve_views

GRID = FrequencyGrid(highest=6.0, lowest=0.01, span=200.0, bins=48)
SEARCH = PeakSearch(candidates=2, peaks=6, harmonics=2, refined_with=1, aliases=0)
BANDS, LENGTH, ROWS = 3, 64, 6
SEEDS = st.integers(0, 10_000)
EXAMPLES = settings(max_examples=4, deadline=None)


@functools.cache
def compiled():
    """Views of `ROWS` stars, and the gradient of their sum by magnitudes: of all tests there is one shape to compile."""

    def total(magnitude, batch):
        found = light_curve_views({**batch, "magnitude": magnitude}, GRID, SEARCH, phase_bins=8, bands=BANDS)
        parts = found.periodogram, found.folded, found.scalars, found.bands
        return sum(jnp.sum(part) for part in jax.tree.leaves(parts)), found

    return jax.jit(jax.value_and_grad(total, has_aux=True))


def run(*rows):
    """Views of one star or several, beside others."""
    every = [*rows, *(star(70 + i) for i in range(ROWS - len(rows)))]
    batch = {name: np.concatenate([row.get(name, row["mask"]) for row in every]) for name in (*every[0], "visible")}
    (_, found), gradient = compiled()(batch["magnitude"], batch)
    return jax.tree.map(lambda x: x[: len(rows)], found), gradient


def star(seed, count=56, noise=0.02, lag=0.05, period=None):
    """Two bands in turn and a third that is empty: amplitudes 0.6 and 0.3, the second 0.8 mag fainter and later."""
    rng = np.random.default_rng(seed)
    time = np.zeros(LENGTH, np.float32)
    time[:count] = np.sort(rng.choice(190 * 64, count, replace=False)) / 64
    band = np.arange(LENGTH) % 2
    phase = time / (period or rng.uniform(0.4, 15)) - lag * band
    magnitude = 14 + 0.8 * band + np.where(band, 0.3, 0.6) * np.cos(2 * np.pi * phase) + noise * rng.normal(size=LENGTH)
    mask = np.arange(LENGTH) < count
    arrays = {"time": time, "magnitude": magnitude, "magnitude_error": np.full(LENGTH, noise)}
    batch = {name: np.where(mask, values, 0).astype(np.float32)[None] for name, values in arrays.items()}
    return {**batch, "band": np.where(mask, band, 0).astype(np.int32)[None], "mask": mask[None]}


def numbers(views, row=0):
    """(S,) by name."""
    return dict(zip(BAND_NUMBERS, np.asarray(views.bands.numbers[row], float).T, strict=True))


@EXAMPLES
@given(seed=SEEDS, rubbish=st.sampled_from([0.0, 25.0, -1e6, np.nan, np.inf]), other=st.integers(-3, 9))
def test_hidden_points_change_nothing(seed, rubbish, other):
    """Not a bit of them is seen: not of their magnitudes, errors, times or bands."""
    batch = star(seed)
    hidden = batch["mask"] & (np.random.default_rng(seed).uniform(size=(1, LENGTH)) < 0.4)
    batch["visible"] = batch["mask"] & ~hidden
    changed = {n: np.where(hidden, np.float32(rubbish), batch[n]) for n in ("time", "magnitude", "magnitude_error")}
    changed["band"] = np.where(hidden, other, batch["band"]).astype(np.int32)
    seen = run(batch)[0]
    for again in (run({**batch, **changed})[0], run({**batch, "mask": batch["visible"]})[0]):
        jax.tree.map(np.testing.assert_array_equal, seen, again)


@EXAMPLES
@given(seed=SEEDS, offset=st.integers(-6, 6))
@example(seed=6468, offset=0)  # a point on an edge
def test_zero_points_of_bands_are_colours_and_nothing_else(seed, offset):
    """And those of all bands together nothing at all, nor does the order of the points."""
    batch = star(seed)
    order = np.random.default_rng(seed).permutation(LENGTH)
    one = run(batch)[0]
    whole = run({**{name: values[:, order] for name, values in batch.items()}})[0]
    moved = run({**batch, "magnitude": batch["magnitude"] + np.float32(offset) * (batch["band"] == 1) * batch["mask"]})[
        0
    ]
    for other in (whole, moved):
        np.testing.assert_allclose(one.periodogram, other.periodogram, atol=3e-4)
        np.testing.assert_allclose(one.frequency[:, 0], other.frequency[:, 0], rtol=2e-4)
        np.testing.assert_allclose(one.scalars[:, :-1], other.scalars[:, :-1], atol=5e-3)
        before, after = one.bands.folded, other.bands.folded
        # A point on the edge between two bins may fall into either: frequencies are equal but for rounding.
        same = np.asarray(before.count[:, 0] == after.count[:, 0])
        assert np.sum(~same) <= 4
        np.testing.assert_allclose(before.mean[:, 0][same], after.mean[:, 0][same], atol=5e-3)
    shift = np.zeros((1, BANDS, len(BAND_NUMBERS)))
    np.testing.assert_allclose(one.bands.numbers, whole.bands.numbers, atol=5e-3)
    shift[0, :2, BAND_NUMBERS.index("colour: mean less the mean of all bands (mag)")] = -offset / 2, offset / 2
    np.testing.assert_allclose(one.bands.numbers + shift, moved.bands.numbers, atol=5e-3)


def test_numbers_are_what_they_are_called():
    found = run(star(3, period=1.37))[0]
    is_ = numbers(found)
    assert float(found.frequency[0, 0]) == pytest.approx(1 / 1.37, rel=1e-3)
    assert is_["whether it has points"].tolist() == [1, 1, 0] and is_["share of the points"].tolist() == [0.5, 0.5, 0]
    colour = is_["colour: mean less the mean of all bands (mag)"]
    assert colour[1] - colour[0] == pytest.approx(0.8, abs=0.2) and colour[0] == pytest.approx(-colour[1], abs=1e-5)
    amplitude = is_["log10 amplitude, over the mean amplitude of the bands"]
    assert amplitude[0] - amplitude[1] == pytest.approx(np.log10(2), abs=0.05)
    assert is_["log10 median error (mag)"][:2] == pytest.approx(np.log10(0.02), abs=1e-4)
    assert is_["log10 standard deviation over median error"][0] == pytest.approx(
        np.log10(0.6 / np.sqrt(2) / 0.02), abs=0.1
    )
    in_phase, late = (is_[name] for name in BAND_NUMBERS[-2:])
    turn = np.arctan2(late, in_phase)[:2] / (2 * np.pi)
    assert turn[1] - turn[0] == pytest.approx(0.05, abs=0.01), "the second band is later"
    assert np.hypot(in_phase[0], late[0]) / np.hypot(in_phase[1], late[1]) == pytest.approx(2.0, rel=0.1)
    fold = np.asarray(found.bands.folded.mean[0, 0, 0])
    assert np.ptp(fold[0]) == pytest.approx(1.2, abs=0.25) and np.ptp(fold[1]) == pytest.approx(0.6, abs=0.15)
    assert not fold[2].any() and np.asarray(found.bands.folded.count[0]).sum(axis=(1, 2, 3)) == pytest.approx(
        [112, 112], abs=112
    )


def test_bands_together_find_what_each_alone_does_not():
    """Twice seven points of two bands a sine's amplitude apart: the power is that of one curve."""
    batch = star(5, count=28, noise=0.02, lag=0.0, period=2.1)
    found = run(batch)[0]
    assert (
        float(found.frequency[0, 0]) == pytest.approx(1 / 2.1, rel=2e-3) and float(found.candidates.power[0, 0]) > 0.97
    )


def test_one_band_among_slots_is_one_band():
    """In whichever slot; and points of no slot are none."""
    batch = star(8)
    batch["band"] = np.zeros_like(batch["band"])
    plain = jax.jit(functools.partial(light_curve_views, grid=GRID, search=SEARCH, phase_bins=8))
    batch["magnitude"] = np.where(batch["mask"], 14 + 0.3 * np.sin(batch["time"]), 0).astype(np.float32)
    expected = plain(
        {name: np.repeat(batch[name], ROWS, 0) for name in ("time", "magnitude", "magnitude_error", "mask")}
    )
    assert expected.bands is None
    outside = {**batch, "band": np.where(np.arange(LENGTH) % 4, 0, 7).astype(np.int32)[None]}
    for slot in (0, 2):
        found = run(
            {**batch, "band": batch["band"] + slot},
            outside,
            {**outside, "mask": outside["mask"] & (outside["band"] == 0)},
        )[0]
        for name in ("periodogram", "scalars", "frequency"):
            one, two, three = getattr(found, name)
            np.testing.assert_allclose(one, getattr(expected, name)[0], atol=2e-4)
            np.testing.assert_array_equal(two, three)


def test_hopeless_stars_have_finite_views_and_gradients():
    """No points, one in each band, equal times, a constant star, no errors, an infinite magnitude."""
    rows = [star(1) for _ in range(ROWS)]
    rows[0]["mask"][:] = False
    rows[1]["mask"] = np.arange(LENGTH)[None] < 2
    rows[2]["time"][:] = 3.0
    rows[3]["magnitude"][:] = 15.3
    rows[4]["magnitude_error"][:] = 0.0
    rows[5]["magnitude"][:, 3] = np.inf
    found, gradient = run(*rows)
    assert all(np.all(np.isfinite(part)) for part in jax.tree.leaves(found))
    assert np.all(np.isfinite(np.delete(gradient, 3, axis=1))) and np.abs(gradient[4]).max() > 0
    assert found.candidates.valid[:, 0].tolist() == [False, False, False, False, True, True]


def test_fluxes_of_any_sign():
    """A star far above its noise has the views that its magnitudes have; of a faint one every flux counts, negative ones too."""
    bright = star(4, period=3.3)
    flux = 1e5 * 10 ** (-0.4 * (bright["magnitude"] - 14))
    fluxes = {**bright, "flux": flux, "flux_error": flux * bright["magnitude_error"] / 1.0857}
    faint = {**fluxes, "flux": np.where(bright["band"], 1.0, 2.0) * np.cos(2 * np.pi * bright["time"] / 3.3)}
    faint["flux_error"] = np.full_like(flux, 0.3)
    given = [{k: v for k, v in with_magnitudes(one).items() if not k.startswith("flux")} for one in (fluxes, faint)]
    found = run(bright, *({name: np.asarray(values) for name, values in one.items()} for one in given))[0]
    np.testing.assert_allclose(found.periodogram[0], found.periodogram[1], atol=0.02)
    np.testing.assert_allclose(found.bands.numbers[0, :2, 2:4], found.bands.numbers[1, :2, 2:4], atol=0.02)
    assert (
        float(found.frequency[2, 0]) == pytest.approx(1 / 3.3, rel=2e-3) and float(found.candidates.power[2, 0]) > 0.9
    )
    count = found.scalars[:, 2]
    assert count.tolist() == [count[0]] * 3 and (faint["flux"][faint["mask"]] < 0).mean() > 0.3
    hidden = {**faint, "visible": faint["mask"] & (np.arange(LENGTH) % 3 > 0)}
    other = {
        **hidden,
        "flux": np.where(hidden["visible"], hidden["flux"], np.nan),
        "flux_error": np.where(hidden["visible"], 0.3, -1),
    }
    for one, two in zip(*(with_magnitudes(b).items() for b in (hidden, other)), strict=True):
        if one[0].startswith("magnitude"):
            shown = hidden["visible"]
            np.testing.assert_array_equal(np.asarray(one[1])[shown], np.asarray(two[1])[shown])
