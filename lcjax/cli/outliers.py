"""`lcjax outliers TABLE --out FOLDER`: the most unusual objects, as a table and as a page with their light curves."""

import dataclasses
from pathlib import Path
from typing import Annotated, Any

import tyro

from data_pipelines.embedded_objects import EmbeddingInput, read_objects
from data_pipelines.kinds import find_kind
from data_pipelines.kinds.reading import Request
from data_pipelines.sources.score_tables import SCORE, read_scores
from lcjax.cli.remarks import note
from lcjax.errors import ConfigError, Rejection
from lcjax.evaluation.outlier_ranking import (
    OutlierSettings,
    Ranked,
    common_outliers,
    rank_embedded,
    rank_scored,
    ranking_columns,
    ranking_scores,
    write_ranking,
)
from lcjax.inference.column_table import write_columns

TABLE = "outliers.parquet"


@dataclasses.dataclass(frozen=True)
class OutlierOptions(OutlierSettings, EmbeddingInput):
    """Ranks objects by how unusual they are. A table with a column anomaly_score (lcjax predict with a detector) is ranked by it;
    embeddings are scored here: `neighbours` (mean distance to the nearest), `mahalanobis` (to the nearest class mean), or
    `class-centre` (AstroM3: 1 less the cosine to the centre of the object's own class).
    """

    table: Annotated[tuple[Path, ...], tyro.conf.Positional] = tyro.MISSING
    """Scores or embeddings; several: modalities, whose common outliers are found."""
    light_curves: tuple[str, ...] = ()
    """Files of light curves, or prepared data, for the pictures."""
    out: Path | None = None
    """Folder for index.html and outliers.parquet (all objects, most unusual first)."""


def main(argv: list[str]) -> int:
    """Scores, ranks, prints, writes."""
    options = tyro.cli(OutlierOptions, args=argv, prog="lcjax outliers")
    options.check_ranges()
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


def _ranked(path: Path, options: OutlierOptions) -> Ranked:
    """By the scores that a table has; by its embeddings where it has none, or where the score shall be checked."""
    scored = read_scores(path)
    if scored is not None and not options.check:
        if options.labels or options.band:
            raise ConfigError(
                f"--labels and --band are for embeddings, and '{path}' is ranked by its column {SCORE}: leave them out"
            )
        return rank_scored(scored, path, note)
    return rank_embedded(read_objects(path, options, note), options, path, note)


def _light_curves(inputs: tuple[str, ...], wanted: set[str]) -> list[Any]:
    reader = find_kind("light_curves").reader(Request(say=note))
    return [c for c in reader.items(inputs) if not isinstance(c, Rejection) and c.object_id in wanted]
