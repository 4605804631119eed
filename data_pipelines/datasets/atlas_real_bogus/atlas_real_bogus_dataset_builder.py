"""Stamps of ATLAS alerts as images, real or bogus by a table."""

from data_pipelines.datasets.alert_image_builder import AlertImageBuilder


class Builder(AlertImageBuilder):
    """ATLAS alert packets: science and difference, 61 x 61 pixels, labelled by --images.table."""

    name = "atlas_real_bogus"
    homepage = "https://atlas.fallingstar.com/"
    citation = "Tonry et al. 2018, PASP 130, 064505"
    survey = "atlas"
    channels = ("science", "difference")
