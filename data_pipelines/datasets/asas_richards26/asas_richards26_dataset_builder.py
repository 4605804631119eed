"""ASAS-3 training set of Richards et al. 2012 (V), 28 long-tail labels."""

from data_pipelines.datasets.light_curve_builder import LightCurveBuilder


class Builder(LightCurveBuilder):
    """ASAS-3 training set of Richards et al. 2012 (V), 28 long-tail labels."""

    name = "asas_richards26"
    homepage = "https://github.com/cesium-ml/cesium-data"
    citation = "Richards et al. 2012, ApJS 203, 32"
    band = "V"
