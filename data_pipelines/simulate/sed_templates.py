"""Supernovae from templates of their spectra in time: files of three columns, or the sources of sncosmo.

    template = read_template("sn2011fe.dat")        # rest-frame day, wavelength (Angstrom), flux per wavelength
    template = read_template("hsiao")               # sncosmo's, which it may have to download: pip install lcjax[supernovae]

A template stands in for the black bodies of `supernovae`; absolute magnitude, redshift, dust and expansion are as there.
"""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from lcjax.errors import ConfigError, DataError, MissingExtraError

VISUAL = 551.0
"""nm; templates are brought to magnitude 0 there, at maximum."""
WIDTH = 0.2
"""Of a band, over its effective wavelength."""
DARK = 12.0
"""Magnitudes below maximum before a template begins, and where it has no light."""


@dataclass(frozen=True, eq=False)
class SedTemplate:
    """Spectral energy distribution in time."""

    days: np.ndarray
    """(P,) rest frame, from maximum, ascending."""
    wavelengths: np.ndarray
    """(W,) nm, ascending."""
    flux: np.ndarray
    """(P, W) per wavelength, any scale."""

    def magnitude(self, days: np.ndarray, wavelength: float) -> np.ndarray:
        """AB magnitudes at rest-frame days (N,) in a band about `wavelength` (nm), 0 at the visual maximum.

        After the last day it goes on as over the last twenty; beyond the last wavelength as the outermost.
        """
        values = self._nodes(wavelength) - np.min(self._nodes(VISUAL))
        last = self.days[-1]
        slope = max((values[-1] - np.interp(last - 20, self.days, values)) / 20, 0.0)
        found = np.interp(days, self.days, values) + np.maximum(np.asarray(days) - last, 0.0) * slope
        return np.minimum(np.where(days < self.days[0], DARK, found), DARK + 8.0)

    def _nodes(self, wavelength: float) -> np.ndarray:
        """Magnitudes of its days, in a band of constant width."""
        at = np.linspace(1 - WIDTH / 2, 1 + WIDTH / 2, 21) * wavelength
        at = np.clip(at, self.wavelengths[0], self.wavelengths[-1])
        spectrum = np.stack([np.interp(at, self.wavelengths, row) for row in self.flux])
        light = np.sum(spectrum * at, axis=1) / np.sum(1 / at)
        brightest = max(float(light.max()), np.finfo(float).tiny)
        faint = brightest * 10 ** (-0.4 * DARK)
        return -2.5 * np.log10(np.maximum(light, faint))


def read_template(name: str) -> SedTemplate:
    """A file, where the name is a path or has an ending, or a source of sncosmo.

    Raises:
      DataError: the file does not hold a template. ConfigError: sncosmo has no such source, or cannot fetch it.
      MissingExtraError: sncosmo is not installed.
    """
    return _of_file(Path(name)) if Path(name).suffix or "/" in name else _of_sncosmo(name)


def templates_of(given: Sequence[str]) -> dict[str, SedTemplate]:
    """Templates of `CLASS=TEMPLATE` texts, by class.

    Raises:
      ConfigError: a text that is none; see also `read_template`.
    """
    found = {}
    for text in given:
        name, _, template = text.partition("=")
        if not template:
            raise ConfigError(f"a template is given as CLASS=TEMPLATE, such as SNIa=hsiao, not as {text!r}")
        found[name] = read_template(template)
    return found


def _of_file(path: Path) -> SedTemplate:
    if not path.is_file():
        raise DataError(
            f"there is no template '{path}': give a file of three columns (day, wavelength in Angstrom, flux)"
        )
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", UserWarning)
            rows = np.loadtxt(path, ndmin=2)
    except (ValueError, UserWarning, UnicodeDecodeError) as error:
        raise DataError(
            f"'{path}' is no table of numbers: a template has three columns (day, wavelength in Angstrom, flux)"
        ) from error
    if rows.shape[1] != 3 or not np.all(np.isfinite(rows)):
        raise DataError(
            f"'{path}' has {rows.shape[1]} columns: a template has three, finite (day, wavelength in Angstrom, flux)"
        )
    days, waves = np.unique(rows[:, 0]), np.unique(rows[:, 1])
    if len(days) < 5 or len(waves) < 5 or len(rows) != len(days) * len(waves):
        raise DataError(
            f"'{path}' is no grid: {len(rows)} rows of {len(days)} days and {len(waves)} wavelengths; every day needs every wavelength, "
            "and there must be five of each"
        )
    order = np.lexsort((rows[:, 1], rows[:, 0]))
    return _template(days, waves, rows[order, 2].reshape(len(days), len(waves)), str(path))


def _of_sncosmo(name: str) -> SedTemplate:
    try:
        import sncosmo
    except ImportError as error:
        raise MissingExtraError("sncosmo", "supernovae", f"the supernova template '{name}'") from error
    try:
        source = sncosmo.get_source(name)
    except Exception as error:  # it has no error of its own: names that are not known, and downloads that fail
        raise ConfigError(
            f"sncosmo cannot give its source '{name}' ({error}): see its list of sources, or give a file of three columns"
        ) from error
    days = np.arange(max(source.minphase(), -30.0), min(source.maxphase(), 300.0) + 1e-6, 1.0)
    waves = np.arange(source.minwave(), source.maxwave() + 1e-6, 25.0)
    return _template(days, waves, np.maximum(source.flux(days, waves), 0.0), f"source '{name}' of sncosmo")


def _template(days: np.ndarray, angstrom: np.ndarray, flux: np.ndarray, where: str) -> SedTemplate:
    """With day 0 at the visual maximum.

    Raises:
      DataError: wavelengths that cannot be Angstrom, or no visual light.
    """
    if not angstrom[0] < 10 * VISUAL < angstrom[-1] or flux.min() < 0:
        raise DataError(
            f"{where} has wavelengths from {angstrom[0]:g} to {angstrom[-1]:g} and a least flux of {flux.min():g}: a template is in Angstrom, "
            f"reaches over {10 * VISUAL:g}, and has no negative flux"
        )
    found = SedTemplate(days, angstrom / 10, flux)
    visual = found._nodes(VISUAL)
    if np.ptp(visual) <= 0:
        raise DataError(
            f"{where} has no light at {10 * VISUAL:g} Angstrom, or never changes: it is no template of a transient"
        )
    return SedTemplate(days - days[np.argmin(visual)], angstrom / 10, flux)
