"""What may change the views of a star, and what may not."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lcjax.transforms.frequency_grid import FrequencyGrid
from lcjax.transforms.peaks import PeakSearch
from lcjax.transforms.views import SCALARS, light_curve_views, longest_span

GRID = FrequencyGrid(highest=6.0, lowest=0.01, span=200.0, bins=48)
SEARCH = PeakSearch(candidates=2, peaks=6, harmonics=2, refined_with=1)
LENGTH = 48
ROWS = 8
EXAMPLES = settings(max_examples=8, deadline=None)
SEEDS = st.integers(0, 10_000)


def star(seed, count=40, length=LENGTH):
    """A clear variation at times of whole 1/64 days, so that shifts are exact in float32."""
    rng = np.random.default_rng(seed)
    time = np.zeros(length, np.float32)
    time[:count] = np.sort(rng.choice(190 * 64, count, replace=False)) / 64
    magnitude = 14 + 0.4 * np.sin(2 * np.pi * time / rng.uniform(0.3, 20)) + rng.normal(0, 0.05, length)
    error = rng.uniform(0.03, 0.08, length)
    batch = {"time": time, "magnitude": magnitude, "magnitude_error": error}
    mask = np.arange(length) < count
    batch = {name: np.where(mask, values, 0).astype(np.float32)[None] for name, values in batch.items()}
    return {**batch, "mask": mask[None]}


@jax.jit
@functools.partial(jax.value_and_grad, has_aux=True)
def TOGETHER(magnitude, batch):
    """(sum of all views of `ROWS` stars, views), and the gradient: of all tests there is one program to compile."""
    found = light_curve_views({**batch, "magnitude": magnitude}, GRID, SEARCH, phase_bins=8)
    parts = found.periodogram, found.folded, found.scalars
    return sum(jnp.sum(part) for part in jax.tree.leaves(parts)), found


def RUN(batch, other=None):
    """Views of one star, beside others."""
    rows = [batch, star(77) if other is None else other, *(star(80 + i) for i in range(ROWS - 2))]
    rows = [{**row, "visible": row.get("visible", row["mask"])} for row in rows]
    every = {name: np.concatenate([row[name] for row in rows]) for name in rows[0]}
    return jax.tree.map(lambda x: x[:1], TOGETHER(every["magnitude"], every)[0][1])


def same(one, two, offset=0.0, exact=False):
    """Views are the same, but for the median, which is `offset` higher in the second."""
    if exact:
        jax.tree.map(np.testing.assert_array_equal, one, two)
        return
    np.testing.assert_allclose(one.periodogram, two.periodogram, atol=2e-4)
    shift = np.zeros(len(SCALARS))
    shift[-1] = offset
    np.testing.assert_allclose(one.scalars + shift, two.scalars, atol=2e-3)
    np.testing.assert_allclose(one.frequency[:, 0], two.frequency[:, 0], rtol=1e-4)
    np.testing.assert_allclose(one.folded.mean[:, 0], two.folded.mean[:, 0], atol=2e-3)


@EXAMPLES
@given(seed=SEEDS, rubbish=st.sampled_from([0.0, 25.0, -1e6, np.nan, np.inf]))
def test_hidden_points_change_nothing(seed, rubbish):
    """Not a bit of them is seen: not of their magnitudes, errors or times."""
    batch = star(seed)
    hidden = batch["mask"] & (np.random.default_rng(seed).uniform(size=(1, LENGTH)) < 0.4)
    batch["visible"] = batch["mask"] & ~hidden
    changed = {n: np.where(hidden, np.float32(rubbish), batch[n]) for n in ("time", "magnitude", "magnitude_error")}
    seen = RUN(batch)
    same(seen, RUN({**batch, **changed}), exact=True)
    same(seen, RUN({**batch, "mask": batch["visible"]}), exact=True)
    assert float(seen.scalars[0, SCALARS.index("log10 number of points")]) == pytest.approx(
        np.log10(batch["visible"].sum())
    )


@EXAMPLES
@given(seed=SEEDS, days=st.integers(-30_000, 30_000), offset=st.integers(-8, 8))
def test_epoch_and_zero_point_are_irrelevant(seed, days, offset):
    batch = star(seed)
    moved = {**batch, "time": batch["time"] + np.float32(days), "magnitude": batch["magnitude"] + np.float32(offset)}
    same(RUN(batch), RUN(moved), offset=offset)


@EXAMPLES
@given(seed=SEEDS)
def test_order_is_irrelevant(seed):
    batch = star(seed)
    order = np.random.default_rng(seed).permutation(LENGTH)
    same(RUN(batch), RUN({name: values[:, order] for name, values in batch.items()}))


def test_padding_and_other_stars_are_irrelevant():
    """What stands in the padding, and beside which star this one is worked on."""
    for seed in range(3):
        batch = star(seed)
        filled = {name: np.where(batch["mask"], values, 7.0).astype(np.float32) for name, values in batch.items()}
        same(RUN(batch), RUN({**filled, "mask": batch["mask"]}, star(9, count=31)), exact=True)


def test_hopeless_stars_have_finite_views_and_gradients():
    """Constant, 0 to 4 points, equal times, no errors: numbers everywhere, also in the gradient by magnitudes."""
    rows = [star(1) for _ in range(ROWS)]
    for count in range(5):
        rows[count]["mask"] = np.arange(LENGTH)[None] < count
    rows[5]["magnitude"][:] = 15.3
    rows[6]["time"][:] = 3.0
    rows[7]["magnitude_error"][:] = 0.0
    batch = {name: np.concatenate([row[name] for row in rows]) for name in rows[0]}
    batch["visible"] = batch["mask"]
    (_, found), gradient = TOGETHER(batch["magnitude"], batch)
    for part in jax.tree.leaves(found):
        assert np.isfinite(part).all()
    assert np.isfinite(gradient).all() and np.abs(gradient[7]).max() > 0
    assert not np.asarray(found.candidates.valid)[:7].any()
    assert found.candidates.valid[7, 0]


def test_scalars_are_what_they_are_called():
    batch = star(4)
    values = dict(zip(SCALARS, np.asarray(RUN(batch).scalars[0], float), strict=True))
    time, magnitude, error = (
        batch[n][0][batch["mask"][0]].astype(float) for n in ("time", "magnitude", "magnitude_error")
    )
    centred = magnitude - magnitude.mean()
    spread = magnitude.std()
    expected = {
        "log10 standard deviation (mag)": np.log10(spread),
        "log10 median error (mag)": np.log10(np.median(error)),
        "log10 span (d)": np.log10(np.ptp(time)),
        "skewness": (centred**3).mean() / spread**3,
        "excess kurtosis": (centred**4).mean() / spread**4 - 3,
        "quantile 5%, from the median, over the standard deviation": (
            np.quantile(magnitude, 0.05) - np.median(magnitude)
        )
        / spread,
        "median (mag)": np.median(magnitude),
        "oversampling": np.log10(1 / GRID.spacing / np.ptp(time)),
    }
    for name, value in expected.items():
        assert values[name] == pytest.approx(value, abs=2e-4), name


def test_span_of_the_longest_star():
    batch = {"time": np.array([[5.0, 9.0, 800.0], [1.0, 2.0, 7.0]]), "mask": np.array([[1, 1, 0], [1, 1, 1]], bool)}
    assert longest_span(batch) == 6.0
    assert longest_span({**batch, "mask": np.zeros((2, 3), bool)}) == 0.0
