"""Alerts in, rows of class probabilities out: what `lcjax predict` writes for a stamp classifier."""

import itertools
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from data_pipelines.kinds.alerts.entries import StampEntries, StampEntry
from data_pipelines.kinds.alerts.records import STAMPS, decode_alert
from data_pipelines.shards.manifest import find_datasets, read_manifest
from data_pipelines.shards.records import holds_shards, shard_records
from data_pipelines.sources.alerts import Alert, cut_alerts
from data_pipelines.sources.alerts.decoders import Decoders
from lcjax.errors import ConfigError, DataError, Rejection
from lcjax.systems.classifier.predictor import StampPredictor
from lcjax.systems.classifier.service_rules import ServiceRules, apply_rules

Row = dict[str, Any]

RULE_COLUMNS = ("ssdistnr", "ssObjectId", "isdiffpos", "sgscore1", "distpsnr1")
"""What the service's rules look at."""
_ABOUT = (
    ("object_id", pa.string()),
    ("alert_id", pa.int64()),
    ("mjd", pa.float64()),
    ("ra", pa.float64()),
    ("dec", pa.float64()),
)
_RULED = (("service_class", pa.string()), ("service_rule", pa.string()), ("service_reported", pa.bool_()))


class StampAnswers:
    """A classifier of alerts; answers come one for one, in the order of the alerts."""

    unit = "alerts"

    def __init__(self, predictor: StampPredictor, rules: ServiceRules | None = None) -> None:
        """`rules`: of the columns `service_...`, which a model without the classes they speak of does not have."""
        self.predictor, self._rules = predictor, rules or ServiceRules()
        self.entries = StampEntries(tuple(predictor.metadata_names), (*predictor.metadata_names, *RULE_COLUMNS))
        names = {name.lower() for name in predictor.class_names}
        needed = {"asteroid": self._rules.solar_system_shortcut, "sn": self._rules.supernova_filter}
        self.has_rules = any(needed.values()) and names >= {name for name, used in needed.items() if used}
        taken = [name for name, _ in (*_ABOUT, *_RULED)] + ["class"]
        self._class_columns = [f"p_{name}" if name in taken else name for name in predictor.class_names]
        probabilities = [(name, pa.float32()) for name in self._class_columns]
        self.schema = pa.schema([*_ABOUT, *probabilities, ("class", pa.string()), *(_RULED if self.has_rules else ())])

    def answer(self, outcomes: Iterable[StampEntry | Rejection]) -> Iterator[Row | Rejection]:
        """Rows by `schema`, and rejections: those among the outcomes and those of alerts the network cannot take.

        The device computes a batch while the next one is read.

        Args:
          outcomes: what `entries` makes of alerts.
        """
        waiting: list[StampEntry | Rejection] = []
        running: deque[_Running] = deque()
        alerts = 0
        for entry in outcomes:
            waiting.append(entry)
            alerts += isinstance(entry, StampEntry)
            if alerts == self.predictor.batch_size or len(waiting) >= 8 * self.predictor.batch_size:
                running.append(self._start(waiting))
                waiting, alerts = [], 0
            if len(running) > 1:
                yield from self._finish(running.popleft())
        running.append(self._start(waiting))
        while running:
            yield from self._finish(running.popleft())

    def _start(self, entries: list[StampEntry | Rejection]) -> "_Running":
        """Sends alerts to the device, those with stamps of one shape together."""
        groups: dict[tuple[int, ...], list[int]] = {}
        for i, entry in enumerate(entries):
            if isinstance(entry, StampEntry):
                groups.setdefault(entry.stamps.shape, []).append(i)
        sent = []
        for rows in groups.values():
            try:
                sent.append((rows, self.predictor.submit(self.batch([entries[i] for i in rows]))))
            except (DataError, ConfigError) as error:
                for i in rows:
                    entries[i] = entries[i].rejection(f"stamp size: {error}")
        return entries, sent

    def batch(self, ready: Sequence[StampEntry]) -> dict[str, np.ndarray]:
        """What goes to the device, of alerts with stamps of one shape; see `StampPredictor.submit`."""
        columns = len(self.predictor.metadata_names)
        with np.errstate(over="ignore"):
            metadata = np.array([entry.columns[:columns] for entry in ready], np.float32)
        return {
            "stamps": np.stack([entry.stamps for entry in ready]),
            "metadata": metadata.reshape(len(ready), columns),
            "ra": np.array([entry.alert.ra for entry in ready], np.float32),
            "dec": np.array([entry.alert.dec for entry in ready], np.float32),
        }

    def _finish(self, running: "_Running") -> Iterator[Row | Rejection]:
        entries, sent = running
        found: dict[int, Row | Rejection] = {}
        for rows, submitted in sent:
            ready = [entries[i] for i in rows]
            found |= zip(rows, self._rows(ready, self.predictor.collect(submitted)), strict=True)
        for i, entry in enumerate(entries):
            yield found.get(i, entry)

    def _rows(self, ready: Sequence[StampEntry], probabilities: np.ndarray) -> Iterator[Row | Rejection]:
        names = self.predictor.class_names
        sound = np.isfinite(probabilities).all(axis=1)
        best = np.where(np.isfinite(probabilities), probabilities, -1).argmax(axis=1)
        ruled = self._ruled(ready, probabilities)
        for i, entry in enumerate(ready):
            if not sound[i]:
                yield entry.rejection("no finite probabilities: a null among what the network takes")
                continue
            yield {
                **{name: getattr(entry.alert, name) for name, _ in _ABOUT},
                **dict(zip(self._class_columns, probabilities[i].tolist(), strict=True)),
                "class": names[best[i]],
                **{name: values[i] for name, values in ruled.items()},
            }

    def _ruled(self, ready: Sequence[StampEntry], probabilities: np.ndarray) -> Mapping[str, list]:
        """The service's answers beside the network's, which stay as they are."""
        if not self.has_rules:
            return {}
        begin = len(self.predictor.metadata_names)
        table = np.array([entry.columns[begin:] for entry in ready], np.float64)
        columns = {name: table[:, j] for j, name in enumerate(RULE_COLUMNS)}
        ruled = apply_rules(probabilities, self.predictor.class_names, columns, self._rules)
        return {
            "service_class": [self.predictor.class_names[k] for k in ruled.probabilities.argmax(axis=1)],
            "service_rule": ruled.rule.tolist(),
            "service_reported": ruled.reported.tolist(),
        }


_Running = tuple[list[StampEntry | Rejection], list[tuple[list[int], Any]]]


def read_entries(inputs: Sequence[str], decoders: Decoders) -> Iterator[StampEntry | Rejection]:
    """Entries of the alerts in files, folders and prepared shards, in the order given.

    Args:
      decoders: that make entries.

    Raises:
      DataError: an input is missing or holds nothing of the kind, or shards are damaged or of something else.
    """
    for shards, group in itertools.groupby(map(Path, inputs), holds_shards):
        paths = list(group)
        yield from decoders.map(_shard_alerts(paths) if shards else cut_alerts(paths, decoders.rules))


def _shard_alerts(paths: list[Path]) -> Iterator[Alert]:
    for folder in find_datasets(paths):
        manifest = read_manifest(folder)
        if manifest.kind != STAMPS.kind:
            raise DataError(f"'{folder}' holds {manifest.kind.replace('_', ' ')}, and this model classifies stamps")
        yield from shard_records(manifest, lambda features, folder=folder: decode_alert(features, str(folder)))
