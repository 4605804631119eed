"""`lcjax search TABLE --query ID`: the objects most alike, within one table of embeddings or across modalities."""

import dataclasses
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import tyro

from lcjax.cli.embedded_objects import EmbeddedObjects, EmbeddingInput, read_objects, say
from lcjax.errors import ConfigError, DataError
from lcjax.files import new_file
from lcjax.inference.streamed_table import PARQUET


@dataclasses.dataclass(frozen=True)
class SearchOptions(EmbeddingInput):
    """Finds the objects whose embeddings are most alike, exactly.

    Embeddings are Parquet tables of `lcjax predict`, or from elsewhere: object_id and a list column or numbered columns.
    """

    table: Annotated[Path, tyro.conf.Positional] = tyro.MISSING
    """Embeddings that are searched."""
    query: tuple[str, ...] = ()
    """Ids to search for; none: every object, which needs --out."""
    queries: Path | None = None
    """Take the queries' embeddings from this table instead: another modality of the same space, or other objects."""
    query_embedding: str | None = None
    """Column of the queries' embeddings where it is another one than --columns.embedding: spectra are found by light curves with
    --columns.embedding embedding_spectra --query-embedding embedding_photometry."""
    k: int = 10
    """Objects wanted for each."""
    metric: Literal["cosine", "dot", "euclidean"] = "cosine"
    """cosine as in AstroM3; euclidean for embeddings that were not trained to be compared by their directions."""
    engine: Literal["jax", "faiss"] = "jax"
    """faiss: for millions of objects (extra `maps`); the same answers."""
    check: bool = False
    """Say how good the search is where it is known: neighbours of the same class, and with --queries the same object in both."""
    out: Path | None = None
    """Parquet file: query, rank, object_id, class, similarity."""

    @property
    def across(self) -> bool:
        """Whether queries have embeddings of their own."""
        return self.queries is not None or self.query_embedding is not None


def main(argv: list[str]) -> int:
    """Searches, prints, writes."""
    options = tyro.cli(SearchOptions, args=argv, prog="lcjax search")
    if options.out is None and not options.query and not options.check:
        raise ConfigError("give --query ID..., or --out F.parquet to search for every object")
    if options.out is not None and options.out.suffix.lower() not in PARQUET:
        raise ConfigError(f"'{options.out}' is no name of a Parquet file: end --out in .parquet")
    objects = read_objects(options.table, options)
    asked = _asked(options) if options.across else objects
    for note in (*objects.notes, *(f"queries: {note}" for note in asked.notes if options.across)):
        say(note)
    if options.check:
        _check(options, objects, asked)
    if options.query or options.out:
        _search(options, objects, _chosen(asked, options.query, options.queries or options.table))
    return 0


def _asked(options: SearchOptions) -> EmbeddedObjects:
    columns = options.columns
    if options.query_embedding is not None:
        columns = dataclasses.replace(columns, embedding=options.query_embedding)
    return read_objects(options.queries or options.table, dataclasses.replace(options, columns=columns))


def _chosen(asked: EmbeddedObjects, query: tuple[str, ...], where: Path) -> EmbeddedObjects:
    place = {name: row for row, name in enumerate(asked.object_id)}
    if unknown := [name for name in query if name not in place]:
        raise DataError(f"'{where}' has no object '{unknown[0]}' with an embedding")
    return asked.taken([place[name] for name in query]) if query else asked


def _search(options: SearchOptions, objects: EmbeddedObjects, asked: EmbeddedObjects) -> None:
    from lcjax.evaluation.retrieval import top_k
    from lcjax.evaluation.run import print_scores
    from lcjax.evaluation.scores import Scores, Table

    own = None if options.across else _own_rows(objects, asked)
    rows, likeness = top_k(asked.embedding, objects.embedding, options.k, options.metric, own, engine=options.engine)
    columns = {
        "query": np.repeat(asked.object_id, options.k),
        "rank": np.tile(np.arange(1, options.k + 1), len(asked)),
        "object_id": [objects.object_id[i] for i in rows.ravel()],
        "class": [objects.class_of(i) for i in rows.ravel()],
        "similarity": likeness.ravel(),
    }
    if options.query:
        shown = list(zip(*(np.asarray(c, object).tolist() for c in columns.values()), strict=True))
        shown = [(*row[:4], f"{row[4]:.4f}") for row in shown]
        print_scores(Scores("", [Table(tuple(columns), shown)], {}))
    if options.out:
        with new_file(options.out, "choose another --out") as temporary:
            pq.write_table(pa.table(columns), temporary)
        say(f"{len(asked):,} queries, written to {options.out}")


def _own_rows(objects: EmbeddedObjects, asked: EmbeddedObjects) -> np.ndarray:
    place = {name: row for row, name in enumerate(objects.object_id)}
    return np.array([place.get(name, -1) for name in asked.object_id])


def _check(options: SearchOptions, objects: EmbeddedObjects, asked: EmbeddedObjects) -> None:
    from lcjax.evaluation.retrieval import cross_retrieval, top_k
    from lcjax.evaluation.run import print_scores
    from lcjax.evaluation.scores import Scores, Table

    tables = []
    if options.across:
        places = [{name: row for row, name in enumerate(some.object_id)} for some in (asked, objects)]
        both = [name for name in objects.object_id if name in places[0]]
        if len(both) < 2:
            raise DataError(
                f"'{options.table}' and '{options.queries or options.query_embedding}' have {len(both)} objects in common: nothing to check"
            )
        pick = lambda some, place: some.embedding[[place[name] for name in both]]
        embedding = options.columns.embedding or ""
        asked_in = options.query_embedding or embedding
        names = [
            f"{(options.queries or options.table).stem} {asked_in}".strip(),
            f"{options.table.stem} {embedding}".strip(),
        ]
        names[1] += " (searched)" if names[0] == names[1] else ""
        found = cross_retrieval(dict(zip(names, map(pick, (asked, objects), places), strict=True)))
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
        tables.append(Table(header, rows, f"The same object in the other modality, {len(both):,} objects"))
    known = objects.taken(np.flatnonzero(objects.label >= 0))
    if len(known) > options.k and len(known.class_names) > 1:
        near = top_k(known.embedding, known.embedding, options.k, options.metric, np.arange(len(known)))[0]
        same = (known.label[near] == known.label[:, None]).mean(1)
        rows = []
        for c, name in enumerate(known.class_names):
            own = known.label == c
            if own.any():
                rows.append((name, int(own.sum()), f"{same[own].mean():.3f}", f"{own.mean():.3f}"))
        tables.append(
            Table(
                ("class", "objects", "neighbours of the class", "chance"),
                rows,
                f"Classes of the {options.k} most alike",
            )
        )
    if not tables:
        raise DataError("there is nothing to check by: no classes, and no second table (--queries)")
    print_scores(Scores("", tables, {}))
