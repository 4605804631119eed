"""Your own tables of features: Parquet, CSV, ECSV, FITS, one row an object."""

from data_pipelines.datasets.record_builder import RecordBuilder


class Builder(RecordBuilder):
    """Your own tables of features: Parquet, CSV, ECSV, FITS, one row an object."""

    name = "feature_tables"
    kind = "tables"
