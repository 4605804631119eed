"""Your own light curves: Parquet (flat, nested lists, nested-pandas, HATS folders), CSV, ECSV, FITS."""

from data_pipelines.datasets.light_curve_builder import LightCurveBuilder


class Builder(LightCurveBuilder):
    """Your own light curves: Parquet (flat, nested lists, nested-pandas, HATS folders), CSV, ECSV, FITS."""

    name = "light_curve_files"
    homepage = ""
    citation = ""
