"""What a simulated survey of light curves is asked for: `lcjax data prepare simulated --simulation...`."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class SimulationSettings:
    """Of the dataset `simulated` alone."""

    surveys: tuple[str, ...] = ()
    """Which surveys, in equal numbers: of one band and with the defects of real files `crts_sss`, `asas3`, `ztf`, `hipparcos`,
    `ogle2`, `ogle4`, `sdss_s82`, `macho`, `catalina_css`, `ztf_alerts`; of several bands and as fluxes, negative ones among
    them, `rubin`, `ztf_gri` and `sdss_ugriz`. None: a mixture of those of one band."""
    label_noise: float = 0.1
    """Share of labels that name another class."""
    dirt: bool = True
    """Put the defects of survey files in (surveys of one band)."""
    classes: tuple[str, ...] = ()
    """Classes and their relative numbers, such as `RRab=3 EW=1`; none: as frequent as in each survey."""
    shapes: tuple[str, ...] = ()
    """Real stars whose shapes, periods and lags between bands simulated stars have: light curves with classes and periods, or fits
    that `lcjax data shapes` made of them. Classes that are not among them are as ever."""
    templates: tuple[str, ...] = ()
    """Spectral templates of supernovae (several bands), such as `SNIa=hsiao` (a source of sncosmo) or `SNII=sed.dat` (a file of
    day, wavelength in Angstrom, flux); none: black bodies that cool."""
    fluxes: Literal["total", "difference"] = "total"
    """Several bands: fluxes of the object, or what is left of it when a reference image is taken off."""
