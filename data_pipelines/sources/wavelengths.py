"""What the columns of a spectrum are: their names, units of wavelength, air or vacuum. Everything becomes Angstrom in vacuum.

Nothing is guessed: what a file does not say, and what could be otherwise, is refused until the reader is told.
"""

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from lcjax.errors import DataError

ANGSTROM = {
    **dict.fromkeys(("angstrom", "angstroms", "ang", "a", "aa", "å", "0.1nm"), 1.0),
    **dict.fromkeys(("nm", "nanometer", "nanometers", "nanometre", "nanometres"), 10.0),
    **dict.fromkeys(("um", "µm", "μm", "micron", "microns", "micrometer", "micrometers", "micrometre", "micrometres"), 1e4),
    **dict.fromkeys(("m", "meter", "metre"), 1e10),
}  # fmt: skip
"""Name of a unit -> Angstrom."""
WAVELENGTHS = ("wavelength", "wave", "lambda", "lam", "wl")
LOGARITHMS = ("loglam", "log_wavelength", "logwave", "log_wave", "loglambda")
FLUXES = ("flux", "flux_spec", "fluxes")
INVERSE_VARIANCES = ("ivar", "invvar", "inverse_variance", "inv_var")
ERRORS = ("err", "error", "flux_err", "flux_error", "fluxerr", "e_flux", "flux_unc", "sigma", "uncertainty", "sig")
MASKS = ("andmask", "and_mask", "mask", "flag", "flags", "bad")
_SHORTEST = 2000.0
"""Angstrom: numbers below it are more likely nanometres or microns, and those from 300 to 2500 nm are no Angstrom beyond 2000."""


@dataclass(frozen=True)
class SpectrumReading:
    """What a user says of spectra that do not say it themselves."""

    unit: Literal["angstrom", "nm", "micron"] | None = None
    medium: Literal["vacuum", "air"] | None = None
    """Air becomes vacuum; None: taken as they are."""
    third: Literal["ivar", "error"] | None = None
    """Third of three columns without names."""
    flagged: Literal["keep", "drop"] = "keep"
    """Samples with an inverse variance of 0 or a mask that is not 0."""


@dataclass(frozen=True)
class Columns:
    """Names of the columns of a spectrum, as they are written; '' where there is none."""

    wavelength: str
    flux: str
    ivar: str
    error: str
    mask: str
    logarithmic: bool
    unit: str
    """Of the wavelengths, as the name tells; '' where it does not."""
    air: bool | None
    """As the name tells."""


def vacuum(wavelength: np.ndarray) -> np.ndarray:
    """Wavelengths in vacuum of those in air, Angstrom (the inverse of Morton 2000, ApJS 130, 403, eq. 8, by N. Piskunov for VALD3).

    Below 2000 Angstrom air does not transmit: there both are one by convention.

    >>> round(float(vacuum(np.array(6562.79))), 2)
    6564.6
    """
    wavelength = np.asarray(wavelength, float)
    s = (1e4 / wavelength) ** 2
    index = 1 + 8.336624212083e-5 + 0.02408926869968 / (130.1065924522 - s) + 1.599740894897e-4 / (38.92568793293 - s)
    return np.where(wavelength > _SHORTEST, wavelength * index, wavelength)


def plain_name(name: str) -> tuple[str, str]:
    """A name without its unit, in lower case, and the unit, perhaps ''.

    >>> plain_name("Wave[nm]"), plain_name("lambda (um)"), plain_name("wavelength_nm"), plain_name("flux_err")
    (('wave', 'nm'), ('lambda', 'um'), ('wavelength', 'nm'), ('flux_err', ''))
    """
    name = name.strip().lower()
    if found := re.fullmatch(r"(.*?)\s*[\[(](.*)[\])]", name):
        return found[1], found[2].strip()
    bare, _, last = name.rpartition("_")
    return (bare, last) if bare and last in ANGSTROM else (name, "")


def speak_of_spectra(names: Sequence[str]) -> bool:
    """Whether any of the names is that of a wavelength or flux.

    >>> speak_of_spectra(["wave_km", "flux"]), speak_of_spectra(["seen", "in", "Chile"])
    (True, False)
    """
    return any(plain_name(name)[0] in (*WAVELENGTHS, *LOGARITHMS, *FLUXES) for name in names)


def columns_of(names: Sequence[str], where: str) -> Columns:
    """Which of the names are what.

    Args:
      where: named in errors.

    Raises:
      DataError: none or several that could be wavelength or flux.
    """
    plain = {name: plain_name(name) for name in names}
    bare = {name: re.sub(r"_?(air|vacuum|vac)_?", "", plain[name][0]) for name in names}

    def one(known: Collection[str], what: str, needed: bool = True) -> str:
        found = [name for name in names if plain[name][0] in known or bare[name] in known]
        if len(found) > 1 or (needed and not found):
            raise DataError(
                f"{where} has the columns {', '.join(map(str, names[:12]))}: one of {what} is wanted ({', '.join(known)}), and "
                f"{'several' if found else 'none'} could be meant"
            )
        return found[0] if found else ""

    wavelength = one((*WAVELENGTHS, *LOGARITHMS), "wavelength")
    said = plain[wavelength][0]
    air = True if "air" in said else False if "vac" in said else None
    return Columns(
        wavelength,
        one(FLUXES, "flux"),
        one(INVERSE_VARIANCES, "inverse variance", needed=False),
        one(ERRORS, "error", needed=False),
        next((name for name in names if plain[name][0] in MASKS), ""),
        bare[wavelength] in LOGARITHMS,
        plain[wavelength][1],
        air,
    )


def in_vacuum_angstrom(
    wavelength: np.ndarray, reading: SpectrumReading, unit: str = "", air: bool | None = None
) -> np.ndarray:
    """Wavelengths as files have them -> Angstrom, in vacuum where anybody says which they are.

    Args:
      unit, air: as the file says; '' and None where it does not.

    Raises:
      DataError: an unknown unit, one that is not told and not likely Angstrom, or wavelengths that are not positive.
    """
    said = unit.strip().lower() or reading.unit or ""
    if said and said not in ANGSTROM:
        raise DataError(f"wavelengths in '{unit}': known are Angstrom, nm, micron and m")
    known = wavelength[np.isfinite(wavelength)]
    if len(known) and known.min() <= 0:
        raise DataError(f"a wavelength of {known.min():g}")
    if not said and len(known) and known.min() < _SHORTEST:
        raise DataError(
            f"wavelengths from {known.min():g} to {known.max():g} without a unit: say which with --multimodal.wavelength-unit "
            "angstrom, nm or micron"
        )
    found = wavelength * ANGSTROM[said or "angstrom"]
    is_air = air if air is not None else reading.medium == "air"
    return vacuum(found) if is_air else found


def inverse_variance(ivar: np.ndarray | None, error: np.ndarray | None, count: int) -> np.ndarray:
    """Inverse variances of either, 0 where the error is not positive or nothing is known; (M,)."""
    if ivar is not None:
        return ivar
    if error is None:
        return np.zeros(count)
    usable = error > 0
    return np.where(usable, np.where(usable, error, 1.0) ** -2.0, np.where(np.isnan(error), np.nan, 0.0))


def kept_samples(rows: np.ndarray, mask: np.ndarray | None, reading: SpectrumReading) -> np.ndarray:
    """Samples (M, 3) without the flagged ones, where the reading says so; inverse variances below 0 are none, and become 0.

    Args:
      mask: (M,) not 0 where a sample is bad; None: nothing is known.
    """
    rows[:, 2] = np.where(rows[:, 2] < 0, 0.0, rows[:, 2])
    if reading.flagged == "keep":
        return rows
    good = ~(rows[:, 2] == 0) if rows[:, 2].any() else np.ones(len(rows), bool)
    if mask is not None:
        good &= np.asarray(mask) == 0
    return rows[good]
