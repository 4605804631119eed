"""A dataset of any kind of data that reads its records from files: `Kind.read_files`, splits by object, shards.

A whole builder of such a dataset:

    class Builder(RecordBuilder):
        \"\"\"Spectra of the survey X.\"\"\"

        name = "survey_x"
        kind = "spectra"

Two kinds of pass are made: the first reads everything, fills the report and learns classes, metadata and shapes; then each
split is written. No pass holds more than one record.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import tensorflow_datasets as tfds

from data_pipelines.datasets.star_splits import split_by_star
from data_pipelines.datasets.survey_builder import PrepareSettings, SurveyBuilder
from data_pipelines.kinds import find_kind
from data_pipelines.kinds.report import RecordReport, Report
from data_pipelines.kinds.star_settings import StarSettings
from data_pipelines.shards.layout import Record, flattened
from data_pipelines.shards.stars import PLACE_ARCSEC, note_place, write_stars
from lcjax.errors import DataError, Rejection


class RecordBuilder(SurveyBuilder):
    """Base of the builders of kinds that have `read_files`; an object's records are all in one split, as are those of objects
    at one place, where the records say where they are: `ra` and `dec`, degrees, among the layout's `exact`.
    """

    place_arcsec = PLACE_ARCSEC
    """Within which the places of one object lie, unless --stars.arcsec says."""

    def __init__(self, *, settings: PrepareSettings | None = None, **kwargs: Any) -> None:
        """Runs the first pass, so that classes, shapes and splits are known."""
        self.start(settings)
        self._kind = find_kind(self.kind)
        report = self.report = RecordReport(self._kind.unit)
        self._labels: dict[str, str | None] = {}
        self._classes: set[str] = set()
        self._metadata: dict[str, None] = {}
        self._shapes: dict[str, set[tuple[int, ...]]] = {}
        self._places: dict[str, tuple[float, float]] = {}
        for found in self._read(report):
            report.count(found)
            if not isinstance(found, Rejection):
                self._learn(found)
        if not self._labels:
            detail = f"; the first reason: {report.rejected[0].reason}" if report.rejected else ""
            raise DataError(
                f"dataset '{self.name}' has no usable {report.unit}: {len(report.rejected)} rejected{detail}"
            )
        self.class_names = sorted(self._classes)
        asked = self.settings.options.get("stars") or StarSettings()
        found_splits = split_by_star(self._labels, self._places, asked, self.place_arcsec, self._assign, same_ids=True)
        self.split_of, self.stars, report.splits = found_splits.split_of, found_splits.stars, found_splits.counts
        super().__init__(**kwargs)

    def write_beside(self, folder: Path) -> None:
        """The objects, with places and splits."""
        write_stars(folder, self.stars)

    def _assign(self, labels: Mapping[str, str | None], star_of: Mapping[str, str]) -> dict[str, str]:
        """Name of a star -> split; for datasets with splits of their own."""
        return self.settings.assign_by_fractions(labels, star_of)

    def _read(self, report: Report) -> Iterator[Record | Rejection]:
        if not self.settings.sources:
            raise DataError(f"dataset '{self.name}' needs files of {self._kind.unit}: give them with --source")
        return self._kind.read_files(self.settings.sources, self.settings, report)

    def _learn(self, record: Record) -> None:
        """An object is split by the label of its first labelled record; each record keeps its own."""
        name = self._class_name(record)
        self._labels[record["object_id"]] = self._labels.get(record["object_id"]) or name
        self._classes |= {name} if name else set()
        if {"ra", "dec"} <= set(self._kind.layout.exact):
            note_place(self._places, record["object_id"], float(record["ra"]), float(record["dec"]))
        self._metadata |= dict.fromkeys(record.get("metadata", {}))
        for name, shape in self._kind.layout.series.items():
            if len(shape) > 1:
                self._shapes.setdefault(name, set()).add(record[name].shape)

    def _class_name(self, record: Record) -> str | None:
        """None where the record is unlabelled. A number is no name: the classes are numbered here, over all the files."""
        label = record["label"]
        if isinstance(label, int) and label >= 0:
            raise DataError(
                f"dataset '{self.name}', {self._kind.unit} of object '{record['object_id']}': the label is the number {label}; "
                "`read_files` gives the names of classes"
            )
        return label if isinstance(label, str) and label else None

    @property
    def _one_shape(self) -> dict[str, tuple[int, ...]]:
        return {name: next(iter(shapes)) for name, shapes in self._shapes.items() if len(shapes) == 1}

    def _features(self) -> tfds.features.FeaturesDict:
        return self._kind.layout.features(self.class_names, tuple(self._metadata), self._one_shape)

    def _generate_examples(self, split: str) -> Iterator[tuple[str, Record]]:
        number = {name: i for i, name in enumerate(self.class_names)}
        flat = [name for name in self._shapes if name not in self._one_shape]
        seen: Counter[str] = Counter()
        for record in self._read(RecordReport()):
            if isinstance(record, Rejection) or self.split_of[record["object_id"]] != split:
                continue
            seen[record["object_id"]] += 1
            numbers = record.get("metadata", {})
            metadata = {name: numbers.get(name, float("nan")) for name in self._metadata}
            changed = flattened(record, flat) | {"label": number.get(self._class_name(record) or "", -1)}
            # tfds wants a name for every record, and an object may have several.
            yield (
                f"{record['object_id']}\t{seen[record['object_id']]}",
                changed | ({"metadata": metadata} if metadata else {}),
            )
