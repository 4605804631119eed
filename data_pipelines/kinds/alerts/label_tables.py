"""Tables of labels that a user gives: by id, or by position on the sky. What their rows were good for is kept, for the report."""

import csv
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from data_pipelines.shards.class_names import is_no_class
from data_pipelines.sources.alerts.record import Alert
from data_pipelines.sources.csv_tables import named_rows
from lcjax.errors import DataError

_OBJECT_COLUMNS = ("object_id", "objectId", "oid", "diaObjectId")
_ALERT_COLUMNS = ("alert_id", "candid", "diaSourceId")
_LABEL_COLUMNS = ("label", "class", "classALeRCE")
_SHOWN = 3


class ContradictoryLabelsError(ValueError):
    """A table gives an alert more than one label; the message is the reason to set it aside."""

    def __init__(self, labels: tuple[str, ...]) -> None:
        """`labels`: all that the table gives."""
        super().__init__(f"contradictory labels: the table says {' and '.join(labels)}")


@dataclass(frozen=True)
class TableUse:
    """What the rows of a table of labels were good for."""

    kind: str
    """What the table names: `objects`, `alerts` or `positions`."""
    used: int
    """Of them: with a usable alert."""
    unmatched: tuple[str, ...]
    """Those without."""
    contradictory: dict[str, tuple[str, ...]]
    """Those with several labels -> the labels. Their alerts are set aside."""
    empty: int
    """Rows without a label or without what it is for."""

    def __str__(self) -> str:
        """One line, with the first few names."""
        usable = "usable alerts" if self.kind == "alerts" else f"{self.kind} with usable alerts"
        said = [f"{usable}: {self.used:,}"]
        if self.unmatched:
            said.append(f"without: {len(self.unmatched):,} ({_first(self.unmatched)})")
        if self.contradictory:
            names = [f"{name} is {' and '.join(labels)}" for name, labels in self.contradictory.items()]
            said.append(f"contradictory: {len(names):,} ({_first(names)})")
        if self.empty:
            said.append(f"rows without a label or {self.kind.removesuffix('s')}: {self.empty:,}")
        return "; ".join(said)

    def as_dict(self) -> dict[str, object]:
        """For `cleaning.json`, with all names."""
        return {
            "names": self.kind,
            "used": self.used,
            "unmatched": list(self.unmatched),
            "contradictory": {name: list(labels) for name, labels in self.contradictory.items()},
            "rows_without_label": self.empty,
        }


def _first(names: Sequence[str]) -> str:
    return ", ".join(names[:_SHOWN]) + (", ..." if len(names) > _SHOWN else "")


class _Labels:
    """Name -> labels that a table gives to it, and which names alerts asked for."""

    def __init__(self, kind: str) -> None:
        self.kind, self.empty = kind, 0
        self.labels: dict[str, dict[str, None]] = {}
        self._asked: set[str] = set()

    def add(self, name: str, label: str) -> None:
        if name and label:
            self.labels.setdefault(name, {})[label] = None
        else:
            self.empty += 1

    def label(self, name: str) -> str | None:
        """Raises ContradictoryLabelsError."""
        if name not in self.labels:
            return None
        self._asked.add(name)
        labels = tuple(self.labels[name])
        if len(labels) > 1:
            raise ContradictoryLabelsError(labels)
        return labels[0]

    def use(self) -> TableUse:
        several = {name: tuple(labels) for name, labels in self.labels.items() if len(labels) > 1}
        unmatched = tuple(name for name in self.labels if name not in self._asked)
        return TableUse(self.kind, len(self._asked - several.keys()), unmatched, several, self.empty)


class OwnLabels:
    """Labels by the id of an alert where the table has such a column, else by the id of an object."""

    def __init__(self, path: Path) -> None:
        """Reads the table.

        Raises:
          DataError: it cannot be read, lacks a column, or has a label of several lines.
        """
        have, rows = _read_table(path)
        label = _column(path, have, _LABEL_COLUMNS)
        alert = next((name for name in _ALERT_COLUMNS if name in have), None)
        column = alert or _column(path, have, _OBJECT_COLUMNS)
        self._by_alert = alert is not None
        self._labels = _Labels("alerts" if self._by_alert else "objects")
        for line, row in rows:
            self._labels.add((row[column] or "").strip(), _label(path, line, row[label]))

    def find(self, alert: Alert) -> str | None:
        """The label of an alert; None: the table has none.

        Raises:
          ContradictoryLabelsError: the table has several.
        """
        return self.find_by_id(alert.object_id, alert.alert_id)

    def find_by_id(self, object_id: str, alert_id: int) -> str | None:
        """As `find`, of an alert of which only the ids are at hand."""
        return self._labels.label(str(alert_id) if self._by_alert else object_id)

    def use(self) -> TableUse:
        """Of the alerts asked for up to now."""
        return self._labels.use()


def relabelled_records(
    table: OwnLabels, ids: Iterable[tuple[str, int]], labels: np.ndarray, class_names: Sequence[str]
) -> tuple[np.ndarray, tuple[str, ...]]:
    """Labels of records where a table's win, and the classes they are numbered by.

    Classes are compared without regard to case; those that are new come behind the others, in the order of the alphabet. A record
    with contradictory labels in the table has none.

    Args:
      ids: object and alert of every record. labels: (R,) int32, -1 for none. class_names: of these.
    """
    found: list[str | None] = []
    for object_id, alert_id in ids:
        try:
            found.append(table.find_by_id(object_id, alert_id))
        except ContradictoryLabelsError:
            found.append("")
    known = {name.lower() for name in class_names}
    new: dict[str, str] = {}
    for label in sorted(filter(None, found)):
        if label.lower() not in known:
            new.setdefault(label.lower(), label)
    names = (*class_names, *new.values())
    number = {name.lower(): i for i, name in enumerate(names)}
    own = [at if label is None else number.get(label.lower(), -1) for at, label in zip(labels, found, strict=True)]
    return np.array(own, np.int32), names


class Catalog:
    """Positions sorted by declination, so that a match looks only at a narrow strip."""

    def __init__(self, path: Path, arcsec: float) -> None:
        """Reads the table; `arcsec`: radius of a match.

        Raises:
          DataError: it cannot be read, lacks a column, or has a position that is no number or a label of several lines.
        """
        have, rows = _read_table(path)
        names = [_column(path, have, (name,)) for name in ("ra", "dec")] + [_column(path, have, _LABEL_COLUMNS)]
        try:
            position = np.array([[float(row[name]) for name in names[:2]] for _, row in rows], float).reshape(-1, 2)
        except (TypeError, ValueError) as error:
            raise DataError(
                f"table '{path}' has a position that is no number ({error}): correct or drop the row"
            ) from error
        possible = (np.abs(position[:, 0]) <= 360) & (np.abs(position[:, 1]) <= 90)
        if not possible.all():
            (line, _), (ra, dec) = (found[int(np.argmin(possible))] for found in (rows, position.tolist()))
            raise DataError(
                f"table '{path}' has ra {ra:g} and dec {dec:g} in line {line}, no degrees: correct or drop the row"
            )
        order = np.argsort(position[:, 1], kind="stable")
        self._dec = position[order, 1]
        self._unit = _unit_vectors(*position[order].T)
        self._names = [f"{ra} {dec}" for ra, dec in position[order].tolist()]
        self._labels = _Labels("positions")
        for name, i in zip(self._names, order.tolist(), strict=True):
            line, row = rows[i]
            self._labels.add(name, _label(path, line, row[names[2]]))
        self._radius = arcsec / 3600

    def nearest(self, ra: float, dec: float) -> str | None:
        """Label of the nearest entry within the radius; None: there is none, or it has none.

        Raises:
          ContradictoryLabelsError: the position is there with several labels.
        """
        low, high = np.searchsorted(self._dec, (dec - self._radius, dec + self._radius))
        if not np.isfinite(ra + dec) or low == high:
            return None
        chord = np.linalg.norm(self._unit[low:high] - _unit_vectors(np.array([ra]), np.array([dec])), axis=1)
        best = int(np.argmin(chord))
        close = chord[best] <= 2 * np.sin(np.deg2rad(self._radius) / 2)
        return self._labels.label(self._names[low + best]) if close else None

    def use(self) -> TableUse:
        """Of the alerts asked for up to now."""
        return self._labels.use()


def _read_table(path: Path) -> tuple[list[str], list[tuple[int, dict[str, str | None]]]]:
    """Columns, and rows with the number of the line on which each ends."""
    try:
        with open(path, newline="", encoding="utf-8-sig") as file:
            have, rows = named_rows(path, file)
            if twice := sorted({name for name in have if have.count(name) > 1 and name}):
                raise DataError(
                    f"table '{path}' has {have.count(twice[0])} columns called '{twice[0]}': drop all but one"
                )
            return have, rows
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"table '{path}' cannot be read ({error}): give a CSV file with a header") from error


def _column(path: Path, have: list[str], wanted: tuple[str, ...]) -> str:
    found = next((name for name in wanted if name in have), None)
    if found is None:
        raise DataError(f"table '{path}' has no column '{wanted[0]}' (it has {', '.join(have) or 'none'}): rename one")
    return found


def _label(path: Path, line: int, text: str | None) -> str:
    """Raises DataError: a label of several lines, which a quote that is not closed makes of all the rows behind it."""
    label = (text or "").strip()
    if len(label.splitlines()) > 1:
        raise DataError(
            f"table '{path}' has a label of several lines ({label[:40]!r}, up to line {line}): close its quotes"
        )
    return "" if is_no_class(label) else label


def _unit_vectors(ra: np.ndarray, dec: np.ndarray) -> np.ndarray:
    ra, dec = np.deg2rad(ra), np.deg2rad(dec)
    return np.stack([np.cos(dec) * np.cos(ra), np.cos(dec) * np.sin(ra), np.sin(dec)], axis=-1)
