"""Labelled objects of a catalogue with their properties: rows that lack something are counted and set aside."""

import dataclasses
from collections.abc import Callable, Sequence
from typing import Literal, Protocol

import numpy as np

from lcjax.errors import ConfigError, DataError
from lcjax.evaluation.label_bias_catalogue import Catalogue, build_catalogue
from lcjax.evaluation.label_bias_labels import UNDECIDED, labels_from_probabilities
from lcjax.evaluation.scores import Text

_MOST_CLASSES = 50
_OFTEN = 0.01
"""Share of rows from which on a repeated value is told of."""


@dataclasses.dataclass(frozen=True)
class LabelOptions:
    """What the labels mean."""

    thresholds: tuple[float, ...] = ()
    """The labels are probabilities: an object is of the class whose column reaches its threshold, the last of several; one threshold
    may serve all. Of one column: class 1 from the threshold on, class 2 where 1 - p is above it."""
    keep_undecided: bool = False
    """Objects below all thresholds are a class of their own and not left out."""
    classes: tuple[str, ...] = ()
    """Only these; none: all there are."""


@dataclasses.dataclass(frozen=True)
class CatalogueColumns:
    """What is in the columns."""

    table: str | None = None
    """Of a FITS file with several tables, the one that is meant: its name (EXTNAME) or number."""
    missing: tuple[float, ...] = ()
    """Numbers that stand for a missing value, such as -9999."""
    copies: Literal["ask", "drop", "keep"] = "ask"
    """Of rows that are alike in all that is used: one object that is listed again (`drop`), or objects alike (`keep`). Many are refused
    until it is said, because each copy counts as evidence."""


class CatalogueTable(Protocol):
    """Columns of N rows, such as `data_pipelines.sources.catalogues.CatalogueTable`."""

    @property
    def name(self) -> str:
        """What to call it."""

    def numbers(self, column: str) -> np.ndarray:
        """(N,) float64, NaN where missing."""

    def classes(self, column: str) -> Sequence[str | None]:
        """(N) names, None where there is none."""


def labelled_catalogue(
    read: Callable[[Sequence[str]], CatalogueTable],
    labels: Sequence[str],
    intrinsic: Sequence[str],
    observed: Sequence[str],
    meaning: LabelOptions,
    columns: CatalogueColumns,
    seed: int = 0,
) -> tuple[Catalogue, list[Text]]:
    """The objects that have all of it, in random order, and sentences about the others.

    Args:
      read: the table with the columns of these names.

    Raises:
      DataError: columns that are missing, constant, alike or without numbers; too few classes or objects.
      ConfigError: labels that can mean two things.
    """
    if len(labels) > 1 and not meaning.thresholds:
        raise ConfigError(
            f"{len(labels)} columns of labels ({', '.join(labels)}) are probabilities: give --thresholds, or name one column"
        )
    if meaning.keep_undecided and not meaning.thresholds:
        raise ConfigError("--keep-undecided is for probabilities: give --thresholds, or leave it out")
    properties = [*intrinsic, *observed]
    table = read([*labels, *properties])
    said: list[Text] = []
    values = np.stack([table.numbers(name) for name in properties], axis=1)
    values[_marks_missing(values, columns.missing)] = np.nan
    for name, column in zip(properties, values.T, strict=True):
        if lost := int((~np.isfinite(column)).sum()):
            said.append(Text(f"{lost:,} of {len(column):,} rows have no '{name}', left out"))
    names = _classes(table, labels, meaning, said)
    counted = names != None  # noqa: E711  (elementwise)
    if meaning.classes:
        there = sorted(set(names[counted]))
        if unknown := [name for name in meaning.classes if name not in there]:
            raise DataError(f"'{table.name}' has no class '{unknown[0]}': it has {', '.join(there[:20])}")
        counted &= np.isin(names.astype(str), meaning.classes)
        said.append(Text(f"{len(names) - int(counted.sum()):,} rows of other classes or none, left out"))
    kept = np.flatnonzero(np.isfinite(values).all(axis=1) & counted)
    if not len(kept):
        raise DataError(f"no row of '{table.name}' has a class and all of {', '.join(properties)}")
    kept = _without_copies(kept, values, names, columns.copies, table.name, said)
    kept = np.random.default_rng(seed).permutation(
        kept
    )  # equal values come in random order, not in that of the classes
    if len(kinds := sorted(set(names[kept]))) > _MOST_CLASSES:
        raise DataError(
            f"'{labels[0]}' of '{table.name}' has {len(kinds):,} different classes: are they numbers that need --thresholds, or choose some with --classes"
        )
    width = len(intrinsic)
    catalogue = build_catalogue(
        values[kept][:, :width], values[kept][:, width:], names[kept].astype(str), kinds, properties
    )
    return catalogue, said + [Text(*remark) for remark in _repeated(catalogue)]


def _marks_missing(values: np.ndarray, marks: Sequence[float]) -> np.ndarray:
    """Which values are one of some numbers, as they are or as a column in single precision holds them."""
    with np.errstate(over="ignore"):
        single = np.asarray(marks, np.float32).astype(np.float64)
    return np.isin(values, np.concatenate([np.asarray(marks, np.float64), single]))


def _classes(table: CatalogueTable, labels: Sequence[str], meaning: LabelOptions, said: list[Text]) -> np.ndarray:
    """(N,) object: class names, None where there is none."""
    if not meaning.thresholds:
        names = np.array(table.classes(labels[0]), object)
        _refuse_probabilities(names, labels[0], table.name)
        if lost := int((names == None).sum()):  # noqa: E711
            said.append(Text(f"{lost:,} rows have no class, left out"))
        return names
    chances = np.stack([table.numbers(name) for name in labels], axis=1)
    there = np.isfinite(chances).all(axis=1)
    if lost := int((~there).sum()):
        said.append(Text(f"{lost:,} rows have no probability of every class, left out"))
    number = np.zeros(len(chances), np.int64)
    number[there] = labels_from_probabilities(chances[there], meaning.thresholds)
    undecided = int((there & (number == 0)).sum())
    said.append(
        Text(
            f"{undecided:,} rows reach no threshold, {'a class of their own' if meaning.keep_undecided else 'left out'}"
        )
    )
    shown = list(labels) if len(labels) > 1 else [labels[0], f"not {labels[0]}"]
    names = np.array([UNDECIDED if meaning.keep_undecided else None, *shown], object)[number]
    names[~there] = None
    return names


def _without_copies(
    kept: np.ndarray, values: np.ndarray, names: np.ndarray, copies: str, where: str, said: list[Text]
) -> np.ndarray:
    """Rows without those that repeat another one in class and all properties, where that is wanted."""
    if copies == "keep":
        return kept
    number = np.unique(names[kept].astype(str), return_inverse=True)[1]
    _, first = np.unique(np.column_stack([number, values[kept]]), axis=0, return_index=True)
    if not (again := len(kept) - len(first)):
        return kept
    share = f"{again:,} of {len(kept):,} rows of '{where}' repeat another one in class and all properties"
    if copies == "ask" and again > _OFTEN * len(kept):
        raise ConfigError(
            f"{share}: say --columns.copies drop if they are objects listed again, keep if they are other objects, alike"
        )
    said.append(Text(f"{share}, {'left out' if copies == 'drop' else 'kept (--columns.copies)'}"))
    return kept[np.sort(first)] if copies == "drop" else kept


def _refuse_probabilities(names: np.ndarray, column: str, where: str) -> None:
    """A column of fractions is no column of classes."""
    texts = {name for name in names if name is not None}
    try:
        numbers = np.array([float(text) for text in texts])
    except ValueError:
        return
    if len(numbers) > 2 and ((numbers >= 0) & (numbers <= 1)).all():
        raise ConfigError(
            f"'{column}' of '{where}' holds probabilities: say with --thresholds from where on an object is of the class"
        )


def _repeated(catalogue: Catalogue) -> list[tuple[str, str]]:
    """Remarks on values that many objects share: marks of missing values, or ties that are broken at random."""
    out = []
    for column in (*catalogue.intrinsic, *catalogue.observed):
        value, count = np.unique(column.value, return_counts=True)
        end = 0 if count[0] >= count[-1] else -1
        share, tied = count[end] / count.sum(), count[count > 1].sum() / count.sum()
        if share > _OFTEN and len(value) > 2:
            out.append(
                (
                    f"'{column.name}' is {value[end]:g}, its {'lowest' if end == 0 else 'highest'} value, for {share:.1%} of the objects: if that "
                    f"stands for a missing value, give --columns.missing {value[end]:g}",
                    "warning",
                )
            )
        elif tied > _OFTEN and column in catalogue.observed:
            out.append(
                (
                    f"{tied:.1%} of the objects share their '{column.name}' with others: which come into a bin is drawn by --seed",
                    "",
                )
            )
    return out
