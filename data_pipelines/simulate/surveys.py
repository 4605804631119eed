"""The surveys that are simulated: cadence, errors, depth, brightness and class counts of each.

Brightness is a quantile table (5, 25, 50, 75, 95 % and the ends) of the measured median magnitudes. Class counts copy
the imbalance of the published catalogues: contact binaries are half of CRTS, rare classes a few in a thousand.
"""

from dataclasses import dataclass, field

import numpy as np

from data_pipelines.simulate import cadence, errors

QUANTILES = (0.0, 0.05, 0.25, 0.5, 0.75, 0.95, 1.0)


@dataclass(frozen=True)
class Dirt:
    """How often a survey's files have each defect (share of objects, unless said otherwise)."""

    unsorted: float = 0.0
    duplicate_epochs: float = 0.01
    """A few rows repeated, some with another magnitude."""
    duplicate_table: float = 0.0
    """The whole table twice."""
    corrupt_mjd: float = 0.005
    """Some rows with an MJD near -2.4 million."""
    sentinel: float = 0.01
    """Some rows with magnitude and error 99.999."""
    missing_error: float = 0.01
    """Errors NaN, in some rows or in all."""
    not_a_number: float = 0.01
    """Some rows with NaN magnitudes."""
    outliers: float = 0.15
    """A share of about 1 % of the points off by many errors."""
    truncated: float = 0.01
    """Only 1 or 2 points left."""
    time_offset: float = 0.01
    """Times as JD, JD - 2,440,000 or JD - 2,450,000 instead of MJD."""


@dataclass(frozen=True)
class Survey:
    """One survey in one band."""

    name: str
    band: str
    cadence: cadence.Cadence
    errors: errors.ErrorLaw
    magnitudes: tuple[float, float, float, float, float, float, float]
    """Object magnitudes at `QUANTILES` (peak magnitudes where `transient`)."""
    limit: float
    """Magnitude where half of the detections are lost."""
    classes: dict[str, float]
    """Relative numbers of objects."""
    bright: float = -np.inf
    """Brightest magnitude before saturation."""
    dirt: Dirt = field(default_factory=Dirt)

    def draw_magnitude(self, rng: np.random.Generator) -> float:
        """A mean (or peak) magnitude."""
        return float(np.interp(rng.random(), QUANTILES, self.magnitudes))

    def draw_class(self, rng: np.random.Generator) -> str:
        """A class name, by relative number."""
        names = list(self.classes)
        weights = np.array([self.classes[name] for name in names])
        return names[int(rng.choice(len(names), p=weights / weights.sum()))]


CRTS_SSS = Survey(
    "crts_sss",
    "V",
    cadence.crts,
    errors.CRTS,
    (11.5, 12.4, 14.5, 15.7, 16.8, 18.1, 19.0),
    limit=19.8,
    classes={
        "EW": 0.46, "EA": 0.12, "RRab": 0.12, "RRc": 0.10, "ROT": 0.10, "SR": 0.02, "MIRA": 0.015, "RRd": 0.013,
        "EB": 0.02, "RRab_BL": 0.006, "T2CEP": 0.005, "ACEP": 0.004, "DSCT": 0.005, "CEP": 0.001, "CONST": 0.01,
    },
    dirt=Dirt(unsorted=0.95, duplicate_epochs=0.13, corrupt_mjd=0.01),
)  # fmt: skip
ASAS3 = Survey(
    "asas3",
    "V",
    cadence.asas3,
    errors.ASAS3,
    (8.0, 9.5, 11.1, 12.1, 12.9, 13.6, 14.0),
    limit=14.8,
    bright=7.0,
    classes={
        "MIRA": 0.2, "EW": 0.26, "EA": 0.18, "RRab": 0.1, "EB": 0.1, "DSCT": 0.05, "RRc": 0.03, "SR": 0.03,
        "ACV": 0.007, "BCEP": 0.002, "CEP": 0.02, "BE": 0.008, "RCB": 0.002, "ELL": 0.005, "CONST": 0.01,
    },
    dirt=Dirt(duplicate_table=0.29, truncated=0.002),
)  # fmt: skip
HIPPARCOS = Survey(
    "hipparcos",
    "Hp",
    cadence.hipparcos,
    errors.HIPPARCOS,
    (2.5, 4.83, 6.63, 8.47, 10.3, 11.7, 12.2),
    limit=12.9,
    classes={
        "MIRA": 0.12, "SR": 0.14, "CEP": 0.14, "T2CEP": 0.03, "RRab": 0.1, "RRc": 0.03, "DSCT": 0.12, "BCEP": 0.05,
        "EA": 0.08, "EB": 0.04, "EW": 0.03, "ACV": 0.05, "BE": 0.03, "ELL": 0.02, "RCB": 0.01, "CONST": 0.01,
    },
    dirt=Dirt(time_offset=0.5),
)  # fmt: skip
OGLE2 = Survey(
    "ogle2",
    "I",
    cadence.ogle2,
    errors.OGLE2,
    (14.2, 15.4, 16.5, 17.2, 17.9, 19.1, 19.5),
    limit=20.5,
    bright=13.0,
    classes={"CEP": 0.3, "RRab": 0.15, "RRd": 0.12, "EA": 0.12, "EB": 0.08, "EW": 0.05, "SR": 0.12, "T2CEP": 0.05,
             "CONST": 0.01},
    dirt=Dirt(duplicate_epochs=0.02, time_offset=0.2, sentinel=0.05),
)  # fmt: skip
OGLE4 = Survey(
    "ogle4",
    "I",
    cadence.ogle4,
    errors.OGLE4,
    (14.0, 15.7, 17.4, 18.5, 19.4, 20.2, 20.6),
    limit=21.2,
    bright=12.5,
    classes={"ML": 0.7, "SR": 0.05, "EW": 0.08, "RRab": 0.06, "EA": 0.04, "CV": 0.03, "ROT": 0.03, "CONST": 0.04},
    dirt=Dirt(truncated=0.0),
)
ZTF = Survey(
    "ztf",
    "g",
    cadence.ztf,
    errors.ZTF,
    (12.8, 14.0, 14.9, 15.8, 17.0, 18.5, 19.2),
    limit=20.8,
    bright=12.3,
    classes={"EW": 0.25, "EA": 0.08, "RRab": 0.15, "RRc": 0.08, "QSO": 0.15, "BLZ": 0.03, "CV": 0.06, "TTS": 0.06,
             "SR": 0.06, "MIRA": 0.02, "DSCT": 0.04, "CEP": 0.02, "ROT": 0.08, "CONST": 0.02},
)  # fmt: skip
SDSS_S82 = Survey(
    "sdss_s82",
    "g",
    cadence.sdss_s82,
    errors.SDSS_S82,
    (14.2, 14.9, 16.5, 17.6, 18.6, 20.6, 21.2),
    limit=22.5,
    classes={"RRab": 0.76, "RRc": 0.21, "QSO": 0.02, "DSCT": 0.01},
    dirt=Dirt(outliers=0.1),
)
MACHO = Survey(
    "macho",
    "B",
    cadence.macho,
    errors.MACHO,
    (-8.6, -7.83, -7.09, -6.31, -5.56, -4.31, -4.0),
    limit=-3.0,
    classes={"CEP": 0.15, "RRab": 0.25, "RRc": 0.1, "EA": 0.12, "EB": 0.05, "SR": 0.1, "QSO": 0.03, "CONST": 0.2},
)
CATALINA_CSS = Survey(
    "catalina_css",
    "V",
    cadence.catalina_css,
    errors.CATALINA_CSS,
    (14.0, 15.5, 16.9, 17.8, 18.6, 19.4, 20.0),
    limit=20.3,
    classes={"SNIa": 0.2, "SNII": 0.12, "SNIbc": 0.05, "CV": 0.2, "QSO": 0.2, "BLZ": 0.1, "FLARE": 0.08, "NOVA": 0.03,
             "TDE": 0.02},
    dirt=Dirt(unsorted=0.9, duplicate_epochs=0.1, truncated=0.04),
)  # fmt: skip
ZTF_ALERTS = Survey(
    "ztf_alerts",
    "g",
    cadence.ztf_alerts,
    errors.ZTF_ALERTS,
    (16.0, 17.0, 17.9, 18.4, 18.8, 19.3, 19.6),
    limit=20.35,
    classes={"SNIa": 0.72, "SNII": 0.15, "SNIbc": 0.06, "SLSN": 0.02, "TDE": 0.02, "NOVA": 0.03},
    dirt=Dirt(truncated=0.04, missing_error=0.03),
)

SURVEYS: dict[str, Survey] = {
    survey.name: survey
    for survey in (
        CRTS_SSS, ASAS3, ZTF, HIPPARCOS, OGLE2, OGLE4, SDSS_S82, MACHO, CATALINA_CSS, ZTF_ALERTS,
    )
}  # fmt: skip
"""Every survey by name."""

DEFAULT_MIX: dict[str, float] = {
    "crts_sss": 0.36,
    "asas3": 0.28,
    "ztf": 0.08,
    "hipparcos": 0.05,
    "ogle2": 0.05,
    "ogle4": 0.02,
    "sdss_s82": 0.03,
    "macho": 0.04,
    "catalina_css": 0.03,
    "ztf_alerts": 0.06,
}
"""Relative numbers of objects of the embedded default."""
