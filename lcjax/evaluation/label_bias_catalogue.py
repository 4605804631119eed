"""A labelled catalogue whose columns are ordered once, and how it is to be cut: what the labelling bias is measured on."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from lcjax.errors import DataError

Split = Literal["cyclic", "fractions"]


@dataclass(frozen=True)
class Column:
    """N values, ordered once."""

    name: str
    order: np.ndarray
    """(N,) rows by value; equal values in the order of the rows."""
    rank: np.ndarray
    """(N,) uint32, the inverse: how many values come before each."""
    value: np.ndarray
    """(N,) float64, ascending."""
    label: np.ndarray
    """(N,) class numbers in that order."""


@dataclass(frozen=True)
class Catalogue:
    """N labelled objects."""

    intrinsic: tuple[Column, ...]
    observed: tuple[Column, ...]
    label: np.ndarray
    """(N,) numbers of `classes`."""
    classes: tuple
    """K of them."""
    between: tuple[tuple[np.ndarray, ...], ...]
    """Of each intrinsic column, then of each column: place in the first -> place in the second, (N,) uint32."""

    def __len__(self) -> int:
        return len(self.label)

    @property
    def columns(self) -> tuple[Column, ...]:
        """Intrinsic and observed ones."""
        return self.intrinsic + self.observed


@dataclass(frozen=True)
class Bins:
    """How a catalogue is cut."""

    depth: int
    """The tree has 2^depth leaves."""
    observable: int
    """Bins of equal counts of each observable in each leaf."""
    first: tuple[bool, ...]
    """Of each observable: whether the reference, the best observed bin, is that of the lowest values (apparent magnitude) or that
    of the highest (radius over seeing). The original calls it increasing bias."""
    split: Split = "cyclic"
    """Axis of a node: each in turn, or that whose halves differ most in class fractions."""

    @property
    def count(self) -> int:
        """Of all leaves and bins of one observable."""
        return 2**self.depth * self.observable


def build_catalogue(
    intrinsic: np.ndarray,
    observed: np.ndarray,
    labels: np.ndarray,
    classes: Sequence | None = None,
    names: Sequence[str] = (),
) -> Catalogue:
    """Objects with one of the classes, ready to be cut.

    Args:
      intrinsic: (N, A), what an object is: radius in kpc, absolute magnitude, redshift in the paper.
      observed: (N, O), how well it is seen: apparent magnitude, radius in units of the seeing.
      labels: (N,) of any kind. classes: those that count; None: all there are. names: of the A + O columns, for errors.

    Raises:
      DataError: a value is not finite, a column is constant, two columns order the objects alike, or fewer than two classes are there.
    """
    labels = np.asarray(labels)
    classes = tuple(np.unique(labels).tolist() if classes is None else classes)
    if len(set(classes)) < 2:
        raise DataError(f"all objects have the same class ({', '.join(map(str, classes))}): a bias needs two classes")
    kept = np.isin(labels, np.array(classes))
    order = np.argsort(np.array(classes))
    label = order[np.searchsorted(np.array(classes), labels[kept], sorter=order)]
    label = label.astype(np.uint8 if len(classes) < 256 else np.int32)
    parts = [np.asarray(part, np.float64)[kept] for part in (intrinsic, observed)]
    width = parts[0].shape[1]
    names = list(names) or [f"alpha {i}" for i in range(width)] + [f"beta {i}" for i in range(parts[1].shape[1])]
    columns = [_ordered(values, name, label) for values, name in zip(np.hstack(parts).T, names, strict=True)]
    _refuse_twins(columns)
    between = tuple(tuple(other.rank[one.order] for other in columns) for one in columns[:width])
    return Catalogue(tuple(columns[:width]), tuple(columns[width:]), label, classes, between)


def _ordered(values: np.ndarray, name: str, label: np.ndarray) -> Column:
    if not np.isfinite(values).all():
        raise DataError(f"'{name}' is not finite for {int((~np.isfinite(values)).sum()):,} objects: leave these out")
    order = np.argsort(values)
    value = values[order]
    if (value[1:] == value[:-1]).any():  # equal ones in the order of the rows; a stable sort takes five times as long
        order = np.argsort(values, kind="stable")
    if len(value) and value[0] == value[-1]:
        raise DataError(f"'{name}' is {value[0]:g} for all objects: nothing can depend on it, leave it out")
    place = np.empty(len(values), np.uint32)
    place[order] = np.arange(len(values), dtype=np.uint32)
    return Column(name, order, place, value, label[order])


def _refuse_twins(columns: Sequence[Column]) -> None:
    for i, one in enumerate(columns):
        for other in columns[:i]:
            if np.array_equal(one.rank, other.rank):
                raise DataError(f"'{other.name}' and '{one.name}' order the objects alike: leave one of them out")
