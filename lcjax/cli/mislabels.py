"""`lcjax mislabels TABLE`: objects whose class is in doubt, by what their neighbours in an embedding are."""

import dataclasses
from pathlib import Path
from typing import Annotated

import tyro

from data_pipelines.embedded_objects import EmbeddingInput, read_objects
from lcjax.cli.remarks import note
from lcjax.errors import ConfigError
from lcjax.inference.column_table import check_parquet_name, write_columns


@dataclasses.dataclass(frozen=True)
class MislabelOptions(EmbeddingInput):
    """Lists objects whose neighbours are of another class than they are said to be. Where the nearest class centre agrees with the
    neighbours the object is likely misclassified; the others are unusual members of their class.
    """

    table: Annotated[Path, tyro.conf.Positional] = tyro.MISSING
    """Embeddings with classes."""
    neighbours: int = 10
    top: int = 20
    """Objects shown."""
    out: Path | None = None
    """Parquet file of all labelled objects, the most doubtful first: object_id, class, suggested, doubt, candidate."""
    check: float | None = None
    """Change this share of the classes first and say how many are found, such as 0.05."""


def main(argv: list[str]) -> int:
    """Looks for doubts, prints, writes."""
    options = tyro.cli(MislabelOptions, args=argv, prog="lcjax mislabels")
    from lcjax.evaluation.doubtful_objects import doubtful_objects, labelled, planted_sentence
    from lcjax.evaluation.run import print_scores

    check_parquet_name(options.out)
    if options.neighbours < 1 or options.top < 1:
        raise ConfigError("--neighbours and --top are 1 or more")
    if options.check is not None and not 0 < options.check < 0.5:
        raise ConfigError(f"--check is {options.check:g}: give a share between 0 and 0.5")
    objects = read_objects(options.table, options)
    for text in objects.notes:
        note(text)
    objects = labelled(objects, options.table, note)
    if options.check is not None:
        print(planted_sentence(objects, options.check, options.neighbours))
    found = doubtful_objects(objects, options.neighbours)
    print_scores(found.scores(options.top))
    if options.out:
        write_columns(options.out, found.columns())
        note(f"written to {options.out}")
    return 0
