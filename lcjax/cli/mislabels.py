"""`lcjax mislabels TABLE`: objects whose class is in doubt, by what their neighbours in an embedding are."""

import dataclasses
from pathlib import Path
from typing import Annotated

import tyro

from data_pipelines.embedded_objects import EmbeddingInput, read_objects
from lcjax.cli.remarks import note
from lcjax.evaluation.doubtful_objects import DoubtSettings, find_doubtful
from lcjax.inference.column_table import check_parquet_name, write_columns


@dataclasses.dataclass(frozen=True)
class MislabelOptions(DoubtSettings, EmbeddingInput):
    """Lists objects whose neighbours are of another class than they are said to be. Where the nearest class centre agrees with the
    neighbours the object is likely misclassified; the others are unusual members of their class.
    """

    table: Annotated[Path, tyro.conf.Positional] = tyro.MISSING
    """Embeddings with classes."""
    out: Path | None = None
    """Parquet file of all labelled objects, the most doubtful first: object_id, class, suggested, doubt, candidate."""


def main(argv: list[str]) -> int:
    """Looks for doubts, prints, writes."""
    options = tyro.cli(MislabelOptions, args=argv, prog="lcjax mislabels")
    from lcjax.evaluation.run import print_scores

    check_parquet_name(options.out)
    options.check_ranges()
    found, scores = find_doubtful(read_objects(options.table, options, note), options, options.table, note)
    print_scores(scores)
    if options.out:
        write_columns(options.out, found.columns())
        note(f"written to {options.out}")
    return 0
