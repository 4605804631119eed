"""Simulated fields of transients with known hosts, for DELIGHT: Sersic galaxies, neighbours, stars, fields without host."""

import dataclasses
from collections.abc import Iterator
from typing import Any

import tensorflow_datasets as tfds

from data_pipelines.cleaning import CleaningReport, Rejection
from data_pipelines.datasets.light_curve_builder import PrepareSettings
from data_pipelines.host_fields import CLASS_NAMES, TRUTH, encode_host_field
from data_pipelines.records import SPLITS
from data_pipelines.simulate.host_fields import FieldSettings, simulate_host_fields
from data_pipelines.splits import assign_splits
from data_pipelines.stamp_records import stamp_features
from lcjax.errors import DataError

LEVELS = 5


class Builder(tfds.core.GeneratorBasedBuilder):
    """Simulated fields; the same (n_objects, seed) gives the same fields. An image takes about 25 ms."""

    name = "simulated_hosts"
    VERSION = tfds.core.Version("1.0.0")
    RELEASE_NOTES = {"1.0.0": "First release."}  # noqa: RUF012 (tfds reads it from the class)

    def __init__(self, *, settings: PrepareSettings | None = None, **kwargs: Any) -> None:
        """Deals the fields to the splits."""
        self.settings = settings or PrepareSettings()
        self.report = CleaningReport()
        self.fields = FieldSettings()
        numbers = {str(number): None for number in range(self.settings.n_objects)}
        self.split_of = assign_splits(numbers, self.settings.fractions, self.settings.seed)
        super().__init__(**kwargs)

    def _info(self) -> tfds.core.DatasetInfo:
        side = 2 * (self.fields.image_size // 2**LEVELS)
        return tfds.core.DatasetInfo(
            builder=self,
            description=f"{__doc__}\n\nSettings: {dataclasses.asdict(self.fields)}",
            features=stamp_features(CLASS_NAMES, TRUTH, (side, side, LEVELS)),
        )

    def _split_generators(self, dl_manager: Any) -> dict[str, Any]:
        present = set(self.split_of.values())
        return {split: self._generate_examples(split) for split in SPLITS if split in present}

    def _generate_examples(self, split: str) -> Iterator[tuple[str, dict[str, Any]]]:
        for number in range(self.settings.n_objects):
            if self.split_of[str(number)] != split:
                continue
            for field in simulate_host_fields(1, self.settings.seed, self.fields, first=number):
                self.report.points_read += 1
                try:
                    record = encode_host_field(field, LEVELS, number)
                except DataError as error:
                    self.report.rejected.append(Rejection(field.field_id, str(error), "simulated"))
                    continue
                self.report.points_kept += 1
                self.report.curves_kept += 1
                yield field.field_id, record
