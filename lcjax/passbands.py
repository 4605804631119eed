"""Passbands by name: effective wavelengths, and the slot that each band of a star takes in arrays of a fixed number of bands."""

import itertools
from collections.abc import Iterable

import numpy as np

from lcjax.errors import DataError

WAVELENGTH: dict[str, float] = {"u": 367.0, "g": 482.5, "r": 622.2, "i": 754.5, "z": 869.1, "y": 971.0}
"""Effective wavelengths of the Rubin bands, nm (Ivezic et al. 2019, ApJ 873, 111); those of ZTF and SDSS are near."""
OTHERS: dict[str, float] = {
    "U": 365.0, "B": 445.0, "V": 551.0, "R": 658.0, "I": 806.0, "J": 1235.0, "H": 1662.0, "K": 2159.0, "Hp": 528.0, "G": 639.0,
    "BP": 518.0, "RP": 783.0, "zg": 482.5, "zr": 622.2, "zi": 754.5, "c": 533.0, "o": 679.0, "": 551.0,
}  # fmt: skip
"""Of other bands, and of a band that has no name, nm (Bessell 2005, ARA&A 43, 293; Gaia DR3; Tonry et al. 2018, PASP 130, 064505)."""
SLOTS = len(WAVELENGTH)
"""Bands that are told apart: about u, g, r, i, z and y."""


def wavelength_of(band: str) -> float | None:
    """nm; None of a band that is not known.

    >>> wavelength_of("g"), wavelength_of("zg"), wavelength_of("narrow")
    (482.5, 482.5, None)
    """
    return WAVELENGTH.get(band, OTHERS.get(band))


def band_slots(bands: Iterable[str], slots: int = SLOTS) -> dict[str, int]:
    """Band -> slot, of all bands of one star: in the order of their wavelengths, each as near to a Rubin band as may be.

    Near in the logarithm of the wavelength, all bands together; no two share a slot.

    Raises:
      DataError: a band whose wavelength is not known, or more bands than slots.

    >>> band_slots(["r", "g", "zi"]), band_slots(["V", "g"]), band_slots(["I"])
    ({'g': 1, 'r': 2, 'zi': 3}, {'g': 1, 'V': 2}, {'I': 3})
    """
    names = list(dict.fromkeys(bands))
    unknown = [name for name in names if wavelength_of(name) is None]
    if unknown:
        known = ", ".join(filter(None, (*WAVELENGTH, *OTHERS)))
        raise DataError(f"the wavelength of band '{unknown[0]}' is not known: name the bands of a star by {known}")
    if len(names) > slots:
        raise DataError(
            f"a star has {len(names)} bands ({', '.join(names)}), and {slots} are told apart: leave some out"
        )
    names.sort(key=lambda name: wavelength_of(name) or 0.0)
    apart = np.log([[wavelength_of(name) or 1.0] for name in names]) - np.log(list(WAVELENGTH.values()))[:slots]
    rows = range(len(names))
    best = min(itertools.combinations(range(slots), len(names)), key=lambda some: np.abs(apart[rows, some]).sum())
    return dict(zip(names, best, strict=True))
