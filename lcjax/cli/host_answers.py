"""Images or alerts in, rows of hosts out: what `lcjax predict` writes for a host finder."""

import csv
import dataclasses
import importlib.util
import math
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from data_pipelines.sources.alerts import Alert, AlertRejection, SchemaSet, StampRules, read_alerts
from lcjax.errors import ConfigError, DataError
from lcjax.inference.field_images import FieldImage, FieldRejection, centred, read_fields
from lcjax.inference.hosts import HostAnswer, HostPredictor
from lcjax.inference.loading import Loaded

_FITS = (".fits", ".fit", ".fts", ".fits.gz", ".fits.fz", ".fit.gz")
_TYPES: dict[Any, pa.DataType] = {str: pa.string(), bool: pa.bool_()}
_PLACE = ("x", "y")

Outcome = Alert | AlertRejection | FieldImage | FieldRejection
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

    def __init__(self, predictor: HostPredictor, stamp: str = "template") -> None:
        """`stamp`: of an alert, in which its host is looked for."""
        self.predictor, self.stamp = predictor, stamp
        self.schema = _schema()

    @classmethod
    def from_loaded(
        cls, loaded: Loaded, batch_size: int | None, max_scatter: float | None, stamp: str
    ) -> "HostAnswers":
        """With detection of sources where `sep` is installed."""
        from data_pipelines.sources.source_mask import detect_sources

        image: Any = loaded.experiment.image  # type: ignore[attr-defined]
        detect = detect_sources if image.mask == "sources" or importlib.util.find_spec("sep") else None
        predictor = HostPredictor(
            loaded.task, loaded.variables, image, detect, batch_size=batch_size, max_scatter=max_scatter
        )
        return cls(predictor, stamp)

    def answer(self, outcomes: Iterable[Outcome]) -> Iterator[Row | AlertRejection]:
        """Rows by `schema`, and rejections: those among the outcomes and those of fields without an answer."""
        asked: deque[tuple[FieldImage | FieldRejection, int]] = deque()

        def fields() -> Iterator[FieldImage | FieldRejection]:
            for outcome in outcomes:
                field = self._field(outcome)
                asked.append((field, getattr(outcome, "alert_id", 0)))
                yield field

        for answer in self.predictor.predict(fields()):
            field, alert_id = asked.popleft()
            if isinstance(answer, FieldRejection):
                yield AlertRejection(alert_id, answer.object_id, answer.reason, answer.origin)
            else:
                yield _row(answer, field, alert_id)

    def _field(self, outcome: Outcome) -> FieldImage | FieldRejection:
        if isinstance(outcome, FieldImage | FieldRejection):
            return outcome
        if isinstance(outcome, AlertRejection):
            return FieldRejection(outcome.object_id, outcome.reason, outcome.origin)
        stamp = outcome.stamps[self.stamp]
        return centred(stamp.pixels, stamp.pixel_scale, outcome.object_id, outcome.origin)


def _row(answer: HostAnswer, field: Any, alert_id: int) -> Row:
    row = answer.as_row()
    row |= {"alert_id": alert_id}
    row |= {f"d{axis}": (row[axis] - getattr(field, axis)) * field.pixel_scale for axis in _PLACE}
    return {name: None if isinstance(v, float) and math.isnan(v) else v for name, v in row.items()}


def read_outcomes(
    inputs: Sequence[str],
    schemas: SchemaSet,
    rules: StampRules,
    positions: Mapping[str, tuple[float, float]] | None,
    pixel_scale: float | None,
) -> Iterator[Outcome]:
    """Fields of FITS images (files, or folders that hold any) and alerts of everything else, in the order given."""
    for path in map(Path, inputs):
        if _holds_images(path):
            yield from read_fields([path], positions, pixel_scale)
        else:
            yield from read_alerts(path, rules=rules, schemas=schemas)


def _holds_images(path: Path) -> bool:
    names = [p.name for p in path.iterdir()] if path.is_dir() else [path.name]
    return any(name.lower().endswith(_FITS) for name in names)


def read_positions(path: Path) -> dict[str, tuple[float, float]]:
    """Object -> (ra, dec) degrees, from a CSV file with columns object_id, ra, dec.

    Raises:
      DataError: a column is missing, or a value is no number. ConfigError: there is no such file.
    """
    try:
        with open(path, newline="") as file:
            rows = list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"the positions '{path}' cannot be read: {error}") from error
    found = {}
    for number, row in enumerate(rows, 2):
        try:
            found[row["object_id"]] = (float(row["ra"]), float(row["dec"]))
        except (KeyError, TypeError, ValueError) as error:
            raise DataError(f"line {number} of '{path}' has no object_id, ra and dec in degrees ({error})") from error
    return found
