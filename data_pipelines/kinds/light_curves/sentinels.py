"""Numbers that stand for nothing: written into tables where a measurement is missing, and of a size that a star could have."""

import numpy as np

_GAP = 3.0
"""mag that a fill value lies beyond all other points, at least."""
_FLUXES = (-99.0, -99.99, -999.0, -999.99, -9999.0, -99999.0)
_TWICE = 2


def filled_magnitudes(magnitude: np.ndarray) -> np.ndarray:
    """(N,) bool, True at magnitudes that stand for nothing: one whole number, such as 0 or 30, that repeats far from all others.

    A measured star has no whole magnitudes again and again, and none of them magnitudes away from the rest of its light curve.

    Args:
      magnitude: (N,) finite.

    >>> filled_magnitudes(np.array([0.0, 15.21, 15.3, 0.0, 15.4, 30.0])).tolist()
    [True, False, False, True, False, False]
    """
    whole = magnitude == np.rint(magnitude)
    out = np.zeros(len(magnitude), bool)
    if not whole.any() or whole.all():
        return out
    others = magnitude[~whole]
    for value in np.unique(magnitude[whole]):
        here = magnitude == value
        if np.count_nonzero(here) >= _TWICE and np.abs(others - value).min() > _GAP:
            out |= here
    return out


def filled_fluxes(flux: np.ndarray) -> np.ndarray:
    """(N,) bool, True at fluxes of -99, -999, -9999 and the like that repeat among fluxes that are no whole numbers.

    >>> filled_fluxes(np.array([-999.0, 1.5, -999.0, -99.0])).tolist()
    [True, False, True, False]
    """
    out = np.zeros(len(flux), bool)
    found = np.isin(flux, _FLUXES)
    if not found.any():
        return out
    others = flux[~found]
    if not len(others) or np.mean(others == np.rint(others)) > 0.5:  # counts may be any whole number
        return out
    for value in np.unique(flux[found]):
        here = flux == value
        if np.count_nonzero(here) >= _TWICE:
            out |= here
    return out
