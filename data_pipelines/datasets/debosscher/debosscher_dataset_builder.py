"""Hipparcos and OGLE-II training set of Debosscher et al. 2007, 26 labels."""

from data_pipelines.datasets.light_curve_builder import LightCurveBuilder


class Builder(LightCurveBuilder):
    """Hipparcos and OGLE-II training set of Debosscher et al. 2007, 26 labels."""

    name = "debosscher"
    homepage = "https://github.com/longjp/lightcurves"
    citation = "Debosscher et al. 2007, A&A 475, 1159"
