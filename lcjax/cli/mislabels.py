"""`lcjax mislabels TABLE`: objects whose class is in doubt, by what their neighbours in an embedding are."""

import dataclasses
from pathlib import Path
from typing import Annotated

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import tyro

from lcjax.cli.embedded_objects import EmbeddingInput, read_objects, say
from lcjax.errors import ConfigError, DataError
from lcjax.files import new_file
from lcjax.inference.streamed_table import PARQUET


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
    from lcjax.evaluation.mislabels import check_with_planted, find_doubts
    from lcjax.evaluation.run import print_scores
    from lcjax.evaluation.scores import Scores, Table

    if options.out is not None and options.out.suffix.lower() not in PARQUET:
        raise ConfigError(f"'{options.out}' is no name of a Parquet file: end --out in .parquet")
    if options.neighbours < 1 or options.top < 1:
        raise ConfigError("--neighbours and --top are 1 or more")
    if options.check is not None and not 0 < options.check < 0.5:
        raise ConfigError(f"--check is {options.check:g}: give a share between 0 and 0.5")
    objects = read_objects(options.table, options)
    for note in objects.notes:
        say(note)
    if not len(objects.class_names):
        raise DataError(f"'{options.table}' has no classes: give a table of classes with --labels")
    unlabelled = int((objects.label < 0).sum())
    if unlabelled:
        say(f"left out: {unlabelled:,} objects without a class")
        objects = objects.taken(np.flatnonzero(objects.label >= 0))
    if options.check is not None:
        found = check_with_planted(objects.embedding, objects.label, options.check, options.neighbours)
        print(
            f"{found.planted:,} of {len(objects):,} classes changed on purpose: AUROC {found.auroc:.3f}, average precision "
            f"{found.average_precision:.3f}; among as many most doubtful objects {found.found_among:.0%} are changed ones, and "
            f"{found.right_class:.0%} of them get their true class back"
        )
    doubts = find_doubts(objects.embedding, objects.label, options.neighbours)
    order = np.argsort(-doubts.doubt, kind="stable")
    name = lambda number: objects.class_names[number]
    rows = [
        (
            objects.object_id[i],
            objects.class_of(i),
            name(doubts.suggested[i]),
            f"{doubts.doubt[i]:.3f}",
            "likely misclassified" if doubts.candidates[i] else "unusual of its class" if doubts.doubt[i] > 0 else "",
        )
        for i in order
    ]
    title = f"{int(doubts.candidates.sum()):,} of {len(objects):,} objects are likely misclassified"
    print_scores(
        Scores("", [Table(("object", "class", "neighbours say", "doubt", ""), rows[: options.top], title)], {})
    )
    if options.out:
        ids, said, suggested, _, _ = zip(*rows, strict=True)
        columns = {
            "object_id": ids,
            "class": said,
            "suggested": suggested,
            "doubt": doubts.doubt[order],
            "candidate": doubts.candidates[order],
        }
        with new_file(options.out, "choose another --out") as temporary:
            pq.write_table(pa.table({k: list(v) for k, v in columns.items()}), temporary)
        say(f"written to {options.out}")
    return 0
