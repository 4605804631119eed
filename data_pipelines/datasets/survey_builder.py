"""What every dataset here shares as a tfds builder: settings, the card, and splits by object."""

from abc import abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import tensorflow_datasets as tfds

from data_pipelines.kinds.alerts.settings import AlertSettings
from data_pipelines.kinds.alerts.weak_labels import LabelSettings
from data_pipelines.kinds.light_curves.cleaning import CleaningSettings
from data_pipelines.kinds.light_curves.records import SPLITS
from data_pipelines.sources import ColumnNames


@dataclass(frozen=True)
class PrepareSettings:
    """What a builder is asked for."""

    sources: tuple[Path, ...] = ()
    columns: ColumnNames = field(default_factory=ColumnNames)
    cleaning: CleaningSettings = field(default_factory=CleaningSettings)
    fractions: tuple[float, float, float] = (0.8, 0.1, 0.1)
    seed: int = 0
    n_objects: int = 3000
    """Simulated datasets only."""
    alerts: AlertSettings = field(default_factory=AlertSettings)
    labels: LabelSettings = field(default_factory=LabelSettings)
    """Alert datasets only, both."""
    processes: int = 0
    """That share the work of simulated_hosts; the records are the same. They are spawned, so a script that asks for some needs
    `if __name__ == "__main__"`."""


class SurveyBuilder(tfds.core.GeneratorBasedBuilder):
    """Base of the builders; `Builder(settings=PrepareSettings(...), data_dir=...)`.

    A subclass sets `split_of` (object -> split) before it calls this constructor, and gives `_features` and, split by
    split, `_generate_examples`.
    """

    VERSION = tfds.core.Version("1.0.0")
    RELEASE_NOTES = {"1.0.0": "First release."}  # noqa: RUF012 (tfds reads it from the class)
    homepage = ""
    citation = ""
    description = ""
    split_of: dict[str, str]

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
