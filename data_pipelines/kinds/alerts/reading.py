"""Alerts of files, folders, prepared shards and streams, as a stamp classifier takes them; decoded in processes beside."""

import itertools
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from data_pipelines.kinds.alerts.entries import StampEntries, StampEntry
from data_pipelines.kinds.alerts.options import AlertOptions
from data_pipelines.kinds.alerts.records import STAMPS, decode_alert
from data_pipelines.kinds.reading import Reader, Request
from data_pipelines.shards.manifest import find_datasets, read_manifest
from data_pipelines.shards.records import holds_shards, shard_records
from data_pipelines.sources.alerts import STAMP_NAMES, Alert, SchemaSet, cut_alerts
from data_pipelines.sources.alerts.decoders import Decoders
from lcjax.errors import DataError, Rejection

REJECTION_COLUMNS = ("object_id", "alert_id", "reason", "origin")


class AlertReader(Reader):
    """Entries of alerts, in order.

    The request takes `metadata`, the columns that the network needs, `columns`, those wanted besides, and `surveys`, those whose
    alerts it may be asked about.
    """

    rejection_columns = REJECTION_COLUMNS

    def __init__(self, request: Request) -> None:
        """Starts nothing: processes start when there is enough to do."""
        options: AlertOptions = request.options.get("alerts") or AlertOptions()
        metadata = tuple(request.takes["metadata"])
        surveys = () if options.any_survey else tuple(request.takes.get("surveys", ()))
        columns = (*metadata, *request.takes.get("columns", ()))
        entries = StampEntries(metadata, columns, surveys, options.size != "nominal")
        schemas = SchemaSet(options.schemas)
        self._decoders = Decoders(request.processes, options.rules(STAMP_NAMES), schemas, entries)

    def items(self, inputs: Sequence[str]) -> Iterator[StampEntry | Rejection]:
        """Entries and rejections."""
        for shards, group in itertools.groupby(map(Path, inputs), holds_shards):
            paths = list(group)
            found = _shard_alerts(paths) if shards else cut_alerts(paths, self._decoders.rules)
            yield from self._decoders.map(found)

    def decoded(self, messages: Iterable[Any]) -> Iterator[StampEntry | Rejection]:
        """Entries and rejections of messages."""
        return self._decoders.map(messages)


def _shard_alerts(paths: list[Path]) -> Iterator[Alert]:
    for folder in find_datasets(paths):
        manifest = read_manifest(folder)
        if manifest.kind != STAMPS.kind:
            raise DataError(f"'{folder}' holds {manifest.kind.replace('_', ' ')}, and this model classifies stamps")
        yield from shard_records(manifest, lambda features, folder=folder: decode_alert(features, str(folder)))
