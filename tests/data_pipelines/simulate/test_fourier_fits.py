"""Fits find what curves were made of; files keep them; stars that say nothing are counted."""

import numpy as np
import pytest

from data_pipelines.simulate.fourier_fits import fit_harmonics, fits_of_curves, holds_fits, read_fits, write_fits
from data_pipelines.sources.light_curve import RawLightCurve
from lcjax.errors import DataError

AMPLITUDES = np.array([0.4 * np.exp(0.3j), 0.2 * np.exp(2.0j), 0.08 * np.exp(-1.0j), 0.0, 0.0])


def star(name="a", label="RRab", period=0.55, points=120, amplitudes=AMPLITUDES, lags=None, seed=0, noise=0.02):
    """Curves of one star, late by `lags` cycles in each band."""
    rng = np.random.default_rng(seed)
    curves = []
    for band, lag in (lags or {"g": 0.0}).items():
        mjd = np.sort(rng.uniform(55_000, 56_000, points))
        phase = mjd / period - lag
        value = sum((a * np.exp(2j * np.pi * h * phase)).real for h, a in enumerate(amplitudes, 1))
        value = 17.0 + value + noise * rng.normal(size=points)
        curves.append(RawLightCurve(name, band, mjd, value, np.full(points, 0.02), label, {"period": period}))
    return curves


def test_many_stars_at_once_are_fitted_as_each_alone():
    curves = [*star(seed=1), *star(seed=2, points=90), *star(seed=3, points=40)]
    size = max(len(c.mjd) for c in curves)
    pad = lambda values: np.stack([np.pad(v, (0, size - len(v))) for v in values])
    time, value = pad([c.mjd for c in curves]), pad([c.magnitude for c in curves])
    weight = pad([1 / c.magnitude_error**2 for c in curves])
    mean, found, error = fit_harmonics(time, value, weight, np.array([0.55, 0.55, 0.55]), 5)
    np.testing.assert_allclose(mean[:2], 17.0, atol=0.01)
    np.testing.assert_allclose(found[:2], np.stack([AMPLITUDES] * 2), atol=0.02)
    assert np.isnan(mean[2]) and np.isnan(found[2]).all(), "40 points for 11 parameters"
    assert 0.5 * 0.02 < error[0] * np.sqrt(120 / 2) < 2 * 0.02
    alone = fit_harmonics(time[1:2], value[1:2], weight[1:2], np.array([0.55]), 5)
    np.testing.assert_allclose(alone[1], found[1:2], atol=1e-9)


def test_lags_between_bands_are_kept_and_outliers_are_not():
    curves = star(lags={"g": 0.0, "z": 0.04})
    curves[0].magnitude[5] = 30.0
    (fit,), unused = fits_of_curves(curves, 5)
    g, z = fit.bands
    assert not unused and (g.band, z.band, fit.period) == ("g", "z", 0.55)
    assert -np.angle(z.amplitudes[0] / g.amplitudes[0]) / (2 * np.pi) == pytest.approx(0.04, abs=0.005)
    assert g.points == 119 and g.mean == pytest.approx(17, abs=0.01)
    assert g.curve(curves[1].mjd / 0.55 - 0.04) == pytest.approx(z.curve(curves[1].mjd / 0.55), abs=0.05)


def test_what_is_no_shape_is_counted():
    curves = [
        *star("a"),
        *star("b", label=None),
        *star("c", period=np.nan),
        *star("d", points=20),
        *star("e", amplitudes=0.01 * AMPLITUDES),
        *star("f", label="EW", seed=4),
    ]
    fits, unused = fits_of_curves(curves, 5)
    assert [fit.object_id for fit in fits] == ["a", "f"]
    assert unused["no class"] == unused["no period"] == 1 and sum(unused.values()) == 4


def test_a_file_of_fits(tmp_path):
    fits, _ = fits_of_curves([*star("a", lags={"g": 0.0, "z": 0.04}), *star("b", label="EW")], 5)
    path = tmp_path / "fits.parquet"
    write_fits(fits, path)
    back = read_fits(path)
    assert holds_fits(path) and [f.object_id for f in back] == ["a", "b"] and [len(f.bands) for f in back] == [2, 1]
    for one, two in zip(fits, back, strict=True):
        assert (one.label, one.period) == (two.label, two.period)
        np.testing.assert_array_equal(one.bands[-1].amplitudes, two.bands[-1].amplitudes)
    content = path.read_bytes()
    path.write_bytes(content[:-200])
    with pytest.raises(DataError, match="lcjax data shapes"):
        read_fits(path)
    path.write_bytes(content[:40] + b"\0" * 80 + content[120:])
    with pytest.raises(DataError, match="again"):
        read_fits(path)
