"""Objects with embeddings for the commands that search, map and judge them: a table, or several of one space, with classes."""

import dataclasses
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from data_pipelines.sources.embedding_tables import (
    EmbeddingColumns,
    Embeddings,
    classes_of,
    read_classes,
    read_embeddings,
)
from lcjax.errors import DataError


@dataclasses.dataclass(frozen=True)
class EmbeddingInput:
    """Where embeddings and classes come from."""

    labels: Path | None = None
    """Classes, CSV or Parquet with object_id and class; default: those of the table, where it has some."""
    band: str | None = None
    """Of objects with embeddings in several bands."""
    columns: EmbeddingColumns = dataclasses.field(default_factory=EmbeddingColumns)
    """Names of the columns of tables."""


@dataclasses.dataclass(frozen=True)
class EmbeddedObjects:
    """N objects, one row each, all finite."""

    object_id: list[str]
    embedding: np.ndarray
    """(N, D) float32."""
    label: np.ndarray
    """(N,) int into `class_names`, -1 unknown."""
    class_names: tuple[str, ...]
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.object_id)

    def class_of(self, row: int) -> str:
        """Name of the class, empty where unknown."""
        return self.class_names[self.label[row]] if self.label[row] >= 0 else ""

    def taken(self, rows: Sequence[int] | np.ndarray) -> "EmbeddedObjects":
        """Some of them."""
        return dataclasses.replace(
            self, object_id=[self.object_id[i] for i in rows], embedding=self.embedding[rows], label=self.label[rows]
        )


def read_objects(path: Path, asked: EmbeddingInput, say: Callable[[str], None] = lambda text: None) -> EmbeddedObjects:
    """The objects of a table of embeddings; `say` is told what was left out.

    Raises:
      DataError: it cannot be read, an object has two different embeddings, or none is of use.
    """
    table = read_embeddings(path, asked.columns)
    first, copies = _one_row_each(table, asked.band, path)
    finite = [i for i in first if np.isfinite(table.embedding[i]).all()]
    if not finite:
        raise DataError(f"'{path}' has no object with a finite embedding")
    names = [table.object_id[i] for i in finite]
    classes = classes_of(table) if asked.labels is None else read_classes(asked.labels, asked.columns)
    said = classes.label
    notes = [f"{count:,} {what} in '{asked.labels or path}'" for what, count in classes.counts.items()]
    if asked.labels is not None and not set(said) & set(names):
        raise DataError(f"'{asked.labels}' has none of the objects of '{path}': are the ids the same?")
    class_names = tuple(sorted({said[name] for name in names if name in said}))
    number = {name: i for i, name in enumerate(class_names)}
    label = np.array([number[said[name]] if name in said else -1 for name in names], int)
    counts = {
        "rows without an id": table.unnamed,
        "repeated rows, taken once": copies,
        "objects whose embedding is not finite": len(first) - len(finite),
    }
    notes += [f"left out: {count:,} {what}" for what, count in counts.items() if count]
    for text in notes:
        say(text)
    return EmbeddedObjects(names, table.embedding[finite], label, class_names, tuple(notes))


def _one_row_each(table: Embeddings, band: str | None, path: Path) -> tuple[list[int], int]:
    """A row for each object, and how many repeated one."""
    rows = [i for i in range(len(table)) if band is None or table.band[i] == band]
    if not rows:
        bands = ", ".join(sorted({name or "(unnamed)" for name in table.band}))
        raise DataError(f"'{path}' has no embeddings in band '{band}': it has {bands}")
    first: dict[str, int] = {}
    copies = 0
    for i in rows:
        j = first.setdefault(table.object_id[i], i)
        if i == j:
            continue
        if table.band[i] != table.band[j]:
            raise DataError(
                f"'{table.object_id[i]}' of '{path}' has embeddings in bands '{table.band[j]}' and '{table.band[i]}': "
                "choose one with --band"
            )
        if not np.array_equal(table.embedding[i], table.embedding[j], equal_nan=True):
            raise DataError(
                f"'{table.object_id[i]}' has two different embeddings in '{path}': leave one row for each object"
            )
        copies += 1
    return list(first.values()), copies
