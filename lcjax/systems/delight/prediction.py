"""Images or alerts in, rows of hosts out: what `lcjax predict` writes for a host finder."""

import dataclasses
import importlib.util
import math
from collections import deque
from collections.abc import Iterable, Iterator
from typing import Any

import pyarrow as pa

from data_pipelines.kinds.host_fields.images import (
    FieldImage,
)
from data_pipelines.kinds.host_fields.stack import examine_field
from data_pipelines.processes import Processes
from data_pipelines.sources.alerts import Alert
from lcjax.errors import Rejection
from lcjax.systems.delight.answer import HostAnswer
from lcjax.systems.delight.predictor import HostPredictor
from lcjax.systems.loading import Loaded

_TYPES: dict[Any, pa.DataType] = {
    str: pa.string(),
    bool: pa.bool_(),
    tuple[float, ...] | None: pa.list_(pa.float64()),
}
_PLACE = ("x", "y")

Outcome = Alert | Rejection | FieldImage | Rejection
Row = dict[str, Any]


def _schema() -> pa.Schema:
    """object_id, alert_id, the host (dx, dy arcsec along columns and rows of the image), and the rest of `HostAnswer`."""
    fields = {f.name: _TYPES.get(f.type, pa.float64()) for f in dataclasses.fields(HostAnswer)}
    first = ("object_id", "method", "ra", "dec")
    begin = [("object_id", pa.string()), ("alert_id", pa.int64())]
    begin += [(name, fields[name]) for name in first[1:]] + [("dx", pa.float64()), ("dy", pa.float64())]
    return pa.schema([*begin, *((name, kind) for name, kind in fields.items() if name not in first)])


class HostAnswers:
    """A host finder; answers come one for one, in the order given."""

    unit = "fields"
    entries = None
    """Alerts are taken as they are."""

    def __init__(self, predictor: HostPredictor, stamp: str = "template") -> None:
        """`stamp`: of an alert, in which its host is looked for."""
        self.predictor, self.stamp = predictor, stamp
        self.schema = _schema()

    @classmethod
    def from_loaded(
        cls, loaded: Loaded, batch_size: int | None, max_scatter: float | None, stamp: str, processes: Processes
    ) -> "HostAnswers":
        """With detection of sources, in `processes`, where `sep` is installed."""
        image: Any = loaded.experiment.image  # type: ignore[attr-defined]
        examine = examine_field if image.mask == "sources" or importlib.util.find_spec("sep") else None
        predictor = HostPredictor(
            loaded.task,
            loaded.variables,
            image,
            examine,
            batch_size=batch_size,
            max_scatter=max_scatter,
            spread=processes.map,
        )
        return cls(predictor, stamp)

    def answer(self, outcomes: Iterable[Outcome]) -> Iterator[Row | Rejection]:
        """Rows by `schema`, and rejections: those among the outcomes and those of fields without an answer."""
        asked: deque[tuple[FieldImage | Rejection, int]] = deque()

        def fields() -> Iterator[FieldImage | Rejection]:
            for outcome in outcomes:
                field = outcome
                asked.append((field, getattr(outcome, "alert_id", 0)))
                yield field

        for answer in self.predictor.predict(fields()):
            field, alert_id = asked.popleft()
            if isinstance(answer, Rejection):
                yield Rejection(answer.object_id, answer.reason, answer.origin, alert_id)
            else:
                yield _row(answer, field, alert_id)


def _row(answer: HostAnswer, field: Any, alert_id: int) -> Row:
    row = answer.as_row()
    row |= {"alert_id": alert_id}
    row |= {f"d{axis}": (row[axis] - getattr(field, axis)) * field.pixel_scale for axis in _PLACE}
    return {name: None if isinstance(v, float) and math.isnan(v) else v for name, v in row.items()}
