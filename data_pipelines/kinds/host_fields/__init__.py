"""Fields of transients: multi-resolution stacks with known hosts for training, images and stamps to find hosts in."""

import importlib.util
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from data_pipelines.kinds.alerts.options import AlertOptions
from data_pipelines.kinds.alerts.records import STAMPS
from data_pipelines.kinds.base import Kind
from data_pipelines.kinds.host_fields.options import HostOptions
from data_pipelines.kinds.reading import Reader, Request
from data_pipelines.sources.alerts.kafka_settings import KafkaSettings

if TYPE_CHECKING:
    from data_pipelines.kinds.description import Description
    from data_pipelines.kinds.host_fields.source import HostFieldSource
    from data_pipelines.shards.manifest import Manifest


class HostFields(Kind):
    """Fields of transients."""

    name = "host_fields"
    unit = "fields"
    layout = STAMPS
    evaluation_rows = 32
    predict_options = {"hosts": HostOptions, "alerts": AlertOptions, "kafka": KafkaSettings}  # noqa: RUF012

    def open_source(
        self, paths: Sequence[Path | str], split: str, batch_size: int, **settings: Any
    ) -> "HostFieldSource":
        """`settings` as in `HostFieldSource`."""
        from data_pipelines.kinds.host_fields.source import HostFieldSource

        return HostFieldSource(paths, split, batch_size, **settings)

    def describe(self, manifest: "Manifest", n_examples: int = 6) -> "Description":
        """As of alerts, whose records these are."""
        from data_pipelines.kinds.alerts.description import describe_stamps

        return describe_stamps(manifest, n_examples, self.unit)

    def reader(self, request: Request) -> Reader:
        """FITS images and alerts as fields."""
        from data_pipelines.kinds.host_fields.reading import FieldReader

        return FieldReader(request)

    def tools(self) -> Mapping[str, Callable[..., Any]]:
        """`examine`: finds the sources of a field and makes its stack; where `sep` is installed."""
        from data_pipelines.kinds.host_fields.stack import examine_field

        return {"examine": examine_field} if importlib.util.find_spec("sep") else {}


KIND = HostFields()
