"""Cutting light curves into windows."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from lcjax.transforms import published_starts, published_windows, sequential_starts

sizes = st.integers(1, 700), st.integers(1, 210)


@given(*sizes)
def test_published_windows_cover_all_and_are_never_padded_beyond_the_curve(n, length):
    starts = published_starts(n, length)
    assert len(starts) == n // length + 1
    covered = np.zeros(n, int)
    for s in starts:
        assert 0 <= s <= max(0, n - length)
        covered[s : s + length] += 1
    assert (covered > 0).all()
    windows = published_windows(np.arange(2.0 * n).reshape(n, 2), length)
    assert windows.shape == (len(starts), min(n, length), 2)
    np.testing.assert_array_equal(windows[:, 0, 0], 2 * starts)


@given(*sizes)
def test_sequential_windows_hold_each_point_once(n, length):
    held = np.concatenate([np.arange(n)[s : s + length] for s in sequential_starts(n, length)])
    np.testing.assert_array_equal(held, np.arange(n))
