"""What every dataset here shares as a tfds builder: settings, the card, and splits by object."""

from abc import abstractmethod
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import tensorflow_datasets as tfds

from data_pipelines.datasets.options import complete_options
from data_pipelines.kinds import find_kind
from data_pipelines.kinds.reading import PrepareSettings
from data_pipelines.kinds.report import Report
from data_pipelines.shards.layout import RecordLayout
from data_pipelines.splits import SPLITS

__all__ = ["PrepareSettings", "SurveyBuilder"]


class SurveyBuilder(tfds.core.GeneratorBasedBuilder):
    """Base of the builders; `Builder(settings=PrepareSettings(...), data_dir=...)`.

    A subclass calls `start` first, sets `split_of` (object -> split) and `report` before it calls this constructor, and gives
    `_features` and, split by split, `_generate_examples`.
    """

    kind: str
    """Kind of data that it makes (see `data_pipelines.kinds`), whose options it understands."""
    VERSION = tfds.core.Version("1.0.0")
    RELEASE_NOTES = {"1.0.0": "First release."}  # noqa: RUF012 (tfds reads it from the class)
    homepage = ""
    citation = ""
    description = ""
    settings: PrepareSettings
    report: Report
    split_of: dict[str, str]

    def start(self, settings: PrepareSettings | None) -> None:
        """Takes the settings, with every option group of the kind of data filled in.

        Raises:
          ConfigError: options that this kind of data does not understand.
        """
        self.settings = complete_options(settings or PrepareSettings(), self.kind, self.name)

    @property
    def layout(self) -> RecordLayout:
        """Of the records; that of the kind of data, unless a dataset has more to hold."""
        return find_kind(self.kind).layout

    def meaning(self) -> dict[str, Any]:
        """What the numbers in the records are, for the manifest, as the kind of data reads it."""
        return {}

    def write_beside(self, folder: Path) -> None:
        """Tables that shall lie beside the shards, where the dataset has any."""
        del folder

    @abstractmethod
    def _features(self) -> tfds.features.FeaturesDict:
        """What one record holds."""

    def _info(self) -> tfds.core.DatasetInfo:
        return tfds.core.DatasetInfo(
            builder=self,
            description=self.description or (type(self).__doc__ or ""),
            features=self._features(),
            homepage=self.homepage or None,
            citation=self.citation or None,
        )

    def _split_generators(self, dl_manager: Any) -> dict[str, Iterator[tuple[str, dict[str, Any]]]]:
        present = set(self.split_of.values())
        return {split: self._generate_examples(split) for split in SPLITS if split in present}
