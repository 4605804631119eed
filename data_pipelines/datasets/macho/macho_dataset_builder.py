"""MACHO light curves in the survey's own archives (B and R, instrumental magnitudes)."""

from data_pipelines.datasets.light_curve_builder import LightCurveBuilder


class Builder(LightCurveBuilder):
    """MACHO light curves in the survey's own archives (B and R, instrumental magnitudes)."""

    name = "macho"
    homepage = "https://macho.nci.org.au"
    citation = "Alcock et al. 1997, ApJ 486, 697"
    suffixes = (".mjd", ".tar.bz2", ".tar.gz", ".tar")
