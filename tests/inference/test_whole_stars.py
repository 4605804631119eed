"""Stars by all their bands: the order of light curves and files does not matter, and what cannot be told apart is set aside."""

from types import SimpleNamespace

import numpy as np
import pytest

from lcjax.errors import DataError, Rejection
from lcjax.inference.whole_stars import joined_star, whole_stars


def curve(band, mjd, name="a"):
    mjd = np.asarray(mjd, np.float64)
    error = np.full(len(mjd), 0.1, np.float32)
    return SimpleNamespace(object_id=name, band=band, mjd=mjd, magnitude=mjd.astype(np.float32), magnitude_error=error)


def test_points_are_by_time_and_at_one_time_by_band_whatever_comes_first():
    curves = [curve("r", [2, 5, 9]), curve("g", [1, 5]), curve("zi", [5, 6])]
    one, other = joined_star(curves, 6), joined_star(curves[::-1], 6)
    assert one.band == other.band == "g+r+zi" and one.object_id == "a"
    assert one.mjd.tolist() == [1, 2, 5, 5, 5, 6, 9] and one.slot.tolist() == [1, 2, 1, 2, 3, 3, 2]
    for name in ("mjd", "magnitude", "magnitude_error", "slot"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name))
    assert one.slot.dtype == np.int32


def test_windows_of_a_long_star_hold_every_point_once_and_are_of_the_whole_span():
    star = joined_star([curve("g", np.arange(0, 300, 2)), curve("r", np.arange(1, 300, 2))], 6)
    spread, edges = star.spread(128)
    assert edges.tolist() == [[0, 100], [100, 200], [200, 300]]
    assert sorted(spread.mjd.tolist()) == star.mjd.tolist()
    for a, b in edges:
        assert (np.diff(spread.mjd[a:b]) > 0).all() and np.ptp(spread.mjd[a:b]) > 270
        assert 30 < np.sum(spread.slot[a:b] == 1) < 70, "pairs of points are not parted by their bands"
        np.testing.assert_array_equal(spread.slot[a:b], 1 + spread.mjd[a:b].astype(int) % 2)
    alone, edges = star.spread(300)
    assert alone is star and edges.tolist() == [[0, 300]]


def test_what_cannot_be_told_apart_is_set_aside_and_a_single_band_may_be_any():
    bad = Rejection("x", "fewer than 5 points: 3", "there")
    items = [
        (curve("narrow", [1, 2]),),
        bad,
        (curve("g", [1], "b"), curve("narrow", [2], "b")),
        (curve("g", [1], "c"), curve("zg", [2], "c")),
        (curve("g", [1], "d"), curve("", [2], "d")),
        tuple(curve(band, [1], "e") for band in "ugrizyJ"),
    ]
    alone, passed, *refused = whole_stars(items, 6)
    assert alone.band == "narrow" and passed is bad
    assert [one.object_id for one in refused] == ["b", "c", "d", "e"]
    for one, said in zip(
        refused, ("'narrow'", "one filter under two names", "without a band", "--bands.only"), strict=True
    ):
        assert said in one.reason
    with pytest.raises(DataError, match="'g' and 'zg'"):
        joined_star([curve("g", [1]), curve("zg", [2])], 6)
