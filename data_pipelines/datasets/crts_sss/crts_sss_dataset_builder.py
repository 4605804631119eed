"""CRTS Siding Springs Survey periodic variables (V), 13 classes."""

from data_pipelines.datasets.light_curve_builder import LightCurveBuilder


class Builder(LightCurveBuilder):
    """CRTS Siding Springs Survey periodic variables (V), 13 classes."""

    name = "crts_sss"
    homepage = "http://crts.caltech.edu"
    citation = "Drake et al. 2017, MNRAS 469, 3688"
    band = "V"
