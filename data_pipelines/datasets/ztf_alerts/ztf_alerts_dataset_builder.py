"""ZTF alerts with their three stamps and candidate features."""

from data_pipelines.datasets.alert_builder import AlertBuilder


class Builder(AlertBuilder):
    """ZTF alerts: science, template and difference stamps (63 x 63 pixels, 1 arcsec) and the candidate's fields."""

    name = "ztf_alerts"
    homepage = "https://www.ztf.caltech.edu/"
    citation = "Masci et al. 2019, PASP 131, 018003; Patterson et al. 2019, PASP 131, 018001"
    survey = "ztf"
