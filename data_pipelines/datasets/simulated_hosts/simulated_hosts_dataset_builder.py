"""Simulated fields of transients with known hosts, for DELIGHT: Sersic galaxies, neighbours, stars, fields without host."""

import dataclasses
from collections.abc import Iterator
from functools import partial
from typing import Any

import tensorflow_datasets as tfds

from data_pipelines.datasets.survey_builder import PrepareSettings, SurveyBuilder
from data_pipelines.kinds.alerts.records import stamp_features
from data_pipelines.kinds.host_fields.source import CLASS_NAMES, TRUTH, encode_host_field
from data_pipelines.kinds.report import RecordReport
from data_pipelines.processes import Processes
from data_pipelines.shards.layout import Record
from data_pipelines.simulate.host_fields import FieldSettings, simulate_host_field
from data_pipelines.splits import assign_splits
from lcjax.errors import DataError, Rejection

LEVELS = 5


class Builder(SurveyBuilder):
    """Simulated fields; the same (n_objects, seed) gives the same fields. An image takes about 25 ms."""

    name = "simulated_hosts"
    kind = "host_fields"
    report: RecordReport

    def __init__(self, *, settings: PrepareSettings | None = None, **kwargs: Any) -> None:
        """Deals the fields to the splits."""
        self.start(settings)
        self.report = RecordReport("fields")
        self.fields = FieldSettings()
        self.description = f"{__doc__}\n\nSettings: {dataclasses.asdict(self.fields)}"
        numbers = {str(number): None for number in range(self.settings.n_objects)}
        self.split_of = assign_splits(numbers, self.settings.fractions, self.settings.seed)
        super().__init__(**kwargs)

    def _features(self) -> tfds.features.FeaturesDict:
        side = 2 * (self.fields.image_size // 2**LEVELS)
        return stamp_features(CLASS_NAMES, TRUTH, (side, side, LEVELS))

    def _generate_examples(self, split: str) -> Iterator[tuple[str, dict[str, Any]]]:
        numbers = (n for n in range(self.settings.n_objects) if self.split_of[str(n)] == split)
        with Processes(self.settings.processes) as processes:
            for found in processes.map(partial(_record, self.settings.seed, self.fields), numbers):
                self.report.read += 1
                if isinstance(found, Rejection):
                    self.report.rejected.append(found)
                    continue
                self.report.kept += 1
                yield found["object_id"], found


def _record(seed: int, settings: FieldSettings, number: int) -> Record | Rejection:
    field = simulate_host_field(number, seed, settings)
    try:
        return encode_host_field(field, LEVELS, number)
    except DataError as error:
        return Rejection(field.field_id, str(error), "simulated")
