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

from data_pipelines.kinds.host_fields.images import (
    FITS_ENDINGS,
    FieldImage,
    FieldRejection,
    centred,
    object_names,
    read_fields,
)
from data_pipelines.kinds.host_fields.stack import examine_field
from data_pipelines.processes import Processes
from data_pipelines.sources.alerts import Alert, AlertRejection, Stamp, cut_alerts
from data_pipelines.sources.alerts.decoders import Decoders
from lcjax.errors import ConfigError, DataError
from lcjax.systems.delight.answer import HostAnswer
from lcjax.systems.delight.predictor import HostPredictor
from lcjax.systems.loading import Loaded

_TYPES: dict[Any, pa.DataType] = {
    str: pa.string(),
    bool: pa.bool_(),
    tuple[float, ...] | None: pa.list_(pa.float64()),
}
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
        return _field_of(outcome, outcome.stamps[self.stamp])


def _field_of(alert: Alert, stamp: Stamp) -> FieldImage:
    """The field of a stamp; the alert is where its position falls by the stamp's world coordinates, else in the middle."""
    field = centred(stamp.pixels, stamp.pixel_scale, alert.object_id, alert.origin)
    if stamp.world is None or not math.isfinite(alert.ra + alert.dec):
        return field
    x, y = stamp.world.world_to_pixel_values(alert.ra, alert.dec)
    return dataclasses.replace(field, x=x, y=y, wcs=stamp.world)


def _row(answer: HostAnswer, field: Any, alert_id: int) -> Row:
    row = answer.as_row()
    row |= {"alert_id": alert_id}
    row |= {f"d{axis}": (row[axis] - getattr(field, axis)) * field.pixel_scale for axis in _PLACE}
    return {name: None if isinstance(v, float) and math.isnan(v) else v for name, v in row.items()}


def read_outcomes(
    inputs: Sequence[str],
    decoders: Decoders,
    positions: Mapping[str, tuple[float, float]] | None,
    pixel_scale: float | None,
) -> Iterator[Outcome]:
    """Fields of FITS images (files, or folders that hold any) and alerts of everything else, in the order given."""
    images = [path for path in map(Path, inputs) if _holds_images(path)]
    if positions and not positions.keys() & (names := object_names(images)):
        raise ConfigError(
            f"the positions are of '{next(iter(positions))}' and the like, the images of "
            f"'{min(names, default='no object')}' and the like: name objects as the image files, without .fits"
        )
    for path in map(Path, inputs):
        if path in images:
            yield from read_fields([path], positions, pixel_scale)
        else:
            yield from decoders.map(cut_alerts(path, decoders.rules))


def _holds_images(path: Path) -> bool:
    names = [p.name for p in path.iterdir()] if path.is_dir() else [path.name]
    return any(name.lower().endswith(FITS_ENDINGS) for name in names)


def read_positions(path: Path) -> dict[str, tuple[float, float]]:
    """Object -> (ra, dec) degrees, from a CSV file with columns object_id, ra, dec.

    Raises:
      DataError: a column is missing, or a value is no position. ConfigError: there is no such file.
    """
    try:
        with open(path, newline="", encoding="utf-8-sig") as file:
            table = csv.DictReader(file)
            rows, columns = list(table), table.fieldnames or []
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ConfigError(f"the positions '{path}' cannot be read: {error}") from error
    if missing := [name for name in ("object_id", "ra", "dec") if name not in columns]:
        raise DataError(
            f"'{path}' has the columns {columns} and lacks {', '.join(missing)}: it needs object_id, ra, dec"
        )
    found = {}
    for number, row in enumerate(rows, 2):
        try:
            ra, dec = float(row["ra"]), float(row["dec"])
        except (TypeError, ValueError):
            ra = dec = math.nan
        if not (-360 <= ra <= 360 and -90 <= dec <= 90):
            raise DataError(f"line {number} of '{path}' has no ra and dec in degrees: {row['ra']}, {row['dec']}")
        found[row["object_id"]] = (ra, dec)
    return found
