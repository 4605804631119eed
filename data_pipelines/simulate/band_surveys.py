"""The surveys of several bands: bands, depths, cadence, and what is in them."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from data_pipelines.kinds.light_curves.fluxes import COMMON_ZERO_POINT
from data_pipelines.simulate import band_cadence
from data_pipelines.simulate.colours import COLOURS
from data_pipelines.simulate.supernovae import EXPLOSIONS

GAMMA = 0.039
"""Of the noise of a visit (Ivezic et al. 2019, eq. 5)."""


@dataclass(frozen=True)
class MultibandSurvey:
    """One survey."""

    name: str
    depth: Mapping[str, float]
    """Magnitude of five standard deviations in a median visit, by band."""
    cadence: band_cadence.BandCadence
    systematic: float
    """Least relative error, mag."""
    saturation: float
    """mag."""
    magnitudes: tuple[float, float]
    """Of stars in r: numbers grow as 10^(0.2 m) between these."""
    classes: Mapping[str, float]
    """Relative numbers of objects: what the survey's alerts and variables are, roughly."""

    def noise(self, flux: np.ndarray, band: str, deeper: np.ndarray | float = 0.0) -> np.ndarray:
        """Standard deviation of fluxes (N,) of true values `flux`, uJy: sky, photons and calibration.

        Args:
          deeper: mag by which a visit is deeper than the median one, (N,).
        """
        faintest = 10 ** (-0.4 * (self.depth[band] + deeper - COMMON_ZERO_POINT))
        light = np.maximum(flux, 0.0)
        random = (0.04 - GAMMA) * light * faintest + GAMMA * faintest**2
        return np.sqrt(random / 1.0857**2 + (self.systematic / 1.0857 * light) ** 2)

    @staticmethod
    def known_classes() -> tuple[str, ...]:
        """That any of these surveys can have."""
        return (*COLOURS, *EXPLOSIONS)


STARS = {
    "EW": 0.2, "EA": 0.07, "EB": 0.05, "RRab": 0.1, "RRc": 0.05, "DSCT": 0.05, "CEP": 0.02, "T2CEP": 0.01, "SR": 0.03, "MIRA": 0.01,
    "ROT": 0.08, "QSO": 0.1, "BLZ": 0.02, "CV": 0.02, "TTS": 0.02, "BE": 0.01, "ML": 0.01, "CONST": 0.03,
}  # fmt: skip
RUBIN = MultibandSurvey(
    "rubin",
    {"u": 23.8, "g": 24.8, "r": 24.4, "i": 23.9, "z": 23.3, "y": 22.4},
    band_cadence.rubin,
    systematic=0.005,
    saturation=16.0,
    magnitudes=(17.0, 23.5),
    classes={**STARS, "SNIa": 0.08, "SNII": 0.06, "SNIbc": 0.02, "SLSN": 0.005, "TDE": 0.005},
)
ZTF_MULTIBAND = MultibandSurvey(
    "ztf_gri",
    {"g": 20.8, "r": 20.6, "i": 19.9},
    band_cadence.ztf_gri,
    systematic=0.012,
    saturation=12.5,
    magnitudes=(13.5, 19.5),
    classes={**STARS, "SNIa": 0.15, "SNII": 0.04, "SNIbc": 0.01, "TDE": 0.003},
)
SDSS_MULTIBAND = MultibandSurvey(
    "sdss_ugriz",
    {"u": 22.0, "g": 23.1, "r": 22.7, "i": 22.2, "z": 20.7},
    band_cadence.sdss_ugriz,
    systematic=0.01,
    saturation=14.0,
    magnitudes=(14.5, 20.5),
    classes={"RRab": 0.4, "RRc": 0.13, "EW": 0.1, "EA": 0.03, "DSCT": 0.06, "QSO": 0.2, "CONST": 0.08},
)
MULTIBAND: dict[str, MultibandSurvey] = {survey.name: survey for survey in (RUBIN, ZTF_MULTIBAND, SDSS_MULTIBAND)}
"""Every survey by name."""
