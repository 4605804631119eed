import jax
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lcjax.errors import DataError
from lcjax.transforms import flux_rings as fr


def stamps(seed, height, width, channels=3, missing=0.03):
    rng = np.random.default_rng(seed)
    made = rng.normal(50, 400, (height, width, channels)).astype(np.float32)
    made[rng.random(made.shape) < missing] = np.nan
    return made


SHAPES = st.sampled_from(
    [(63, 63, 8, 4), (30, 30, 8, 3), (63, 62, 8, 4), (41, 57, 4, 4), (64, 64, 16, 3), (12, 12, 8, 1)]
)


@settings(max_examples=12, deadline=None)
@given(st.integers(0, 2**31), SHAPES, st.sampled_from([0.0, 0.1, 1.0]))
def test_round_trip_is_exact(seed, shape, missing):
    height, width, size, levels = shape
    x = stamps(seed, height, width, missing=missing)
    whole = fr.flux_levels(x, size, levels)
    rings, packed_size, packed_levels = fr.unpack(fr.pack(x, size, levels))
    assert (packed_size, packed_levels) == (size, levels)
    back = fr.decode(rings, size, levels)
    np.testing.assert_array_equal(back.flux, whole.flux)
    np.testing.assert_array_equal(back.coverage, whole.coverage)


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 2**31), st.sampled_from([20, 63, 64]))
def test_flux_is_conserved(seed, side):
    x = stamps(seed, side, side)
    whole = fr.flux_levels(x, 8, 4)
    np.testing.assert_allclose(whole.flux[3].sum((0, 1)), np.nansum(x.astype(np.float64), (0, 1)), rtol=1e-4, atol=2.0)
    np.testing.assert_array_equal(whole.coverage[3].sum((0, 1)), np.isfinite(x).sum((0, 1)))
    for finer, coarser in zip(whole.flux[:-1], whole.flux[1:], strict=True):
        np.testing.assert_allclose(coarser[2:6, 2:6].sum((0, 1)), finer.sum((0, 1)), rtol=1e-4, atol=2.0)


@settings(max_examples=6, deadline=None)
@given(st.integers(0, 2**31), st.integers(8, 70), st.integers(8, 70), st.floats(0, 1))
def test_whole_counts_are_conserved_exactly_at_any_size(seed, height, width, missing):
    rng = np.random.default_rng(seed)
    x = rng.integers(-2000, 2000, (height, width, 2)).astype(np.float32)
    x[rng.random(x.shape) < missing] = np.nan
    seen = [slice(max(0, -(-(side - 64) // 2)), max(0, -(-(side - 64) // 2)) + 64) for side in (height, width)]
    inside = x[seen[0], seen[1]].astype(np.float64)
    rings, size, levels = fr.unpack(fr.pack(x))
    flux, cover = fr.decode(rings, size, levels)
    np.testing.assert_array_equal(np.asarray(flux[3], np.float64).sum((0, 1)), np.nansum(inside, (0, 1)))
    np.testing.assert_array_equal(cover[3].sum((0, 1)), np.isfinite(inside).sum((0, 1)))
    for k in (1, 2, 3):
        parts = np.asarray(flux[k - 1], np.float64).reshape(4, 2, 4, 2, 2).sum((1, 3))
        np.testing.assert_array_equal(flux[k, 2:6, 2:6], parts)


def test_the_finest_level_holds_the_pixels():
    x = stamps(1, 63, 63)
    level, cover = (np.asarray(part[0]) for part in fr.flux_levels(x))
    np.testing.assert_array_equal(np.where(cover > 0, level, np.nan), x[28:36, 28:36])


def test_stored_sizes():
    assert fr.stored_values() == 64 + 3 * 48
    whole = stamps(2, 63, 63, missing=0.0)
    assert len(fr.pack(whole)) == fr.packed_bytes() == 12 + 208 * 3 * 4
    holes = stamps(2, 63, 63)
    assert len(fr.pack(holes)) == fr.packed_bytes(coverage=True) == 12 + 208 * 3 * 6
    assert len(fr.pack(whole)) * 15 < whole.nbytes * 0.8


def test_fill_values_do_not_swamp_a_sum():
    x = stamps(3, 63, 63, missing=0.0)
    x[0, 0, 0], x[62, 62, 1], x[1, 1, 2] = 3.4e38, -3.4e38, np.inf
    whole = fr.flux_levels(x)
    assert np.abs(whole.flux).max() < 1e6
    assert whole.coverage[3].sum() == x.size - 3


def test_rings_alone_make_network_input():
    x = np.stack([stamps(seed, 63, 63) for seed in range(3)])
    x[2] = np.nan
    seen = np.asarray(jax.jit(lambda v: fr.normalize_rings(fr.encode(v)))(x))
    assert seen.shape == (3, 4, 8, 8, 6) and np.isfinite(seen).all()
    assert np.abs(seen[..., :3]).max() <= 2 and not seen[2, ..., :3].any()
    missing = seen[..., 3:]
    assert missing.min() == 0 and (missing[2] == 1).all()
    # One of the eight rows of the last cells lies beyond a stamp of 63.
    beyond = [fr.flux_levels(np.ones((63, 63, 1))).coverage[3, -1, :-1, 0] / 64]
    np.testing.assert_array_equal(beyond, 0.875)


@pytest.mark.parametrize(
    "damage",
    [
        lambda b: b[:-1],
        lambda b: b + b"x",
        lambda b: b"XXXX" + b[4:],
        lambda b: b[:5] + b"\xff" + b[6:],
        lambda b: b[:6] + b"\x00" + b[7:],
        lambda b: b"",
        lambda b: b[:8],
    ],
)
def test_damaged_bytes_are_refused(damage):
    with pytest.raises(DataError):
        fr.unpack(damage(fr.pack(stamps(4, 63, 63))))


def test_sizes_that_do_not_nest_are_refused():
    with pytest.raises(DataError, match="multiple of 4"):
        fr.flux_levels(stamps(5, 63, 63), size=6)
    with pytest.raises(DataError, match="no rings of"):
        fr.decode(fr.Rings(np.zeros((207, 3)), np.zeros((207, 3))))
