"""Alerts in, rows of class probabilities out: a trained stamp classifier at work.

A CPU takes the network's cheaper convolutions and few alerts at a time, so that activations stay in its cache.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Protocol

import numpy as np
import pyarrow as pa

from lcjax.errors import Rejection
from lcjax.inference.chunks import map_in_chunks
from lcjax.inference.loaded import Loaded
from lcjax.inference.predictor import Predictor, usual_batch_size
from lcjax.inference.predictor import Row as InputRow
from lcjax.systems.base import Row
from lcjax.systems.classifier.service_rules import ServiceRules, apply_rules
from lcjax.training.task import Task
from lcjax.typing import PyTree

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


class Candidate(Protocol):
    """What an alert says of itself."""

    @property
    def object_id(self) -> str:
        """Name of the object."""

    @property
    def alert_id(self) -> int:
        """Number of the alert."""

    @property
    def mjd(self) -> float:
        """Days."""

    @property
    def ra(self) -> float:
        """Degrees."""

    @property
    def dec(self) -> float:
        """Degrees."""


class Entry(Protocol):
    """An alert as a classifier takes it."""

    @property
    def alert(self) -> Candidate:
        """The alert, without stamps and metadata."""

    @property
    def stamps(self) -> np.ndarray:
        """(H, W, C) float32, the survey's units, missing pixels NaN."""

    @property
    def columns(self) -> list[float]:
        """The network's metadata, then `RULE_COLUMNS`; nulls NaN."""

    def rejection(self, reason: str) -> Rejection:
        """The alert set aside."""


class StampAnswers:
    """A classifier of alerts; answers come one for one, in the order of the alerts."""

    unit = "alerts"
    constant_columns: tuple[str, ...] = ()

    def __init__(
        self,
        task: Task,
        variables: PyTree,
        class_names: Sequence[str],
        metadata_names: Sequence[str],
        rules: ServiceRules | None = None,
        batch_size: int | None = None,
    ) -> None:
        """Compiles nothing yet.

        Args:
          task: predicts `probabilities` from `stamps`, `metadata`, `ra`, `dec`. variables: its weights.
          class_names: of the probabilities. metadata_names: of the columns of a batch's `metadata`.
          rules: of the columns `service_...`, which a model without the classes they speak of does not have.
          batch_size: alerts of every compiled batch; None: 64 on a CPU, 1024 on an accelerator.

        Raises:
          ConfigError: a batch size that makes no sense.
        """
        self.class_names, self.metadata_names = tuple(class_names), tuple(metadata_names)
        self._rules = rules or ServiceRules()

        def answer(variables: PyTree, batch: dict[str, Any]) -> dict[str, Any]:
            return map_in_chunks(lambda part: {"probabilities": task.predict(variables, part)["probabilities"]}, batch)

        self.predictor: Predictor[Entry] = Predictor(
            answer, variables, usual_batch_size(batch_size, 64, 1024, "alerts")
        )
        names = {name.lower() for name in self.class_names}
        needed = {"asteroid": self._rules.solar_system_shortcut, "sn": self._rules.supernova_filter}
        self.has_rules = any(needed.values()) and names >= {name for name, used in needed.items() if used}
        taken = [name for name, _ in (*_ABOUT, *_RULED)] + ["class"]
        self._class_columns = [f"p_{name}" if name in taken else name for name in self.class_names]
        probabilities = [(name, pa.float32()) for name in self._class_columns]
        self.schema = pa.schema([*_ABOUT, *probabilities, ("class", pa.string()), *(_RULED if self.has_rules else ())])

    @classmethod
    def of(cls, loaded: Loaded, rules: ServiceRules | None = None, batch_size: int | None = None) -> "StampAnswers":
        """Of what `lcjax.load` gives."""
        inputs = loaded.experiment.inputs  # type: ignore[attr-defined]
        return cls(loaded.task, loaded.variables, inputs.class_names, inputs.metadata_names, rules, batch_size)

    def answer(self, items: Iterable[Entry | Rejection]) -> Iterator[Row | Rejection]:
        """Rows by `schema`, and rejections: those among the items and those of alerts the network cannot take."""
        rows = (item if isinstance(item, Rejection) else (item, [self.row(item)]) for item in items)
        for found in self.predictor.answer(rows):
            if isinstance(found, Rejection):
                yield found
            elif found.refused:
                yield found.item.rejection(f"stamp size: {found.refused}")
            else:
                yield self._answered(found.item, found.outputs[0]["probabilities"])

    def row(self, entry: Entry) -> InputRow:
        """What goes to the device of an alert."""
        with np.errstate(over="ignore"):
            metadata = np.array(entry.columns[: len(self.metadata_names)], np.float32)
        place = {"ra": np.float32(entry.alert.ra), "dec": np.float32(entry.alert.dec)}
        return {"stamps": entry.stamps, "metadata": metadata, **place}

    def _answered(self, entry: Entry, probabilities: np.ndarray) -> Row | Rejection:
        if not np.isfinite(probabilities).all():
            return entry.rejection("no finite probabilities: a null among what the network takes")
        return {
            **{name: getattr(entry.alert, name) for name, _ in _ABOUT},
            **dict(zip(self._class_columns, probabilities.tolist(), strict=True)),
            "class": self.class_names[int(probabilities.argmax())],
            **self._ruled(entry, probabilities),
        }

    def _ruled(self, entry: Entry, probabilities: np.ndarray) -> Mapping[str, Any]:
        """The service's answer beside the network's, which stays as it is."""
        if not self.has_rules:
            return {}
        values = entry.columns[len(self.metadata_names) :]
        columns = {name: np.array([value], np.float64) for name, value in zip(RULE_COLUMNS, values, strict=True)}
        ruled = apply_rules(probabilities[None], self.class_names, columns, self._rules)
        return {
            "service_class": self.class_names[int(ruled.probabilities[0].argmax())],
            "service_rule": str(ruled.rule[0]),
            "service_reported": bool(ruled.reported[0]),
        }
