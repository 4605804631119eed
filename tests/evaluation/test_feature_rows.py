"""Features of every band of a star in one row."""

import types

import numpy as np
import pytest

from lcjax.evaluation.feature_rows import star_features
from lcjax.evaluation.features import FEATURES


def curve(name, band, label, points, seed):
    rng = np.random.default_rng(seed)
    time = np.sort(rng.uniform(0, 100, points))
    series = dict(mjd=time, magnitude=rng.normal(15, 0.3, points), magnitude_error=np.full(points, 0.05))
    return types.SimpleNamespace(object_id=name, band=band, label=label, **series)


def test_bands_side_by_side():
    pytest.importorskip("light_curve", reason="needs light-curve (extra test or classic)")
    curves = [
        curve("a", "g", "X", 20, 0),
        curve("b", "r", "Y", 20, 1),
        curve("a", "r", "X", 12, 2),
        curve("b", "r", "Z", 9, 3),
    ]
    found = star_features([*curves[:3], curve("c", "g", "X", 1, 4)])
    assert found.object_id == ["a", "b", "c"] and found.n_points == [32, 20, 1] and found.label == ["X", "Y", "X"]
    count = len(FEATURES) - 1  # the mean magnitude is left out
    assert len(found.names) == 2 * count and found.names[0].endswith("_g") and found.names[count].endswith("_r")
    assert np.isnan(found.features[1, :count]).all() and np.isfinite(found.features[0]).mean() > 0.9
    assert np.isnan(found.features[2]).all()
    one = star_features(curves[:1], brightness=True)
    assert one.names == FEATURES
    several = star_features([curves[1], curves[3]])
    assert several.label == [None] and several.contradictory == 1
