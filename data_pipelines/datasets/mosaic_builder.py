"""A dataset of stamps that are cut from the mosaics of a survey of galaxies."""

from collections.abc import Iterator

from data_pipelines.datasets.record_builder import RecordBuilder
from data_pipelines.kinds.images.mosaic_catalogues import MosaicSettings
from data_pipelines.kinds.images.mosaics import read_mosaics
from data_pipelines.kinds.report import Report
from data_pipelines.shards.layout import Record
from lcjax.errors import DataError, Rejection


class MosaicBuilder(RecordBuilder):
    """Base of the builders; a galaxy is in one split with all its bands."""

    kind = "images"
    survey: str
    """As records call it."""

    def _read(self, report: Report) -> Iterator[Record | Rejection]:
        if not self.settings.sources:
            raise DataError(f"dataset '{self.name}' needs the mosaics of the survey: give them with --source")
        asked = self.settings.options.get("mosaics") or MosaicSettings()
        return read_mosaics(self.settings.sources, asked, report, self.survey)
