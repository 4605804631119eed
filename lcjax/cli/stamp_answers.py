"""Alerts in, rows of class probabilities out: what `lcjax predict` writes for a stamp classifier."""

import itertools
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from data_pipelines.manifest import find_datasets, read_manifest
from data_pipelines.sources.alerts import STAMP_NAMES, Alert, AlertRejection, SchemaSet, StampRules, read_alerts
from data_pipelines.stamp_records import StampIndex, alert_row, decode_alert, stack_stamps
from lcjax.cli.shard_records import holds_shards, shard_records
from lcjax.errors import ConfigError, DataError
from lcjax.inference.service_rules import ServiceRules, apply_rules
from lcjax.inference.stamps import StampPredictor

Outcome = Alert | AlertRejection
Row = dict[str, Any]

RULE_COLUMNS = ("ssdistnr", "isdiffpos", "sgscore1", "distpsnr1")
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
        self._columns = (*predictor.metadata_names, *RULE_COLUMNS)
        names = {name.lower() for name in predictor.class_names}
        needed = {"asteroid": self._rules.solar_system_shortcut, "sn": self._rules.supernova_filter}
        self.has_rules = any(needed.values()) and names >= {name for name, used in needed.items() if used}
        taken = [name for name, _ in (*_ABOUT, *_RULED)] + ["class"]
        self._class_columns = [f"p_{name}" if name in taken else name for name in predictor.class_names]
        probabilities = [(name, pa.float32()) for name in self._class_columns]
        self.schema = pa.schema([*_ABOUT, *probabilities, ("class", pa.string()), *(_RULED if self.has_rules else ())])

    def answer(self, outcomes: Iterable[Outcome]) -> Iterator[Row | AlertRejection]:
        """Rows by `schema`, and rejections: those among the outcomes and those of alerts the network cannot take.

        The device computes a batch while the next one is read.
        """
        waiting: list[_Entry] = []
        running: deque[_Running] = deque()
        alerts = 0
        for outcome in outcomes:
            entry = self.enter(outcome)
            waiting.append(entry)
            alerts += isinstance(entry, _Ready)
            if alerts == self.predictor.batch_size or len(waiting) >= 8 * self.predictor.batch_size:
                running.append(self._start(waiting))
                waiting, alerts = [], 0
            if len(running) > 1:
                yield from self._finish(running.popleft())
        running.append(self._start(waiting))
        while running:
            yield from self._finish(running.popleft())

    def enter(self, outcome: Outcome) -> "_Entry":
        """An alert as the network takes it, or why it cannot."""
        if isinstance(outcome, AlertRejection):
            return outcome
        wanted = [n for n in self.predictor.metadata_names if n not in ("ra", "dec")]
        absent = [name for name in wanted if name not in outcome.metadata]
        if 2 * len(absent) > len(wanted):
            reason = (
                f"missing metadata: the network takes '{absent[0]}' and {len(absent) - 1} more that the alert lacks"
            )
            return _rejection(outcome, reason)
        try:
            stamps = stack_stamps(outcome, STAMP_NAMES)
        except DataError:
            shapes = {name: stamp.pixels.shape for name, stamp in outcome.stamps.items()}
            return _rejection(outcome, f"stamp size: the stamps of one alert differ ({shapes})")
        return _Ready(outcome, stamps, alert_row(outcome, self._columns))

    def _start(self, entries: list["_Entry"]) -> "_Running":
        """Sends alerts to the device, those with stamps of one shape together."""
        groups: dict[tuple[int, ...], list[int]] = {}
        for i, entry in enumerate(entries):
            if isinstance(entry, _Ready):
                groups.setdefault(entry.stamps.shape, []).append(i)
        sent = []
        for rows in groups.values():
            try:
                sent.append((rows, self.predictor.submit(self.batch([entries[i] for i in rows]))))
            except (DataError, ConfigError) as error:
                for i in rows:
                    entries[i] = _rejection(entries[i].alert, f"stamp size: {error}")
        return entries, sent

    def batch(self, ready: Sequence["_Ready"]) -> dict[str, np.ndarray]:
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

    def _finish(self, running: "_Running") -> Iterator[Row | AlertRejection]:
        entries, sent = running
        found: dict[int, Row | AlertRejection] = {}
        for rows, submitted in sent:
            ready = [entries[i] for i in rows]
            found |= zip(rows, self._rows(ready, self.predictor.collect(submitted)), strict=True)
        for i, entry in enumerate(entries):
            yield found.get(i, entry)

    def _rows(self, ready: Sequence["_Ready"], probabilities: np.ndarray) -> Iterator[Row | AlertRejection]:
        names = self.predictor.class_names
        sound = np.isfinite(probabilities).all(axis=1)
        best = np.where(np.isfinite(probabilities), probabilities, -1).argmax(axis=1)
        ruled = self._ruled(ready, probabilities)
        for i, entry in enumerate(ready):
            if not sound[i]:
                yield _rejection(entry.alert, "no finite probabilities: a null among what the network takes")
                continue
            yield {
                **{name: getattr(entry.alert, name) for name, _ in _ABOUT},
                **dict(zip(self._class_columns, probabilities[i].tolist(), strict=True)),
                "class": names[best[i]],
                **{name: values[i] for name, values in ruled.items()},
            }

    def _ruled(self, ready: Sequence["_Ready"], probabilities: np.ndarray) -> Mapping[str, list]:
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


class _Ready:
    """An alert as the network takes it."""

    __slots__ = ("alert", "columns", "stamps")

    def __init__(self, alert: Alert, stamps: np.ndarray, columns: list[float]) -> None:
        self.alert, self.stamps, self.columns = alert, stamps, columns


_Entry = Any  # _Ready | AlertRejection
_Running = tuple[list[_Entry], list[tuple[list[int], Any]]]


def _rejection(alert: Alert, reason: str) -> AlertRejection:
    return AlertRejection(alert.alert_id, alert.object_id, reason, alert.origin)


def read_stamps(inputs: Sequence[str], rules: StampRules, schemas: SchemaSet) -> Iterator[Outcome]:
    """Alerts of files, folders and prepared shards, in the order given.

    Raises:
      DataError: an input is missing or holds nothing of the kind, or shards are damaged or of something else.
    """
    for shards, group in itertools.groupby(map(Path, inputs), holds_shards):
        if not shards:
            yield from read_alerts(list(group), rules=rules, schemas=schemas)
            continue
        for folder in find_datasets(list(group)):
            manifest = read_manifest(folder)
            if manifest.kind != StampIndex.kind:
                raise DataError(f"'{folder}' holds {manifest.kind.replace('_', ' ')}, and this model classifies stamps")
            yield from shard_records(manifest, lambda features: decode_alert(features, str(folder)))
