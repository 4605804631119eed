"""Stamps of galaxies of CANDELS with votes on their morphology."""

from data_pipelines.datasets.mosaic_builder import MosaicBuilder


class Builder(MosaicBuilder):
    """Galaxies of CANDELS, cut from its mosaics: four Petrosian radii, the fractions of votes of experts."""

    name = "candels_stamps"
    survey = "candels"
