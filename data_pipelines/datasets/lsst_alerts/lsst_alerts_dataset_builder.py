"""Rubin alerts with their three stamps and diaSource fields."""

from data_pipelines.datasets.alert_builder import AlertBuilder


class Builder(AlertBuilder):
    """Rubin alerts: science, template and difference stamps (30 x 30 pixels, 0.2 arcsec) and the fields of diaSource."""

    name = "lsst_alerts"
    homepage = "https://rubinobservatory.org/for-scientists/data-products/alerts-and-brokers"
    citation = "Bellm et al., Rubin Observatory LDM-612; github.com/lsst/alert_packet"
    survey = "lsst"
