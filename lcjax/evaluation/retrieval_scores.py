"""What a search among embedded objects found, as columns and tables, and how good it is where that is known."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from lcjax.errors import DataError
from lcjax.evaluation.embedded import EmbeddedObjects
from lcjax.evaluation.retrieval import Metric, cross_retrieval, top_k
from lcjax.evaluation.scores import Scores, Table


@dataclass(frozen=True)
class SearchSettings:
    """What is searched for, and how."""

    query: tuple[str, ...] = ()
    """Ids to search for; none: every object, which needs --out."""
    k: int = 10
    """Objects wanted for each."""
    metric: Metric = "cosine"
    """cosine as in AstroM3; euclidean for embeddings that were not trained to be compared by their directions."""
    engine: Literal["jax", "faiss"] = "jax"
    """faiss: for millions of objects (extra `maps`); the same answers."""
    check: bool = False
    """Say how good the search is where it is known: neighbours of the same class, and with --queries the same object in both."""


def modality_names(table: Path, embedding: str, queries: Path | None, query_embedding: str | None) -> tuple[str, str]:
    """What to call the queries' modality and the one that is searched, each by its table and column; never alike."""
    asked = f"{(queries or table).stem} {query_embedding or embedding}".strip()
    searched = f"{table.stem} {embedding}".strip()
    if asked != searched:
        return asked, searched
    return (asked, f"{searched} (searched)") if queries is None else (f"{queries} (queries)", str(table))


def comparable(objects: EmbeddedObjects, metric: Metric, where: Path, say: Callable[[str], None]) -> EmbeddedObjects:
    """Those that a metric can compare: an embedding of zeros has no direction, and is as like to one object as to another.

    Raises:
      DataError: none can be. `where`: of the objects; `say` is told how many are left out.
    """
    rows = np.flatnonzero(np.any(objects.embedding != 0, axis=1)) if metric == "cosine" else np.arange(len(objects))
    if not len(rows):
        raise DataError(
            f"all embeddings of '{where}' are zeros, which have no direction: compare with --metric euclidean"
        )
    if lost := len(objects) - len(rows):
        say(f"left out: {lost:,} objects of '{where}' whose embedding is all zeros")
    return objects.taken(rows) if lost else objects


def chosen(asked: EmbeddedObjects, query: Sequence[str], where: Path) -> EmbeddedObjects:
    """The objects of some names; all where none is named. `where`: what to call them.

    Raises:
      DataError: there is no such object.
    """
    place = {name: row for row, name in enumerate(asked.object_id)}
    if unknown := [name for name in query if name not in place]:
        raise DataError(f"'{where}' has no object '{unknown[0]}' with an embedding")
    return asked.taken([place[name] for name in query]) if query else asked


def found_columns(
    objects: EmbeddedObjects,
    asked: EmbeddedObjects,
    k: int,
    metric: Metric,
    same_table: bool,
    engine: Literal["jax", "faiss"] = "jax",
) -> dict[str, Any]:
    """The k most alike of each object asked about: columns query, rank, object_id, class, similarity.

    Args:
      same_table: both are of one table, so that an object must not find itself.
    """
    place = {name: row for row, name in enumerate(objects.object_id)}
    own = np.array([place.get(name, -1) for name in asked.object_id]) if same_table else None
    rows, likeness = top_k(asked.embedding, objects.embedding, k, metric, own, engine=engine)
    return {
        "query": np.repeat(asked.object_id, k),
        "rank": np.tile(np.arange(1, k + 1), len(asked)),
        "object_id": [objects.object_id[i] for i in rows.ravel()],
        "class": [objects.class_of(i) for i in rows.ravel()],
        "similarity": likeness.ravel(),
    }


def found_scores(columns: dict[str, Any]) -> Scores:
    """What was found, to be printed."""
    shown = list(zip(*(np.asarray(c, object).tolist() for c in columns.values()), strict=True))
    return Scores("", [Table(tuple(columns), [(*row[:4], f"{row[4]:.4f}") for row in shown])], {})


@dataclass(frozen=True)
class OtherModality:
    """The same objects, or some of them, in another modality."""

    objects: EmbeddedObjects
    name: str
    searched: str
    """What to call the modality that is searched."""


def search_scores(objects: EmbeddedObjects, k: int, metric: Metric, other: OtherModality | None = None) -> Scores:
    """How good the search is: neighbours of the same class, and the same object in another modality.

    Raises:
      DataError: nothing is known to judge by.
    """
    tables = [] if other is None else [_other_modality(objects, other)]
    known = objects.taken(np.flatnonzero(objects.label >= 0))
    if len(known) > k and len(known.class_names) > 1:
        tables.append(_classes(known, k, metric))
    if not tables:
        raise DataError("there is nothing to check by: no classes, and no second table (--queries)")
    return Scores("", tables, {})


def _other_modality(objects: EmbeddedObjects, other: OtherModality) -> Table:
    asked = other.objects
    places = [{name: row for row, name in enumerate(some.object_id)} for some in (asked, objects)]
    both = [name for name in objects.object_id if name in places[0]]
    if len(both) < 2:
        raise DataError(f"'{other.searched}' and '{other.name}' have {len(both)} objects in common: nothing to check")
    pick = lambda some, place: some.embedding[[place[name] for name in both]]
    found = cross_retrieval({other.name: pick(asked, places[0]), other.searched: pick(objects, places[1])})
    rows = [
        (
            f["query"],
            f["database"],
            *(f"{f['recall_at'][k]:.3f} ({f['chance_at'][k]:.3f})" for k in (1, 5, 10)),
            f["median_rank"],
        )
        for f in found
    ]
    header = ("query", "searched", "recall at 1 (chance)", "at 5", "at 10", "median rank")
    return Table(header, rows, f"The same object in the other modality, {len(both):,} objects")


def _classes(known: EmbeddedObjects, k: int, metric: Metric) -> Table:
    near = top_k(known.embedding, known.embedding, k, metric, np.arange(len(known)))[0]
    same = (known.label[near] == known.label[:, None]).mean(1)
    rows = []
    for c, name in enumerate(known.class_names):
        own = known.label == c
        if own.any():
            rows.append((name, int(own.sum()), f"{same[own].mean():.3f}", f"{own.mean():.3f}"))
    header = ("class", "objects", "neighbours of the class", "chance")
    return Table(header, rows, f"Classes of the {k} most alike")
