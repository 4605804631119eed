"""Passbands by name: effective wavelengths, and the slot that each band of a star takes in arrays of a fixed number of bands."""

import itertools
import re
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


_OF_SURVEY = re.compile(
    r"(?:lsst(?:cam)?|rubin|ztf|sdss|ps1|panstarrs|des|decam|skymapper)[ _:.-]*([ugrizy])", re.IGNORECASE
)
"""Filters with the name of their survey before them, as in `lsstg`, `ZTF_r` or `ps1::i`."""


def wavelength_of(band: str) -> float | None:
    """nm; None of a band that is not known.

    >>> wavelength_of("g"), wavelength_of("zg"), wavelength_of("ZTF_g"), wavelength_of("narrow")
    (482.5, 482.5, 482.5, None)
    """
    if named := _OF_SURVEY.fullmatch(band):
        band = named[1].lower()
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
            f"a star has {len(names)} bands, and {slots} are told apart: leave some of {', '.join(names)} out (predict: --bands.only)"
        )
    names.sort(key=lambda name: wavelength_of(name) or 0.0)
    apart = np.log([[wavelength_of(name) or 1.0] for name in names]) - np.log(list(WAVELENGTH.values()))[:slots]
    rows = range(len(names))
    best = min(itertools.combinations(range(slots), len(names)), key=lambda some: np.abs(apart[rows, some]).sum())
    return dict(zip(names, best, strict=True))


def star_slots(bands: Iterable[str], slots: int = SLOTS) -> dict[str, int]:
    """As `band_slots`, of a star whose bands must be told apart: what can mean two things is refused.

    Of a star of one band the name says nothing, and may be any.

    Raises:
      DataError: as there; or a band without a name beside others, or one filter under two names.

    >>> star_slots(["r", "g"]), star_slots(["narrow"])
    ({'g': 1, 'r': 2}, {'narrow': 0})
    """
    names = list(dict.fromkeys(bands))
    if len(names) == 1:
        return dict.fromkeys(names, 0) if wavelength_of(names[0]) is None else band_slots(names, slots)
    if "" in names:
        others = ", ".join(filter(None, names))
        raise DataError(
            f"points without a band beside those in {others}: say the band of every point, or leave these out"
        )
    found: dict[float | None, str] = {}
    for name in names:
        wavelength = wavelength_of(name)
        other = found.setdefault(wavelength, name)
        if wavelength is not None and other != name:
            raise DataError(
                f"bands '{other}' and '{name}' are one filter under two names: give both one name, or leave one out (predict: --bands.only)"
            )
    return band_slots(names, slots)
