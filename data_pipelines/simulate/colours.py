"""How stars of each class look in several bands: their colours, how much they vary in each, and how late.

Mean colours are those of a black body with dust; how the amplitude goes with wavelength is a power law per class. Of
RR Lyrae it falls as 1 : 0.72 : 0.58 : 0.53 from g to z (Sesar et al. 2010, section 3), which is a power of -1.1; Cepheids and
long-period variables are as in V and I (Klagyivik & Szabados 2009; Soszynski et al. 2009); eclipses are nearly grey.
Pulsators are brightest in the blue first, when they are hottest: first harmonics of RR Lyrae come later by 0.08 cycles (RRab)
and 0.035 (RRc) for a factor e in wavelength, measured from g to z on 193 and 44 stars of SDSS Stripe 82 by `fourier_fits`.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from data_pipelines.simulate.passbands import black_body, extinction
from lcjax.passbands import WAVELENGTH, wavelength_of


class Look(NamedTuple):
    """One star in some bands, against r."""

    colours: dict[str, float]
    """Magnitudes less that in r."""
    ratios: dict[str, float]
    """Amplitudes over that in r."""
    lags: dict[str, float]
    """Cycles by which it comes after r."""
    temperature: float
    """K."""


@dataclass(frozen=True)
class Colour:
    """Temperature and power of the amplitude with wavelength, each with its spread from star to star."""

    temperature: float
    """K."""
    power: float = 0.0
    """Amplitude in a band over that in r: (wavelength / 622 nm)^power."""
    temperature_spread: float = 0.1
    """Of ln T."""
    power_spread: float = 0.08
    lag: float = 0.0
    """Cycles by which the variation comes later for a factor e in wavelength."""

    def draw(self, rng: np.random.Generator, bands: tuple[str, ...]) -> Look:
        """Of one star."""
        temperature = self.temperature * np.exp(self.temperature_spread * rng.normal())
        dust = 3.1 * rng.exponential(0.06)
        power = self.power + self.power_spread * rng.normal()
        waves = {band: wavelength_of(band) or np.nan for band in bands}
        at = lambda wave: float(black_body(wave, temperature) + dust * extinction(wave))
        red = WAVELENGTH["r"]
        colours = {band: at(wave) - at(red) for band, wave in waves.items()}
        # Below the Balmer jump amplitudes rise no more.
        ratios = {band: float((max(wave, 440.0) / red) ** power) for band, wave in waves.items()}
        slope = self.lag * (1 + 0.2 * rng.normal())
        lags = {band: float(slope * np.log(wave / red)) for band, wave in waves.items()}
        return Look(colours, ratios, lags, float(temperature))


COLOURS: dict[str, Colour] = {
    "RRab": Colour(6_600, -1.1, 0.04, lag=0.08),
    "RRc": Colour(7_100, -1.1, 0.04, lag=0.035),
    "RRd": Colour(6_900, -1.1, 0.04, lag=0.035),
    "RRab_BL": Colour(6_600, -1.1, 0.04, lag=0.08),
    "DSCT": Colour(7_500, -1.1, 0.06, lag=0.03),
    "BCEP": Colour(22_000, -0.4),
    "CEP": Colour(5_800, -1.2, 0.06, lag=0.1),
    "T2CEP": Colour(5_800, -1.0, 0.08, lag=0.08),
    "ACEP": Colour(6_500, -1.1, 0.05, lag=0.08),
    "MIRA": Colour(2_900, -2.2, 0.08, 0.3, lag=0.15),
    "SR": Colour(3_200, -1.8, 0.08, 0.3, lag=0.1),
    "EA": Colour(6_500, -0.05, 0.25, 0.12),
    "EB": Colour(6_500, -0.05, 0.25, 0.1),
    "EW": Colour(5_600, -0.08, 0.12, 0.06),
    "ROT": Colour(4_800, -0.5, 0.1, 0.15),
    "ACV": Colour(9_500, -0.5, 0.1, 0.4),
    "ELL": Colour(6_500, -0.05, 0.2),
    "CV": Colour(11_000, -0.15, 0.2),
    "QSO": Colour(13_000, -0.5, 0.15, 0.2),
    "BLZ": Colour(8_000, -0.1, 0.15, 0.15),
    "TTS": Colour(4_200, -0.7, 0.1, 0.3),
    "RCB": Colour(6_500, -1.2, 0.1),
    "BE": Colour(20_000, 0.3, 0.15, 0.2),
    "ML": Colour(5_000, 0.0, 0.15, 0.0),
    "CONST": Colour(5_500, 0.0, 0.25, 0.0),
}
"""Class name -> colours."""
