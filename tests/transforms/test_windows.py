"""Cutting light curves into windows."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from data_pipelines.shards.streams import cut_windows
from lcjax.transforms import published_starts, published_windows, sequential_edges
from lcjax.transforms.windows import window_edges

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
def test_sequential_windows_hold_each_point_once_in_windows_of_like_size(n, length):
    edges = sequential_edges(n, length)
    assert edges[0] == 0 and edges[-1] == n
    widths = np.diff(edges)
    assert widths.min() >= 1 and widths.max() <= min(n, length)
    assert widths.max() - widths.min() <= 1
    assert len(widths) == -(-n // length)


@given(*sizes)
def test_sequential_windows_are_those_of_the_reader(n, length):
    _, start, size = cut_windows(np.array([n]), length, "sequential", None)
    edges = sequential_edges(n, length)
    np.testing.assert_array_equal(start, edges[:-1])
    np.testing.assert_array_equal(start + size, edges[1:])


def test_edges_of_many_curves_are_those_of_each():
    points = np.array([1, 6, 7, 8, 13, 14, 20])
    for mode, cut in (("published", published_starts), ("sequential", lambda n, w: sequential_edges(n, w)[:-1])):
        starts, ends = (np.asarray(edges) for edges in window_edges(points, 20, 7, mode))
        assert starts.shape == ends.shape == (len(points), 3)
        for n, start, end in zip(points, starts, ends):
            there = end > start
            own = cut(n, 7)
            np.testing.assert_array_equal(start[there], own)
            np.testing.assert_array_equal(end[there], np.minimum(own + 7, n) if mode == "published" else [*own[1:], n])
