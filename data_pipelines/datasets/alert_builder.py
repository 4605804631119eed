"""What the alert datasets share: read packets, check stamps, label weakly, split by object, write stamp records.

Two kinds of pass are made: the first reads everything, fills the report and learns classes, columns and shapes; then each
split is written. No pass holds more than one alert's stamps.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import tensorflow_datasets as tfds

from data_pipelines.datasets.star_splits import split_by_star
from data_pipelines.datasets.survey_builder import PrepareSettings, SurveyBuilder
from data_pipelines.kinds.alerts.choice import choose_alerts, label_objects, objects_within_caps, parse_caps
from data_pipelines.kinds.alerts.label_tables import ContradictoryLabelsError
from data_pipelines.kinds.alerts.records import alert_columns, encode_alert, stamp_features
from data_pipelines.kinds.alerts.settings import AlertReport, AlertSettings
from data_pipelines.kinds.alerts.weak_labels import Labeler
from data_pipelines.kinds.star_settings import StarSettings
from data_pipelines.shards.layout import flattened
from data_pipelines.shards.stars import PLACE_ARCSEC, note_place, write_stars
from data_pipelines.sources.alerts import Alert, SchemaSet, read_alerts
from data_pipelines.splits import assign_per_class
from lcjax.errors import ConfigError, DataError, Rejection
from lcjax.files import printable


class AlertBuilder(SurveyBuilder):
    """Base of the alert builders; `Builder(settings=PrepareSettings(...), data_dir=...)`."""

    kind = "alerts"
    report: AlertReport
    survey = ""
    """Alerts of other surveys are rejected."""
    place_arcsec = PLACE_ARCSEC
    """Within which the survey's places of one object lie, unless --stars.arcsec says."""

    def __init__(self, *, settings: PrepareSettings | None = None, **kwargs: Any) -> None:
        """Runs the first pass, so that classes, columns, shapes and splits are known."""
        self.start(settings)
        asked = self.alerts
        self.report = AlertReport(choices={"keep": asked.keep, "per_class": asked.per_class, "cap": asked.cap})
        self._rules = asked.rules()
        self._labeler = Labeler(self.settings.options["labels"])
        self._labels: dict[tuple[str, int], str] = {}
        self._places: dict[str, tuple[float, float]] = {}
        self._first_pass()
        self.class_names = self._class_names()
        self.split_of = self._splits()
        super().__init__(**kwargs)

    @property
    def alerts(self) -> AlertSettings:
        """Which alerts and stamps are asked for."""
        return self.settings.options["alerts"]

    def _read(self, report: AlertReport | None = None) -> Iterator[Alert | Rejection]:
        if not self.settings.sources:
            raise DataError(f"dataset '{self.name}' needs alert files: give them with --source")
        schemas = SchemaSet(self.alerts.schemas)
        other = (lambda path: report.other_files.__setitem__(printable(path), None)) if report else None
        seen: set[tuple[str, int]] = set()
        for found in read_alerts(self.settings.sources, rules=self._rules, schemas=schemas, on_other=other):
            if isinstance(found, Alert):
                found = self._acceptable(found, seen)
            yield found

    def _acceptable(self, alert: Alert, seen: set[tuple[str, int]]) -> Alert | Rejection:
        """The alert, unless it is of another survey, has unequal stamps, or came before."""
        key, reason = (alert.object_id, alert.alert_id), ""
        if alert.survey not in ("", self.survey):
            reason = f"another survey: {alert.survey}"
        elif len({stamp.pixels.shape for stamp in alert.stamps.values()}) > 1:
            reason = "stamp size: the stamps of one alert differ"
        elif key in seen:
            reason = "alert repeated: the first one is kept"
        if reason:
            return Rejection(alert.object_id, reason, alert.origin, alert.alert_id)
        seen.add(key)
        return alert

    def _first_pass(self) -> None:
        report, times, names, shapes = self.report, {}, {}, {}
        rule_of: dict[tuple[str, int], str] = {}
        missing: set[tuple[str, int]] = set()
        for found in self._read(report):
            report.alerts_read += 1
            if isinstance(found, Rejection):
                report.rejected.append(found)
                continue
            key = (found.object_id, found.alert_id)
            try:
                label, rule = self._labeler(found)
            except ContradictoryLabelsError as error:
                report.rejected.append(Rejection(found.object_id, str(error), found.origin, found.alert_id))
                continue
            self._labels[key], rule_of[key] = label or "", rule
            names |= dict.fromkeys(alert_columns(found))
            shapes[key] = (*found.stamps[self._rules.need[0]].pixels.shape, len(self._rules.need))
            if found.missing_pixels:
                missing.add(key)
            times[key] = found.mjd
            note_place(self._places, found.object_id, found.ra, found.dec)
        report.label_tables = self._labeler.tables()
        if not self._labels:
            detail = f"; the first reason: {report.rejected[0].reason}" if report.rejected else ""
            raise DataError(f"dataset '{self.name}' has no usable alert: {len(report.rejected)} rejected{detail}")
        self._choose(times)
        self._metadata = tuple(sorted(names))
        self._shapes = {shapes[key] for key in self._labels}
        report.alerts_kept, report.objects = len(self._labels), len(self._object_labels)
        report.with_missing_pixels = len(missing & self._labels.keys())
        report.labels.update(f"{v} ({rule_of[k]})" if v else "unlabelled" for k, v in self._labels.items())

    def _choose(self, times: dict[tuple[str, int], float]) -> None:
        """Leaves out what --alerts.cap and --alerts.keep say."""
        asked, seed, left_out = self.alerts, self.settings.seed, self.report.left_out
        labels = label_objects(self._labels)
        objects = objects_within_caps(labels, parse_caps(asked.cap), seed)
        left_out["objects above --alerts.cap"] = sum(key[0] not in objects for key in times)
        times = {key: time for key, time in times.items() if key[0] in objects}
        if not times:
            raise DataError(f"dataset '{self.name}' is empty: --alerts.cap {' '.join(asked.cap)} leaves no object")
        chosen = choose_alerts(times, asked.keep, seed)
        left_out[f"other alerts of an object (--alerts.keep {asked.keep})"] = len(times) - len(chosen)
        self._labels = {key: label for key, label in self._labels.items() if key in chosen}
        self._object_labels = {object_id: label for object_id, label in labels.items() if object_id in objects}

    def _splits(self) -> dict[str, str]:
        """Splits by object: ids at one place are in one, as are objects of the datasets of --stars.like with those there."""
        seed, per_class = self.settings.seed, self.alerts.per_class
        asked: StarSettings = self.settings.options["stars"]
        if per_class is not None and asked.like:
            raise ConfigError(
                "--alerts.per-class and --stars.like both say which objects are held out: give one of them"
            )

        def assign(labels: Mapping[str, str | None], star_of: Mapping[str, str]) -> dict[str, str]:
            if per_class is None:
                return self.settings.assign_by_fractions(labels, star_of)
            return assign_per_class(labels, Counter(star_of[key[0]] for key in self._labels), per_class, seed)

        found = split_by_star(self._object_labels, self._places, asked, self.place_arcsec, assign, same_ids=True)
        self.report.splits, self.stars = found.counts, found.stars
        return found.split_of

    def write_beside(self, folder: Path) -> None:
        """The objects, with places and splits."""
        write_stars(folder, self.stars)

    def _class_names(self) -> list[str]:
        return sorted({label for label in self._labels.values() if label})

    def _features(self) -> tfds.features.FeaturesDict:
        shape = next(iter(self._shapes)) if len(self._shapes) == 1 else None
        return stamp_features(self.class_names, self._metadata, shape)

    def _generate_examples(self, split: str) -> Iterator[tuple[str, dict[str, Any]]]:
        index = {name: i for i, name in enumerate(self.class_names)}
        for alert in self._read():
            key = (alert.object_id, alert.alert_id)
            if isinstance(alert, Rejection) or key not in self._labels or self.split_of[alert.object_id] != split:
                continue
            record = encode_alert(alert, index.get(self._labels[key], -1), self._metadata, self._rules.need)
            if len(self._shapes) > 1:
                record = flattened(record, ["stamps"])
            yield f"{alert.object_id}\t{alert.alert_id}", record
