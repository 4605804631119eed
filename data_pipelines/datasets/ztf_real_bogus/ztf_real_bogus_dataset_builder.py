"""Stamps of ZTF alerts as images, real or bogus by a table."""

from data_pipelines.datasets.alert_image_builder import AlertImageBuilder


class Builder(AlertImageBuilder):
    """ZTF alert packets (Masci et al. 2019): template, science and difference, 63 x 63 pixels, labelled by --images.table."""

    name = "ztf_real_bogus"
    homepage = "https://ztf.uw.edu/alerts/public/"
    citation = "Masci et al. 2019, PASP 131, 018003"
    survey = "ztf"
    channels = ("template", "science", "difference")
