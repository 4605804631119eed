"""Tables of features for commands that take them whole: files or prepared datasets, with classes, and splits where they say them."""

import csv
import dataclasses
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from data_pipelines.kinds import find_kind
from data_pipelines.kinds.reading import Request
from data_pipelines.kinds.tables import check_contradictions
from data_pipelines.kinds.tables.columns import FeatureColumns
from data_pipelines.kinds.tables.reading import check_same_units, read_features, table_files
from data_pipelines.shards.records import holds_shards
from data_pipelines.sources.folders import check_there
from lcjax.errors import DataError, Rejection


@dataclasses.dataclass(frozen=True)
class FeatureObjects:
    """N objects with a class."""

    object_id: np.ndarray
    label: np.ndarray
    """(N,) int into `class_names`."""
    class_names: tuple[str, ...]
    names: tuple[str, ...]
    features: np.ndarray
    """(N, F) float32, NaN where missing."""
    is_test: np.ndarray | None
    """(N,) bool, where a column `split` says so."""
    fold: np.ndarray | None
    """(N,) int, where a column `fold` says so; -1 for none."""
    notes: tuple[str, ...]

    def of_classes(self, classes: tuple[str, ...]) -> "FeatureObjects":
        """The objects of some classes, numbered as these."""
        wanted = np.array([self.class_names.index(name) for name in classes])
        rows = np.flatnonzero(np.isin(self.label, wanted))
        take = lambda values: None if values is None else values[rows]
        return dataclasses.replace(
            self,
            object_id=self.object_id[rows],
            label=(self.label[rows][:, None] == wanted).argmax(1),
            class_names=classes,
            features=self.features[rows],
            is_test=take(self.is_test),
            fold=take(self.fold),
        )


def read_objects(
    inputs: Sequence[str], columns: FeatureColumns, say: Callable[[str], None] = lambda text: None
) -> FeatureObjects:
    """Objects with a class of tables or prepared datasets; `say` is told what was left out.

    Raises:
      DataError: a file cannot be read, no object has a class and features, or many rows say something else of an object than
        another row.
    """
    paths = [Path(name) for name in inputs]
    for path in paths:
        check_there(path)
    rows: list[tuple[str, str | None, dict[str, float], str | None, str | None]] = []
    units: dict[str, tuple[str, Path]] = {}
    for path in paths:
        rows += _of_shards(path) if holds_shards(path) else _of_files(path, columns, units)
    seen: dict[str, int] = {}
    kept, contradicted, repeated, unnamed, unlabelled = [], [], 0, 0, 0
    for row in rows:
        name, label, values, _, _ = row
        if not name:
            unnamed += 1
        elif name in seen and _alike(kept[seen[name]], row):
            repeated += 1
        elif name in seen:
            contradicted.append(f"'{name}'")
        elif not label:
            unlabelled += 1
        elif any(np.isfinite(v) for v in values.values()):
            seen[name] = len(kept)
            kept.append(row)
    check_contradictions(contradicted, len(rows))
    if not kept:
        raise DataError(
            f"no object of {', '.join(inputs)} has a class and features: name the class with --features.label"
        )
    names = tuple(sorted({name for row in kept for name in row[2]}))
    classes = tuple(sorted({str(row[1]) for row in kept}))
    features = np.array([[row[2].get(name, np.nan) for name in names] for row in kept], np.float32)
    lost = len(rows) - len(kept) - len(contradicted) - repeated - unnamed - unlabelled
    counts = {
        "rows without id": unnamed,
        "repeated ids": repeated,
        "repeated ids with another class, features or split": len(contradicted),
        "without class": unlabelled,
        "without features": lost,
    }
    notes = tuple(f"left out, {what}: {count:,}" for what, count in counts.items() if count)
    for text in notes:
        say(text)
    split = [row[3] for row in kept]
    fold = [row[4] for row in kept]
    return FeatureObjects(
        np.array([row[0] for row in kept]),
        np.array([classes.index(str(row[1])) for row in kept]),
        classes,
        names,
        features,
        _tested(split),
        _folds(fold),
        notes,
    )


def _alike(one: tuple, other: tuple) -> bool:
    """Whether two rows of an object say the same."""
    parted = any(a and b and a != b for a, b in zip(one[3:], other[3:], strict=True))
    same = one[1] == other[1] and one[2].keys() == other[2].keys()
    return same and not parted and all(np.array_equal(v, other[2][name], equal_nan=True) for name, v in one[2].items())


def _of_files(path: Path, columns: FeatureColumns, units: dict[str, tuple[str, Path]]) -> list[tuple]:
    rows: list[tuple] = []
    for file in table_files([path])[0]:
        table = read_features(file, columns)
        check_same_units(table, units)
        for i, name in enumerate(table.object_id):
            values = dict(zip(table.names, table.features[i].tolist(), strict=True))
            rows.append((name, table.label[i], values, table.split[i], table.fold[i]))
    return rows


def _of_shards(path: Path) -> list[tuple]:
    found = find_kind("tables").reader(Request()).items([str(path)])
    records = [item for item in found if not isinstance(item, Rejection)]
    return [(r["object_id"], r["label"] or None, r["metadata"], None, None) for r in records]


def _tested(split: Sequence[str | None]) -> np.ndarray | None:
    if not any(split):
        return None
    if odd := {text for text in split if text} - {"train", "validation", "test"}:
        raise DataError(
            f"the column 'split' says '{min(odd)}': call splits train, validation, test, or drop the column"
        )
    return np.array([text == "test" for text in split])


def _folds(fold: Sequence[str | None]) -> np.ndarray | None:
    if not any(fold):
        return None
    try:
        return np.array([-1 if text is None else int(text) for text in fold])
    except ValueError as error:
        raise DataError(f"the column 'fold' does not hold whole numbers ({error}): mend or drop it") from error


def read_groups(path: Path, there: tuple[str, ...]) -> dict[str, tuple[str, ...]]:
    """Group -> its classes, of a CSV file with columns class and group; classes that are not there are left out.

    Raises:
      DataError: there is no such file, it lacks a column, or none of its classes is there.
    """
    if not path.is_file():
        raise DataError(f"there is no file '{path}'")
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    if not rows or not {"class", "group"} <= set(rows[0]):
        raise DataError(f"'{path}' is no table of groups: it needs the columns class and group")
    groups: dict[str, list[str]] = {}
    for row in rows:
        if row["class"] in there:
            groups.setdefault(row["group"], []).append(row["class"])
    if not groups:
        raise DataError(f"none of the classes of '{path}' is in the data, which has {', '.join(there)}")
    return {name: tuple(sorted(set(classes))) for name, classes in groups.items()}
