"""Shapes of real stars for simulated ones: the curve of a star is that of a star whose Fourier fit is given.

Period, amplitude, shape and lags between bands stay together as nature has them: one star is drawn of a class, its period moved by
a few percent and its amplitude by ten.
"""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from data_pipelines.simulate.colours import COLOURS
from data_pipelines.simulate.fourier_fits import BandFit, StarFit, fits_of_curves, holds_fits, read_fits
from data_pipelines.simulate.variables import VARIABLES
from lcjax.errors import DataError
from lcjax.passbands import wavelength_of

SAME_CLASS: dict[str, str] = {
    "EC": "EW", "ECL_CLOSE": "EW", "ESD": "EB", "ED": "EA", "RRAB": "RRab", "RRC": "RRc", "RRD": "RRd", "RR_Blazhko": "RRab_BL",
    "DCEP": "CEP", "LMC_CEP": "CEP", "M": "MIRA", "SRV": "SR", "HADS": "DSCT",
}  # fmt: skip
"""Names that catalogues give to the classes that are simulated."""
PERIOD_SPREAD, AMPLITUDE_SPREAD = 0.03, 0.1
"""Standard deviations of the logarithms by which a star differs from its model."""


class RealShapes:
    """Fits by class of simulated stars."""

    def __init__(self, fits: Sequence[StarFit], where: str = "the fits") -> None:
        """Sorts them.

        Raises:
          DataError: none is of a class that is simulated, in a band whose wavelength is known.
        """
        self._stars: dict[str, list[StarFit]] = {}
        self.unused: Counter[str] = Counter()
        """Reason -> stars."""
        for star in fits:
            name = SAME_CLASS.get(star.label, star.label)
            known = tuple(fit for fit in star.bands if wavelength_of(fit.band) is not None)
            if name not in VARIABLES:
                self.unused[f"class {star.label} is not simulated"] += 1
            elif not known:
                self.unused["no band of known wavelength"] += 1
            else:
                self._stars.setdefault(name, []).append(StarFit(star.object_id, name, star.period, known))
        if not self._stars:
            reasons = ", ".join(f"{count} {why}" for why, count in self.unused.items()) or "it is empty"
            raise DataError(f"there is no shape for a simulated star in {where}: {reasons}")

    def __contains__(self, name: str) -> bool:
        return name in self._stars

    @property
    def counts(self) -> dict[str, int]:
        """Stars of each class."""
        return {name: len(stars) for name, stars in self._stars.items()}

    def draw(self, rng: np.random.Generator, name: str) -> "DrawnShape":
        """A star like a random one of the class."""
        star = self._stars[name][int(rng.integers(len(self._stars[name])))]
        period = star.period * np.exp(PERIOD_SPREAD * rng.normal())
        return DrawnShape(star, float(period), float(np.exp(AMPLITUDE_SPREAD * rng.normal())), float(rng.random()))


class DrawnShape:
    """One simulated star with a real one's shape."""

    def __init__(self, star: StarFit, period: float, scale: float, zero: float) -> None:
        """A model, the star's own period (d), its amplitudes over the model's, and its phase at time 0."""
        self.star, self.period, self.scale, self.zero = star, period, scale, zero

    def delta(self, mjd: np.ndarray, band: str) -> np.ndarray:
        """Magnitudes about the mean in a band at times (N,).

        Between two fitted bands the amplitudes are interpolated in the logarithm of the wavelength; beyond the last the nearest
        is taken with the class's own change of amplitude and phase with wavelength.
        """
        wavelength = wavelength_of(band)
        assert wavelength is not None  # bands of surveys that are simulated
        fits = sorted(self.star.bands, key=lambda fit: wavelength_of(fit.band) or 0.0)
        places = np.log([wavelength_of(fit.band) or 0.0 for fit in fits])
        amplitudes = _between(np.log(wavelength), places, fits, self.star.label)
        phase = np.asarray(mjd) / self.period + self.zero
        return self.scale * BandFit(band, 0.0, amplitudes, 0.0, 0).curve(phase)


def _between(place: float, places: np.ndarray, fits: Sequence[BandFit], name: str) -> np.ndarray:
    """Complex amplitudes at a logarithm of wavelength."""
    if places[0] <= place <= places[-1]:
        above = int(np.clip(np.searchsorted(places, place), 1, len(places) - 1)) if len(places) > 1 else 0
        if above == 0:
            return fits[0].amplitudes
        share = (place - places[above - 1]) / max(places[above] - places[above - 1], 1e-9)
        return (1 - share) * fits[above - 1].amplitudes + share * fits[above].amplitudes
    nearest = 0 if place < places[0] else -1
    colour, fit = COLOURS[name], fits[nearest]
    step = max(place, np.log(440.0)) - max(places[nearest], np.log(440.0))
    order = np.arange(1, len(fit.amplitudes) + 1)
    late = colour.lag * (place - places[nearest])
    return fit.amplitudes * np.exp(colour.power * step) * np.exp(-2j * np.pi * order * late)


def shapes_of(paths: Sequence[Path | str]) -> RealShapes:
    """Shapes of a file of fits, or of light curves with classes and periods, which are fitted now.

    Raises:
      DataError: nothing usable, or fits and light curves together.
    """
    made = [path for path in paths if holds_fits(path)]
    where = ", ".join(f"'{path}'" for path in paths)
    if made and len(made) < len(paths):
        raise DataError(
            f"{where} are fits and light curves: give either, or make fits of the light curves with 'lcjax data shapes'"
        )
    if made:
        return RealShapes([star for path in made for star in read_fits(path)], where)
    from data_pipelines.sources import read_light_curves

    fits, unused = fits_of_curves(read_light_curves(paths))
    if not fits:
        reasons = ", ".join(f"{count} with {why}" for why, count in unused.items()) or "it holds no light curve"
        raise DataError(f"no light curve of {where} can be fitted: {reasons}")
    return RealShapes(fits, where)


def classes_of(given: Sequence[str]) -> dict[str, float]:
    """Relative numbers by class, of `NAME=NUMBER` texts; NaN where there is no number, which `shares_of` refuses."""
    found = {}
    for text in given:
        name, _, number = text.partition("=")
        try:
            found[name] = float(number) if number else 1.0
        except ValueError:
            found[name] = np.nan
    return found
