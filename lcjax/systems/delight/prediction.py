"""Fields in, rows of hosts out: what `lcjax predict` writes for a host finder."""

import dataclasses
import math
from collections import deque
from collections.abc import Iterable, Iterator
from typing import Any

import pyarrow as pa

from lcjax.errors import Rejection
from lcjax.systems.base import Row
from lcjax.systems.delight.answer import HostAnswer
from lcjax.systems.delight.examination import Field
from lcjax.systems.delight.predictor import HostPredictor

_TYPES: dict[Any, pa.DataType] = {
    str: pa.string(),
    bool: pa.bool_(),
    tuple[float, ...] | None: pa.list_(pa.float64()),
}


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
    constant_columns: tuple[str, ...] = ()

    def __init__(self, predictor: HostPredictor) -> None:
        """`predictor`: finds the hosts."""
        self.predictor = predictor
        self.schema = _schema()

    def answer(self, items: Iterable[Field | Rejection]) -> Iterator[Row | Rejection]:
        """Rows by `schema`, and rejections: those among the items and those of fields without an answer."""
        asked: deque[Field | Rejection] = deque()

        def fields() -> Iterator[Field | Rejection]:
            for item in items:
                asked.append(item)
                yield item

        for answer in self.predictor.predict(fields()):
            field = asked.popleft()
            yield answer if isinstance(answer, Rejection) or isinstance(field, Rejection) else _row(answer, field)


def _row(answer: HostAnswer, field: Field) -> Row:
    row = answer.as_row() | {"alert_id": field.alert_id}
    row |= {f"d{axis}": (row[axis] - middle) * field.pixel_scale for axis, middle in (("x", field.x), ("y", field.y))}
    return {name: None if isinstance(v, float) and math.isnan(v) else v for name, v in row.items()}
