"""`lcjax outliers TABLE --out FOLDER`: the most unusual objects, as a table and as a page with their light curves."""

import dataclasses
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import tyro

from data_pipelines.sources.arrow_batches import file_batches
from lcjax.cli.embedded_objects import EmbeddedObjects, EmbeddingInput, read_objects, say
from lcjax.errors import ConfigError, DataError, Rejection
from lcjax.files import new_file

SCORE = "anomaly_score"
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
    found = [_scored(path, options) for path in options.table]
    ids, score, facts = found[0] if len(found) == 1 else _common(found, options)
    order = np.argsort(-score, kind="stable")
    _print([(ids[i], score[i], facts[i]) for i in order[: options.top]])
    if options.out:
        columns = {"object_id": [ids[i] for i in order], "score": score[order], "rank": np.arange(1, len(order) + 1)}
        options.out.mkdir(parents=True, exist_ok=True)
        with new_file(options.out / TABLE, "choose another --out") as temporary:
            pq.write_table(pa.table(columns), temporary)
        page = _gallery(options, ids, score, facts, order[: options.top])
        print(page)
    return 0


Ranked = tuple[list[str], np.ndarray, list[dict[str, str]]]
"""Ids, scores, and what else is known of each."""


def _scored(path: Path, options: OutlierOptions) -> Ranked:
    ready = _ready_scores(path)
    if ready is not None and not options.check:
        return ready
    objects = read_objects(path, options)
    for note in objects.notes:
        say(note)
    from lcjax.evaluation.outliers import outlier_score

    usual = None
    if options.check:
        usual = _usual(objects, options.check, path)
    score = outlier_score(options.method, objects.embedding, objects.label, usual, options.neighbours)
    known = np.isfinite(score)
    if not known.all():
        say(f"{(~known).sum():,} objects without a class have no score by class centres: left out")
        objects, score, usual = (
            objects.taken(np.flatnonzero(known)),
            score[known],
            None if usual is None else usual[known],
        )
    if options.check and usual is not None:
        _say_check(score, ~usual, options)
    return objects.object_id, score, [{"class": objects.class_of(i)} for i in range(len(objects))]


def _usual(objects: EmbeddedObjects, classes: tuple[str, ...], path: Path) -> np.ndarray:
    for name in classes:
        if name not in objects.class_names:
            raise ConfigError(
                f"'{path}' has no class '{name}' to check by: it has {', '.join(objects.class_names) or 'none'}"
            )
    held = [objects.class_names.index(name) for name in classes]
    usual = ~np.isin(objects.label, held)
    if not usual.any():
        raise ConfigError("all objects are of the classes given with --check: leave one that is usual")
    return usual


def _say_check(score: np.ndarray, outlier: np.ndarray, options: OutlierOptions) -> None:
    from lcjax.evaluation.ranking import auroc, average_precision

    print(
        f"outliers of {', '.join(options.check)}: AUROC {auroc(score, outlier):.3f}, average precision "
        f"{average_precision(score, outlier):.3f} (chance {outlier.mean():.3f}), {outlier.sum():,} of {len(outlier):,} objects, "
        f"by {options.method}"
    )


def _ready_scores(path: Path) -> Ranked | None:
    """The scores that a table has; None where it has none."""
    if not path.is_file():
        raise DataError(f"there is no file '{path}'")
    batches = list(file_batches(path))
    if not batches:
        raise DataError(f"'{path}' holds no table rows")
    table = pa.Table.from_batches(batches)
    if SCORE not in table.column_names:
        return None
    if "object_id" not in table.column_names:
        raise DataError(f"'{path}' has a column {SCORE} and no object_id: name the ids object_id")
    score = np.array([np.nan if v is None else v for v in table.column(SCORE).to_pylist()], float)
    ids = [str(v) for v in table.column("object_id").to_pylist()]
    kept = np.flatnonzero(np.isfinite(score))
    if len(kept) < len(score):
        say(f"left out: {len(score) - len(kept):,} objects without a finite score")
    if not len(kept):
        raise DataError(f"'{path}' has no finite score")
    facts: list[dict[str, str]] = []
    told = [name for name in ("class", "nearest_class", "top_features") if name in table.column_names]
    columns = {name: table.column(name).to_pylist() for name in told}
    for i in kept:
        text = lambda v: ", ".join(map(str, v)) if isinstance(v, list) else str(v or "")
        facts.append({name.replace("_", " "): text(values[i]) for name, values in columns.items()})
    return [ids[i] for i in kept], score[kept], facts


def _common(found: list[Ranked], options: OutlierOptions) -> Ranked:
    """Objects of all tables, by the mean of their ranks; those among the top of every one come first in their facts."""
    from lcjax.evaluation.outliers import in_common

    names = [name for name in found[0][0] if all(name in set(one[0]) for one in found[1:])]
    if not names:
        raise DataError("the tables have no objects in common: they must be modalities of the same objects")
    place = [{name: i for i, name in enumerate(one[0])} for one in found]
    scores = [np.array([one[1][at[name]] for name in names]) for one, at in zip(found, place, strict=True)]
    ranks = [np.argsort(np.argsort(-score, kind="stable"), kind="stable") for score in scores]
    both = set(in_common(scores, options.top))
    facts = [dict(found[0][2][place[0][name]]) for name in names]
    for i in both:
        facts[i]["unusual"] = "in every modality"
    return names, 1.0 - np.mean(ranks, axis=0) / len(names), facts


def _print(rows: list[tuple[str, float, dict[str, str]]]) -> None:
    from lcjax.evaluation.run import print_scores
    from lcjax.evaluation.scores import Scores, Table

    shown = [
        (rank, name, f"{score:.4g}", "; ".join(f"{k}: {v}" for k, v in facts.items() if v))
        for rank, (name, score, facts) in enumerate(rows, 1)
    ]
    print_scores(Scores("", [Table(("rank", "object", "score", "about"), shown)], {}))


def _gallery(
    options: OutlierOptions, ids: list[str], score: np.ndarray, facts: list[dict[str, str]], top: np.ndarray
) -> Path:
    from lcjax.evaluation.gallery import Exhibit, write_gallery

    wanted = {ids[i] for i in top}
    curves: dict[str, list[Any]] = {name: [] for name in wanted}
    for curve in _light_curves(options.light_curves, wanted):
        curves[curve.object_id].append(curve)
    if options.light_curves and not any(curves.values()):
        say("none of the most unusual objects has a light curve in the files given: are the ids the same?")
    shown = [Exhibit(ids[i], float(score[i]), facts[i], curves[ids[i]]) for i in top]
    lead = f"{len(ids):,} objects of {', '.join(p.name for p in options.table)}, the most unusual first"
    return write_gallery(options.out or Path(), shown, "The most unusual objects", lead)


def _light_curves(inputs: tuple[str, ...], wanted: set[str]) -> list[Any]:
    if not inputs:
        return []
    from data_pipelines.kinds import find_kind
    from data_pipelines.kinds.base import Request

    reader = find_kind("light_curves").reader(Request(say=say))
    return [c for c in reader.items(inputs) if not isinstance(c, Rejection) and c.object_id in wanted]
