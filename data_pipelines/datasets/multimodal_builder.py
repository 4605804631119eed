"""A dataset of objects of several modalities read from files, or a smaller part of it."""

from collections.abc import Iterator
from typing import Any

from data_pipelines.datasets.record_builder import RecordBuilder
from data_pipelines.datasets.survey_builder import PrepareSettings
from data_pipelines.kinds.multimodal.subsets import subset
from data_pipelines.shards.layout import Record
from data_pipelines.splits import SPLITS


class MultimodalBuilder(RecordBuilder):
    """Base of the builders; `--multimodal.subset` keeps a part of every split."""

    kind = "multimodal"

    def __init__(self, *, settings: PrepareSettings | None = None, **kwargs: Any) -> None:
        """As `RecordBuilder`; the objects of the subset are drawn once the splits are known."""
        self._kept: set[str] | None = None
        super().__init__(settings=settings, **kwargs)

    def _subset(self) -> set[str]:
        if self._kept is None:
            part = self.settings.options["multimodal"].subset
            self._kept = set()
            for split in SPLITS:
                labels = {name: self._labels[name] for name, its in self.split_of.items() if its == split}
                self._kept |= subset(labels, part, self.settings.seed)
        return self._kept

    def _generate_examples(self, split: str) -> Iterator[tuple[str, Record]]:
        kept = self._subset()
        yield from ((name, record) for name, record in super()._generate_examples(split) if record["object_id"] in kept)
