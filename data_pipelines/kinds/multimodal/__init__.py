"""Objects of several modalities: light curve, spectrum, catalogue numbers, any of which may be missing."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from data_pipelines.kinds.base import Kind
from data_pipelines.kinds.multimodal.options import MultimodalOptions
from data_pipelines.kinds.multimodal.records import MULTIMODAL
from data_pipelines.kinds.reading import PrepareSettings
from data_pipelines.kinds.report import Report
from data_pipelines.kinds.star_settings import StarSettings
from data_pipelines.shards.layout import Record
from lcjax.errors import Rejection

if TYPE_CHECKING:
    from data_pipelines.kinds.multimodal.source import MultimodalSource


class Multimodal(Kind):
    """Objects of several modalities."""

    name = "multimodal"
    unit = "objects of several modalities"
    layout = MULTIMODAL
    simulated = "simulated_multimodal"
    prepare_options = {"multimodal": MultimodalOptions, "stars": StarSettings}  # noqa: RUF012
    predict_options = {"multimodal": MultimodalOptions}  # noqa: RUF012

    def open_source(
        self, paths: Sequence[Path | str], split: str, batch_size: int, **settings: Any
    ) -> "MultimodalSource":
        """`settings` as in `ShardSource`."""
        from data_pipelines.kinds.multimodal.source import MultimodalSource

        return MultimodalSource(paths, split, batch_size, **settings)

    def read_files(
        self, paths: Sequence[Path], settings: PrepareSettings, report: Report
    ) -> Iterator[Record | Rejection]:
        """A catalogue with light curves and spectra of its objects, or Parquet files of the published dataset."""
        from data_pipelines.kinds.multimodal.reading import read_objects

        return read_objects(paths, settings.options.get("multimodal") or MultimodalOptions(), report)


KIND = Multimodal()
