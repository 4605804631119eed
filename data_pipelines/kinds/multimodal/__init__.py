"""Objects of several modalities: light curve, spectrum, catalogue numbers, stamps, an image of the host, any of which may be missing."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from data_pipelines.kinds.alerts.weak_labels import LabelSettings
from data_pipelines.kinds.base import Kind
from data_pipelines.kinds.multimodal.options import ImageOptions, MultimodalOptions
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
    prepare_options = {  # noqa: RUF012
        "multimodal": MultimodalOptions,
        "stamp_images": ImageOptions,
        "host_images": ImageOptions,
        "labels": LabelSettings,
        "stars": StarSettings,
    }
    predict_options = {  # noqa: RUF012
        "multimodal": MultimodalOptions,
        "stamp_images": ImageOptions,
        "host_images": ImageOptions,
    }

    def open_source(
        self, paths: Sequence[Path | str], split: str, batch_size: int, **settings: Any
    ) -> "MultimodalSource":
        """`settings` as in `ShardSource`."""
        from data_pipelines.kinds.multimodal.source import MultimodalSource

        return MultimodalSource(paths, split, batch_size, **settings)

    def read_files(
        self, paths: Sequence[Path], settings: PrepareSettings, report: Report
    ) -> Iterator[Record | Rejection]:
        """A catalogue with light curves, spectra and images of its objects, alerts, or Parquet files of the published dataset."""
        from data_pipelines.kinds.multimodal.reading import read_objects

        groups = {name: group for name, group in settings.options.items() if name != "multimodal"}
        return read_objects(paths, settings.options.get("multimodal") or MultimodalOptions(), report, groups)


KIND = Multimodal()
