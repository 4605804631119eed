"""Features of light curves by another package: which they are, what they do not depend on, curves with few points."""

import dataclasses
import sys
from types import SimpleNamespace

import numpy as np
import pytest

from lcjax.errors import DataError, MissingExtraError
from lcjax.evaluation.features import BRIGHTNESS, FEATURES, PERIOD, columns_without, light_curve_features


@dataclasses.dataclass
class Curve:
    mjd: np.ndarray
    magnitude: np.ndarray
    magnitude_error: np.ndarray


def sine(points=150, period=0.61, start=53_000.0, seed=0):
    rng = np.random.default_rng(seed)
    mjd = start + np.sort(rng.uniform(0, 900, points))
    magnitude = 14 + 0.4 * np.sin(2 * np.pi * mjd / period) + rng.normal(0, 0.03, points)
    return Curve(mjd, magnitude, np.full(points, 0.03))


@pytest.fixture(scope="module")
def package():
    return pytest.importorskip("light_curve", reason="needs light-curve (extra test or classic)")


def test_values_of_a_sine(package):
    table = light_curve_features([sine(), sine(start=0.0)])
    found = dict(zip(FEATURES, table[0], strict=True))
    assert table.shape == (2, 23) and np.isfinite(table).all()
    assert 10 ** found["log_periodogram_period_0"] == pytest.approx(0.61, rel=1e-3)
    assert 10 ** found["log_standard_deviation"] == pytest.approx(0.4 / np.sqrt(2), rel=0.1)
    assert 10 ** found["log_amplitude"] == pytest.approx(0.43, abs=0.06)
    assert found["mean"] == pytest.approx(14, abs=0.1)
    assert 10 ** found["log_chi2"] == pytest.approx(np.var(sine().magnitude, ddof=1) / 0.03**2)


def test_only_the_mean_depends_on_brightness_and_none_on_the_epoch(package):
    one = sine()
    brighter = Curve(one.mjd, one.magnitude - 3, one.magnitude_error)
    later = Curve(one.mjd + 1000, one.magnitude, one.magnitude_error)
    table = light_curve_features([one, brighter, later])
    others = columns_without(BRIGHTNESS)
    np.testing.assert_allclose(table[1, others], table[0, others], rtol=1e-6, atol=1e-6)
    assert table[1, FEATURES.index("mean")] == pytest.approx(table[0, FEATURES.index("mean")] - 3)
    np.testing.assert_allclose(table[2], table[0], rtol=1e-5, atol=1e-6)


def test_curves_with_few_points_and_no_variation_lose_features_and_not_the_row(package):
    whole = sine()
    short = [Curve(whole.mjd[:n], whole.magnitude[:n], whole.magnitude_error[:n]) for n in range(7)]
    flat = Curve(whole.mjd, np.full(150, 14.0), whole.magnitude_error)
    table = light_curve_features([*short, flat, whole])
    assert not np.isinf(table).any() and np.isfinite(table[-1]).all()
    assert np.isnan(table[0]).all()
    assert np.isfinite(table[1:, FEATURES.index("mean")]).all() and np.isnan(table[1, :-1]).all()
    assert np.isfinite(table[5:7]).all() and np.isnan(table[7, FEATURES.index("log_chi2")])
    np.testing.assert_array_equal(table[-1], light_curve_features([whole])[0])
    assert light_curve_features([]).shape == (0, 23)


def test_names_of_columns_and_the_package_that_is_missing(monkeypatch):
    assert len(set(FEATURES)) == 23 and set(PERIOD) < set(FEATURES) and FEATURES[-1:] == BRIGHTNESS
    kept = columns_without((*PERIOD, *BRIGHTNESS))
    assert len(kept) == 18 and not {FEATURES[i] for i in kept} & {*PERIOD, *BRIGHTNESS}
    with pytest.raises(DataError, match="no feature 'period'"):
        columns_without(["period"])
    monkeypatch.setitem(sys.modules, "light_curve", None)
    with pytest.raises(MissingExtraError, match=r"light-curve'.*lcjax\[classic\]"):
        light_curve_features([SimpleNamespace(mjd=[], magnitude=[], magnitude_error=[])])
