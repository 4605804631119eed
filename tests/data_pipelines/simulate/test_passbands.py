"""Extinction, black bodies and distances against published numbers."""

import numpy as np
import pytest

from data_pipelines.simulate.passbands import black_body, distance_modulus, extinction


def test_extinction_of_the_literature():
    """Cardelli et al. 1989, table 3, R_V = 3.1: A / A(V) at U, B, V, R, I; and the bump at 217.5 nm, 3.2 times A(V)."""
    found = extinction(np.array([365.0, 440.0, 550.0, 700.0, 900.0]))
    np.testing.assert_allclose(found, [1.569, 1.337, 1.0, 0.751, 0.479], atol=0.015)
    assert (
        extinction(217.5) == pytest.approx(3.19, abs=0.02)
        and extinction(217.5) > extinction(np.array([250.0, 190.0])).max()
    )


def test_black_bodies_peak_where_they_should():
    """B_nu is highest at h nu = 2.8214 k T; in the tail it grows as the temperature."""
    wavelength = np.linspace(200, 2000, 20_000)
    peak = wavelength[np.argmin(black_body(wavelength, 6_000.0))]
    assert peak == pytest.approx(14_387_768.8 / 2.82144 / 6_000.0, rel=1e-3)
    tail = black_body(1e6, 5_000.0) - black_body(1e6, 10_000.0)
    assert tail == pytest.approx(2.5 * np.log10(2.0), abs=0.01)


def test_distances():
    """At small redshift c z / H; at z = 1 the 6,607 Mpc of H0 = 70, matter 0.3."""
    assert distance_modulus(0.001) == pytest.approx(5 * np.log10(299_792.458 * 0.001 / 70) + 25, abs=0.002)
    assert distance_modulus(1.0) == pytest.approx(5 * np.log10(6_607.7) + 25, abs=0.002)
