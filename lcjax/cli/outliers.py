"""`lcjax outliers TABLE --out FOLDER`: the most unusual objects, as a table and as a page with their light curves."""

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import tyro

from data_pipelines.embedded_objects import EmbeddingInput, read_objects
from data_pipelines.kinds import find_kind
from data_pipelines.kinds.reading import Request
from data_pipelines.sources.score_tables import SCORE, read_scores
from lcjax.cli.remarks import note
from lcjax.errors import ConfigError, Rejection
from lcjax.inference.column_table import write_columns

if TYPE_CHECKING:
    from lcjax.evaluation.outlier_ranking import Ranked

TABLE = "outliers.parquet"


@dataclasses.dataclass(frozen=True)
class OutlierOptions(EmbeddingInput):
    """Ranks objects by how unusual they are. A table with a column anomaly_score (lcjax predict with a detector) is ranked by it;
    embeddings are scored here: `neighbours` (mean distance to the nearest), `mahalanobis` (to the nearest class mean), or
    `class-centre` (AstroM3: 1 less the cosine to the centre of the object's own class).
    """

    table: Annotated[tuple[Path, ...], tyro.conf.Positional] = tyro.MISSING
    """Scores or embeddings; several: modalities, whose common outliers are found."""
    method: Literal["neighbours", "mahalanobis", "class-centre"] = "neighbours"
    neighbours: int = 10
    top: int = 20
    """Objects shown."""
    light_curves: tuple[str, ...] = ()
    """Files of light curves, or prepared data, for the pictures."""
    out: Path | None = None
    """Folder for index.html and outliers.parquet (all objects, most unusual first)."""
    check: tuple[str, ...] = ()
    """Classes that are outliers: say how well they are found (AUROC) by a score that has not seen them as usual."""


def main(argv: list[str]) -> int:
    """Scores, ranks, prints, writes."""
    options = tyro.cli(OutlierOptions, args=argv, prog="lcjax outliers")
    if options.top < 1 or options.neighbours < 1:
        raise ConfigError("--top and --neighbours are 1 or more")
    from lcjax.evaluation.outlier_ranking import common_outliers, ranking_columns, ranking_scores, write_ranking
    from lcjax.evaluation.run import print_scores

    ranked = common_outliers([_ranked(path, options) for path in options.table], options.top)
    print_scores(ranking_scores(ranked, options.top))
    if options.out:
        options.out.mkdir(parents=True, exist_ok=True)
        write_columns(options.out / TABLE, ranking_columns(ranked))
        of = ", ".join(path.name for path in options.table)
        curves = (lambda wanted: _light_curves(options.light_curves, wanted)) if options.light_curves else None
        print(write_ranking(options.out, ranked, options.top, of, curves, note))
    return 0


def _ranked(path: Path, options: OutlierOptions) -> "Ranked":
    """By the scores that a table has; by its embeddings where it has none, or where the score shall be checked."""
    from lcjax.evaluation.outlier_ranking import Ranked, rank_embedded

    ready = read_scores(path)
    if ready is not None and not options.check:
        if options.labels or options.band:
            raise ConfigError(
                f"--labels and --band are for embeddings, and '{path}' is ranked by its column {SCORE}: leave them out"
            )
        note(f"'{path}' is ranked by its column {SCORE}, not by --method")
        if ready.left_out:
            note(f"left out: {ready.left_out:,} objects without a finite score or an id")
        return Ranked(ready.object_id, ready.score, ready.about)
    objects = read_objects(path, options)
    for text in objects.notes:
        note(text)
    return rank_embedded(objects, options.method, options.neighbours, options.check, path, note)


def _light_curves(inputs: tuple[str, ...], wanted: set[str]) -> list[Any]:
    reader = find_kind("light_curves").reader(Request(say=note))
    return [c for c in reader.items(inputs) if not isinstance(c, Rejection) and c.object_id in wanted]
