"""What a simulated survey of light curves is asked for: `lcjax data prepare simulated --simulation...`."""

from dataclasses import dataclass


@dataclass(frozen=True)
class SimulationSettings:
    """Of the dataset `simulated` alone."""

    surveys: tuple[str, ...] = ()
    """Which surveys, in equal numbers: of one band and with the defects of real files `crts_sss`, `asas3`, `ztf`, `hipparcos`,
    `ogle2`, `ogle4`, `sdss_s82`, `macho`, `catalina_css`, `ztf_alerts`; of several bands and as fluxes, negative ones among
    them, `rubin` and `ztf_gri`. None: a mixture of those of one band."""
    label_noise: float = 0.1
    """Share of labels that name another class."""
    dirt: bool = True
    """Put the defects of survey files in (surveys of one band)."""
