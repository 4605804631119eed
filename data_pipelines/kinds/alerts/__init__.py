"""Alerts of surveys: stamps and metadata of one detection a record."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from data_pipelines.kinds.alerts.options import AlertOptions
from data_pipelines.kinds.alerts.records import STAMPS
from data_pipelines.kinds.alerts.settings import AlertSettings
from data_pipelines.kinds.alerts.weak_labels import LabelSettings
from data_pipelines.kinds.base import Kind
from data_pipelines.kinds.reading import Reader, Request
from data_pipelines.kinds.star_settings import StarSettings
from data_pipelines.sources.alerts.kafka_settings import KafkaSettings

if TYPE_CHECKING:
    from data_pipelines.kinds.alerts.source import StampSource
    from data_pipelines.kinds.description import Description
    from data_pipelines.shards.manifest import Manifest


class Alerts(Kind):
    """Alerts with their stamps."""

    name = "alerts"
    unit = "alerts"
    layout = STAMPS
    takes_labels = True
    prepare_options = {"alerts": AlertSettings, "labels": LabelSettings, "stars": StarSettings}  # noqa: RUF012
    predict_options = {"alerts": AlertOptions, "kafka": KafkaSettings}  # noqa: RUF012

    def open_source(self, paths: Sequence[Path | str], split: str, batch_size: int, **settings: Any) -> "StampSource":
        """`settings` as in `StampSource`: `balance`, `metadata_names` and `labels` among them."""
        from data_pipelines.kinds.alerts.source import StampSource

        return StampSource(paths, split, batch_size, **settings)

    def describe(self, manifest: "Manifest", n_examples: int = 6) -> "Description":
        """Classes, stamps, dates, the sky, every metadata column."""
        from data_pipelines.kinds.alerts.description import describe_stamps

        return describe_stamps(manifest, n_examples)

    def reader(self, request: Request) -> Reader:
        """Packets, files, shards and messages as entries for a network."""
        from data_pipelines.kinds.alerts.reading import AlertReader

        return AlertReader(request)


KIND = Alerts()
