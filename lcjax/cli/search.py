"""`lcjax search TABLE --query ID`: the objects most alike, within one table of embeddings or across modalities."""

import dataclasses
from pathlib import Path
from typing import Annotated, Literal

import tyro

from data_pipelines.embedded_objects import EmbeddedObjects, EmbeddingInput, read_objects
from lcjax.cli.remarks import note
from lcjax.errors import ConfigError
from lcjax.inference.column_table import check_parquet_name, write_columns


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
    from lcjax.evaluation.retrieval_scores import (
        OtherModality,
        chosen,
        comparable,
        found_columns,
        found_scores,
        search_scores,
    )
    from lcjax.evaluation.run import print_scores

    if options.out is None and not options.query and not options.check:
        raise ConfigError("give --query ID..., or --out F.parquet to search for every object")
    check_parquet_name(options.out)
    objects = read_objects(options.table, options)
    asked = _asked(options) if options.across else objects
    for text in (*objects.notes, *(f"queries: {text}" for text in asked.notes if options.across)):
        note(text)
    objects = comparable(objects, options.metric, options.table, note)
    asked = comparable(asked, options.metric, options.queries or options.table, note) if options.across else objects
    if options.check:
        other = OtherModality(asked, *_names(options)) if options.across else None
        print_scores(search_scores(objects, options.k, options.metric, other))
    if not options.query and not options.out:
        return 0
    asked = chosen(asked, options.query, options.queries or options.table)
    columns = found_columns(objects, asked, options.k, options.metric, not options.across, options.engine)
    if options.query:
        print_scores(found_scores(columns))
    if options.out:
        write_columns(options.out, columns)
        note(f"{len(asked):,} queries, written to {options.out}")
    return 0


def _asked(options: SearchOptions) -> EmbeddedObjects:
    columns = options.columns
    if options.query_embedding is not None:
        columns = dataclasses.replace(columns, embedding=options.query_embedding)
    return read_objects(options.queries or options.table, dataclasses.replace(options, columns=columns))


def _names(options: SearchOptions) -> tuple[str, str]:
    """What to call the queries' modality and the one that is searched."""
    embedding = options.columns.embedding or ""
    queries = f"{(options.queries or options.table).stem} {options.query_embedding or embedding}".strip()
    searched = f"{options.table.stem} {embedding}".strip()
    if queries != searched:
        return queries, searched
    if options.queries is None:
        return queries, f"{searched} (searched)"
    return f"{options.queries} (queries)", str(options.table)
