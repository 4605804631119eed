"""ASAS-3 variables of the ACVS catalogue (V), 10 machine classes."""

from data_pipelines.datasets.light_curve_builder import LightCurveBuilder


class Builder(LightCurveBuilder):
    """ASAS-3 variables of the ACVS catalogue (V), 10 machine classes."""

    name = "asas_acvs"
    homepage = "https://www.astrouw.edu.pl/asas/"
    citation = "Pojmanski 2002, Acta Astronomica 52, 397"
    band = "V"
    place_arcsec = 15.0  # a pixel
