"""Bright stars have magnitudes, faint ones something linear."""

import numpy as np
import pytest

from lcjax.transforms.asinh_magnitudes import asinh_magnitudes, asinh_magnitudes_of, with_magnitudes

FLUX = np.array([[1000.0, 2000.0, 0.0, -3.0, 5.0]], np.float32)
ERROR = np.full((1, 5), 2.0, np.float32)
MASK = np.ones((1, 5), bool)


def test_bright_and_faint():
    magnitude, error = asinh_magnitudes(FLUX, ERROR, MASK)
    assert float(magnitude[0, 1] - magnitude[0, 0]) == pytest.approx(-2.5 * np.log10(2), abs=1e-4)
    assert float(error[0, 0]) == pytest.approx(1.0857 * 2 / 1000, rel=1e-3)
    assert magnitude[0, 2] == 0 and float(error[0, 2]) == pytest.approx(1.0857 / 2, rel=1e-3)
    assert float(magnitude[0, 3]) == pytest.approx(1.0857 * np.arcsinh(0.75), rel=1e-4)


def test_units_do_not_matter_and_what_is_hidden_is_not_seen():
    for unit in (1e-4, 1e5):
        for one, two in zip(
            asinh_magnitudes(FLUX, ERROR, MASK), asinh_magnitudes(FLUX * unit, ERROR * unit, MASK), strict=True
        ):
            np.testing.assert_allclose(one, two, rtol=1e-4, atol=1e-6)
    hidden = np.array([[True, True, False, True, True]])
    other = np.where(hidden, FLUX, np.nan), np.where(hidden, ERROR, 1e9)
    for one, two in zip(asinh_magnitudes(FLUX, ERROR, hidden), asinh_magnitudes(*other, hidden), strict=True):
        np.testing.assert_array_equal(one, two)
    none = asinh_magnitudes(FLUX, 0 * ERROR, ~MASK)
    assert not np.asarray(none).any()


def test_nothing_of_a_hidden_flux_is_seen():
    """Not its error either, by which the others would be softened."""
    rng = np.random.default_rng(0)
    flux, error = rng.normal(3, 2, (2, 20)).astype(np.float32), rng.uniform(0.1, 0.4, (2, 20)).astype(np.float32)
    batch = {"time": np.zeros((2, 20), np.float32), "mask": np.ones((2, 20), bool), "flux": flux, "flux_error": error}
    batch["visible"] = np.tile(np.arange(20) % 3 > 0, (2, 1))
    other = {
        **batch,
        "flux": np.where(batch["visible"], flux, 99.0),
        "flux_error": np.where(batch["visible"], error, 50.0),
    }
    one, two = with_magnitudes(batch), with_magnitudes(other)
    for name in ("magnitude", "magnitude_error"):
        np.testing.assert_array_equal(one[name][batch["visible"]], two[name][batch["visible"]])
        assert (two[name][~batch["visible"]] == 0).all()


def test_on_the_host_it_is_the_same_with_a_zero_point():
    on_device = asinh_magnitudes(FLUX, ERROR, MASK)
    on_host = asinh_magnitudes_of(FLUX[0], ERROR[0], 25.0)
    np.testing.assert_allclose(on_host[0], 25 - 2.5 * np.log10(2.0) + np.asarray(on_device[0][0]), rtol=1e-5)
    np.testing.assert_allclose(on_host[1], on_device[1][0], rtol=1e-5)
    assert on_host[0][0] == pytest.approx(25 - 2.5 * np.log10(1000), abs=1e-5)
