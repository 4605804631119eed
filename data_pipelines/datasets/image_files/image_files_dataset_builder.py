"""Your own images."""

from data_pipelines.datasets.record_builder import RecordBuilder


class Builder(RecordBuilder):
    """Your own images with classes or target numbers: .npz, .npy, Parquet, FITS, PNG, JPEG, and a table of what is known of them."""

    name = "image_files"
    kind = "images"
