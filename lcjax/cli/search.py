"""`lcjax search TABLE --query ID`: the objects most alike, within one table of embeddings or across modalities."""

import dataclasses
from pathlib import Path
from typing import Annotated

import tyro

from data_pipelines.embedded_objects import EmbeddedObjects, EmbeddingInput, read_objects
from lcjax.cli.remarks import note
from lcjax.errors import ConfigError
from lcjax.evaluation.retrieval_scores import (
    OtherModality,
    SearchSettings,
    chosen,
    comparable,
    found_columns,
    found_scores,
    modality_names,
    search_scores,
)
from lcjax.inference.column_table import check_parquet_name, write_columns


@dataclasses.dataclass(frozen=True)
class SearchOptions(SearchSettings, EmbeddingInput):
    """Finds the objects whose embeddings are most alike, exactly.

    Embeddings are Parquet tables of `lcjax predict`, or from elsewhere: object_id and a list column or numbered columns.
    """

    table: Annotated[Path, tyro.conf.Positional] = tyro.MISSING
    """Embeddings that are searched."""
    queries: Path | None = None
    """Take the queries' embeddings from this table instead: another modality of the same space, or other objects."""
    query_embedding: str | None = None
    """Column of the queries' embeddings where it is another one than --columns.embedding: spectra are found by light curves with
    --columns.embedding embedding_spectra --query-embedding embedding_photometry."""
    out: Path | None = None
    """Parquet file: query, rank, object_id, class, similarity."""

    @property
    def across(self) -> bool:
        """Whether queries have embeddings of their own."""
        return self.queries is not None or self.query_embedding is not None


def main(argv: list[str]) -> int:
    """Searches, prints, writes."""
    options = tyro.cli(SearchOptions, args=argv, prog="lcjax search")
    from lcjax.evaluation.run import print_scores

    if options.out is None and not options.query and not options.check:
        raise ConfigError("give --query ID..., or --out F.parquet to search for every object")
    check_parquet_name(options.out)
    of, metric = options.queries or options.table, options.metric
    objects = comparable(read_objects(options.table, options, note), metric, options.table, note)
    asked = comparable(_asked(of, options), metric, of, note) if options.across else objects
    if options.check:
        names = (options.table, options.columns.embedding or "", options.queries, options.query_embedding)
        other = OtherModality(asked, *modality_names(*names)) if options.across else None
        print_scores(search_scores(objects, options.k, metric, other))
    if not options.query and not options.out:
        return 0
    asked = chosen(asked, options.query, of)
    columns = found_columns(objects, asked, options.k, metric, not options.across, options.engine)
    if options.query:
        print_scores(found_scores(columns))
    if options.out:
        write_columns(options.out, columns)
        note(f"{len(asked):,} queries, written to {options.out}")
    return 0


def _asked(path: Path, options: SearchOptions) -> EmbeddedObjects:
    columns = options.columns
    if options.query_embedding is not None:
        columns = dataclasses.replace(columns, embedding=options.query_embedding)
    return read_objects(path, dataclasses.replace(options, columns=columns), lambda text: note(f"queries: {text}"))
