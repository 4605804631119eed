"""Your own objects of several modalities."""

from data_pipelines.datasets.multimodal_builder import MultimodalBuilder


class Builder(MultimodalBuilder):
    """Light curves, spectra and catalogue columns joined by object id; see the README of this dataset for the layouts."""

    name = "multimodal_files"
