"""Stamps of galaxies of CLASH with votes on their morphology."""

from data_pipelines.datasets.mosaic_builder import MosaicBuilder


class Builder(MosaicBuilder):
    """Galaxies of CLASH, cut from its mosaics: four Petrosian radii, the fractions of votes of experts."""

    name = "clash_stamps"
    survey = "clash"
