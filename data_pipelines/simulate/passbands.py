"""Light in several bands: effective wavelengths, black bodies, dust, distances. Magnitudes are AB."""

import numpy as np

HUBBLE, MATTER, LIGHT = 70.0, 0.3, 299_792.458
"""km/s/Mpc; share of matter in a flat universe; km/s."""
NODES, WEIGHTS = np.polynomial.legendre.leggauss(24)
"""Of Gauss's quadrature on [-1, 1]."""


def extinction(wavelength: np.ndarray | float, ratio: float = 3.1) -> np.ndarray:
    """A(wavelength) / A(V) of 125 to 3300 nm (Cardelli, Clayton & Mathis 1989, ApJ 345, 245, eqs. 2-4).

    Args:
      wavelength: nm. ratio: R_V = A(V) / E(B - V).

    >>> [round(float(x), 2) for x in extinction(np.array([367.0, 551.0, 971.0]))]
    [1.55, 1.0, 0.42]
    """
    x = 1000.0 / np.asarray(wavelength, float)
    y = x - 1.82
    a = np.polyval([0.32999, -0.7753, 0.01979, 0.72085, -0.02427, -0.50447, 0.17699, 1.0], y)
    b = np.polyval([-2.09002, 5.3026, -0.62251, -5.38434, 1.07233, 2.28305, 1.41338, 0.0], y)
    infrared = x < 1.1
    a, b = np.where(infrared, 0.574 * x**1.61, a), np.where(infrared, -0.527 * x**1.61, b)
    far = np.maximum(x - 5.9, 0.0)
    ultraviolet = x > 3.3
    a_uv = 1.752 - 0.316 * x - 0.104 / ((x - 4.67) ** 2 + 0.341) - 0.04473 * far**2 - 0.009779 * far**3
    b_uv = -3.09 + 1.825 * x + 1.206 / ((x - 4.62) ** 2 + 0.263) + 0.213 * far**2 + 0.1207 * far**3
    return np.where(ultraviolet, a_uv, a) + np.where(ultraviolet, b_uv, b) / ratio


def black_body(wavelength: np.ndarray | float, temperature: np.ndarray | float) -> np.ndarray:
    """Magnitude of a black body of fixed size at a wavelength (nm) and temperature (K), up to a constant: -2.5 lg B_nu."""
    exponent = 14_387_768.8 / (np.asarray(wavelength, float) * temperature)
    return -2.5 * (-3.0 * np.log10(wavelength) - np.log10(np.expm1(np.minimum(exponent, 500.0))))


def distance_modulus(redshift: float) -> float:
    """Of a luminosity distance in a flat universe, mag.

    >>> round(distance_modulus(0.1), 2)
    38.32
    """
    z = 0.5 * redshift * (NODES + 1)
    comoving = LIGHT / HUBBLE * 0.5 * redshift * np.sum(WEIGHTS / np.sqrt(MATTER * (1 + z) ** 3 + 1 - MATTER))
    return float(5 * np.log10((1 + redshift) * comoving) + 25)
