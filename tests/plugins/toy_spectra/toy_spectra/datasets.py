"""The dataset; TensorFlow is imported with it, so it is apart from the rest."""

from data_pipelines.datasets.record_builder import RecordBuilder


class Builder(RecordBuilder):
    """Your own spectra: text files, the redshift in the first line, fluxes in the others."""

    name = "spectrum_files"
    kind = "spectra"
