"""How stars of each class look in several bands: their colours, and how much they vary in each.

Mean colours are those of a black body with dust; how the amplitude goes with wavelength is a power law per class. Of
RR Lyrae it falls as 1 : 0.72 : 0.58 : 0.53 from g to z (Sesar et al. 2010, section 3), which is a power of -1.1; Cepheids and
long-period variables are as in V and I (Klagyivik & Szabados 2009; Soszynski et al. 2009); eclipses are nearly grey.
"""

from dataclasses import dataclass

import numpy as np

from data_pipelines.simulate.passbands import WAVELENGTH, black_body, extinction


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

    def draw(self, rng: np.random.Generator, bands: tuple[str, ...]) -> tuple[dict[str, float], dict[str, float]]:
        """Of one star: magnitudes less that in r, and amplitudes over that in r."""
        temperature = self.temperature * np.exp(self.temperature_spread * rng.normal())
        dust = 3.1 * rng.exponential(0.06)
        power = self.power + self.power_spread * rng.normal()
        at = lambda band: float(black_body(WAVELENGTH[band], temperature) + dust * extinction(WAVELENGTH[band]))
        colours = {band: at(band) - at("r") for band in bands}
        # Below the Balmer jump amplitudes rise no more.
        ratios = {band: float((max(WAVELENGTH[band], 440.0) / WAVELENGTH["r"]) ** power) for band in bands}
        return colours, ratios


COLOURS: dict[str, Colour] = {
    "RRab": Colour(6_600, -1.1, 0.04),
    "RRc": Colour(7_100, -1.1, 0.04),
    "RRd": Colour(6_900, -1.1, 0.04),
    "RRab_BL": Colour(6_600, -1.1, 0.04),
    "DSCT": Colour(7_500, -1.1, 0.06),
    "BCEP": Colour(22_000, -0.4),
    "CEP": Colour(5_800, -1.2, 0.06),
    "T2CEP": Colour(5_800, -1.0, 0.08),
    "ACEP": Colour(6_500, -1.1, 0.05),
    "MIRA": Colour(2_900, -2.2, 0.08, 0.3),
    "SR": Colour(3_200, -1.8, 0.08, 0.3),
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
