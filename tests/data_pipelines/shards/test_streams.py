"""Windows and their order."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data_pipelines.shards.streams import cut_windows, stream_count
from lcjax.errors import DataError
from lcjax.transforms import published_starts

LENGTHS = st.lists(st.integers(1, 700), min_size=1, max_size=20)


@settings(deadline=None)
@given(LENGTHS, st.integers(1, 250))
def test_sequential_windows_hold_each_point_once(lengths, width):
    owner, start, size = cut_windows(np.array(lengths), width, "sequential", None)
    for number, length in enumerate(lengths):
        own = owner == number
        points = np.concatenate([np.arange(a, a + n) for a, n in zip(start[own], size[own], strict=True)])
        assert np.array_equal(points, np.arange(length))
        assert size[own].max() <= width and size[own].max() - size[own].min() <= 1


@settings(deadline=None)
@given(LENGTHS, st.integers(1, 250), st.integers(0, 2**31))
def test_random_windows_are_full_and_inside(lengths, width, seed):
    owner, start, size = cut_windows(np.array(lengths), width, "random", np.random.default_rng(seed))
    assert np.array_equal(owner, np.arange(len(lengths)))
    assert np.array_equal(size, np.minimum(lengths, width))
    assert (start >= 0).all() and (start + size <= lengths).all()


def test_random_starts_are_uniform():
    _, start, _ = cut_windows(np.full(20_000, 14), 10, "random", np.random.default_rng(0))
    assert np.abs(np.bincount(start, minlength=5) / 20_000 - 0.2).max() < 0.015


def test_published_windows_are_the_recorded_ones(golden_root):
    arrays = np.load(golden_root / "astromer2" / "windows.npz")
    width = int(arrays["cfg/window_size"])
    names = [k.split("/")[0] for k in arrays.files if k.endswith("/starts")]
    assert names
    lengths = np.array([len(arrays[f"{name}/in"]) for name in names])
    owner, start, size = cut_windows(lengths, width, "published", None)
    for number, name in enumerate(names):
        own = owner == number
        assert start[own].tolist() == arrays[f"{name}/starts"].tolist()
        assert len(set(size[own])) == 1 and size[own][0] == arrays[f"{name}/windows"].shape[1]


@settings(deadline=None)
@given(LENGTHS, st.integers(1, 250))
def test_published_windows_follow_one_another_and_the_last_ends_with_the_curve(lengths, width):
    """A&A 670, A54: floor(N/W) + 1 whole windows from the start, the last one moved back; short curves as they are."""
    owner, start, size = cut_windows(np.array(lengths), width, "published", None)
    for number, length in enumerate(lengths):
        own = owner == number
        expected = [min(k * width, max(length - width, 0)) for k in range(length // width + 1)]
        assert start[own].tolist() == expected and set(size[own].tolist()) == {min(length, width)}
        assert start[own].tolist() == list(published_starts(length, width))


def test_errors():
    with pytest.raises(DataError, match="no window mode"):
        cut_windows(np.array([3]), 2, "all", None)
    with pytest.raises(DataError, match="more shards"):
        stream_count(64, 1, 2)
