"""Records as items for a model: what kinds of data without a reader of their own give."""

import itertools
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from data_pipelines.kinds.reading import PrepareSettings, Reader, Request
from data_pipelines.kinds.report import RecordReport, counted
from data_pipelines.shards.layout import Record
from data_pipelines.shards.manifest import find_datasets, read_manifest
from data_pipelines.shards.records import holds_shards, shard_records
from data_pipelines.sources.folders import check_there
from lcjax.errors import DataError, Rejection

if TYPE_CHECKING:
    from data_pipelines.kinds.base import Kind


class RecordReader(Reader):
    """Records in input order, as `RecordLayout.encode` makes them, with names of classes as labels.

    Shards are read as they are: train, validation, test. Everything else goes to `Kind.read_files`.
    """

    def __init__(self, kind: "Kind", request: Request) -> None:
        """Reads nothing yet."""
        self._kind, self._request = kind, request
        self.report = RecordReport(kind.unit)

    def items(self, inputs: Sequence[str]) -> Iterator[Record | Rejection]:
        """Records and rejections."""
        paths = [Path(name) for name in inputs]
        for path in paths:
            check_there(path)
        for shards, group in itertools.groupby(paths, holds_shards):
            read = self._shards if shards else self._files
            for item in read(list(group)):
                self.report.count(item)
                yield item

    def _files(self, paths: list[Path]) -> Iterator[Record | Rejection]:
        settings = PrepareSettings(sources=tuple(paths), options=self._request.options)
        return self._kind.read_files(paths, settings, self.report)

    def _shards(self, paths: list[Path]) -> Iterator[Record]:
        layout = self._kind.layout
        for folder in find_datasets(paths):
            manifest = read_manifest(folder)
            if manifest.kind != layout.kind:
                raise DataError(
                    f"'{folder}' holds {manifest.kind.replace('_', ' ')}, and this model reads {self._kind.unit}"
                )
            names = manifest.class_names
            yield from shard_records(manifest, lambda features, names=names: layout.decode(features, names))

    def sentences(self) -> list[str]:
        """Files set aside."""
        files = dict.fromkeys(self.report.bad_files, 1)
        return [f"files set aside: {counted(files)}"] if files else []
