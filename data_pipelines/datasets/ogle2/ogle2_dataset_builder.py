"""OGLE-II light curves in the survey's text files (I)."""

from data_pipelines.datasets.light_curve_builder import LightCurveBuilder


class Builder(LightCurveBuilder):
    """OGLE-II light curves in the survey's text files (I)."""

    name = "ogle2"
    homepage = "https://ogle.astrouw.edu.pl"
    citation = "Udalski et al. 1997, Acta Astronomica 47, 319"
    band = "I"
    suffixes = (".dat",)
