"""Objects ranked by how unusual they are: of one table, or common to several modalities."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

import numpy as np

from lcjax.errors import ConfigError, DataError
from lcjax.evaluation.embedded import EmbeddedObjects
from lcjax.evaluation.gallery import Curve, Exhibit, write_gallery
from lcjax.evaluation.outliers import in_common, outlier_score
from lcjax.evaluation.ranking import auroc, average_precision, rank_bounds
from lcjax.evaluation.scores import Scores, Table, Text


@dataclass(frozen=True)
class OutlierSettings:
    """How objects are ranked, and how many are shown."""

    method: Literal["neighbours", "mahalanobis", "class-centre"] = "neighbours"
    neighbours: int = 10
    top: int = 20
    """Objects shown."""
    check: tuple[str, ...] = ()
    """Classes that are outliers: say how well they are found (AUROC) by a score that has not seen them as usual."""

    def check_ranges(self) -> None:
        """Makes sure that the numbers make sense.

        Raises:
          ConfigError: they do not.
        """
        if self.top < 1 or self.neighbours < 1:
            raise ConfigError("--top and --neighbours are 1 or more")


class ScoredObjects(Protocol):
    """N objects with a finite score each, such as `data_pipelines.sources.score_tables.ScoredObjects`."""

    @property
    def object_id(self) -> Sequence[str]:
        """Names."""

    @property
    def score(self) -> np.ndarray:
        """(N,), higher is more unusual."""

    @property
    def about(self) -> Sequence[dict[str, str]]:
        """What else is known of each."""

    @property
    def left_out(self) -> int:
        """Rows without an id or a finite score."""


@dataclass(frozen=True)
class Ranked:
    """N objects."""

    object_id: Sequence[str]
    score: np.ndarray
    """(N,), higher is more unusual."""
    about: Sequence[dict[str, str]]
    """What else is known of each."""
    found: tuple[str, ...] = ()
    """How well the outliers are found that are known, in sentences."""

    @property
    def order(self) -> np.ndarray:
        """(N,) rows, the most unusual first; equal ones as they came."""
        return np.argsort(-self.score, kind="stable")


def rank_embedded(
    objects: EmbeddedObjects, settings: OutlierSettings, where: Path, say: Callable[[str], None]
) -> Ranked:
    """Scores embeddings by a method of `outliers.METHODS`.

    Args:
      where: of the objects. say: told what was left out.

    Raises:
      ConfigError: no such class to check by, or no other. DataError: see `outlier_score`.
    """
    check, method = settings.check, settings.method
    usual = _usual(objects, check, where) if check else None
    score = outlier_score(method, objects.embedding, objects.label, usual, settings.neighbours)
    known = np.isfinite(score)
    if not known.all():
        say(f"{(~known).sum():,} objects without a class have no score by class centres: left out")
        objects, score = objects.taken(np.flatnonzero(known)), score[known]
        usual = None if usual is None else usual[known]
    found: tuple[str, ...] = ()
    if usual is not None:
        outlier = ~usual
        found = (
            f"outliers of {', '.join(check)}: AUROC {auroc(score, outlier):.3f}, average precision "
            f"{average_precision(score, outlier):.3f} (chance {outlier.mean():.3f}), {outlier.sum():,} of {len(outlier):,} "
            f"objects, by {method}",
        )
    about = [{"class": objects.class_of(i)} for i in range(len(objects))]
    return Ranked(objects.object_id, score, about, found)


def rank_scored(scored: ScoredObjects, path: Path, say: Callable[[str], None]) -> Ranked:
    """Objects of a table in `path` that has scores; `say` is told what is not as it might be thought."""
    say(f"'{path}' is ranked by its column anomaly_score, not by --method")
    if scored.left_out:
        say(f"left out: {scored.left_out:,} objects without a finite score or an id")
    return Ranked(scored.object_id, scored.score, scored.about)


def _usual(objects: EmbeddedObjects, classes: Sequence[str], where: Path) -> np.ndarray:
    for name in classes:
        if name not in objects.class_names:
            raise ConfigError(
                f"'{where}' has no class '{name}' to check by: it has {', '.join(objects.class_names) or 'none'}"
            )
    usual = ~np.isin(objects.label, [objects.class_names.index(name) for name in classes])
    if not usual.any():
        raise ConfigError("all objects are of the classes given with --check: leave one that is usual")
    return usual


def common_outliers(found: Sequence[Ranked], top: int) -> Ranked:
    """Objects of all tables, by the mean of their ranks, which equal scores share; those among the top of every one are said to be.

    Raises:
      DataError: the tables have no object in common, or one has an object twice.
    """
    if len(found) == 1:
        return found[0]
    place = [{name: i for i, name in enumerate(one.object_id)} for one in found]
    for one, at in zip(found, place, strict=True):
        if twice := next((name for i, name in enumerate(one.object_id) if at[name] != i), None):
            raise DataError(
                f"a table has '{twice}' in several rows: several modalities are ranked by one row an object"
            )
    names = [name for name in found[0].object_id if all(name in other for other in place[1:])]
    if not names:
        raise DataError("the tables have no objects in common: they must be modalities of the same objects")
    scores = [np.array([one.score[at[name]] for name in names]) for one, at in zip(found, place, strict=True)]
    rank = np.mean([rank_bounds(score) for score in scores], axis=(0, 1))
    about = [dict(found[0].about[place[0][name]]) for name in names]
    for i in in_common(scores, top):
        about[i]["unusual"] = "in every modality"
    return Ranked(names, 1.0 - rank / len(names), about, tuple(text for one in found for text in one.found))


def ranking_scores(ranked: Ranked, top: int) -> Scores:
    """The most unusual ones, to be printed."""
    rows = [
        (rank, ranked.object_id[i], f"{ranked.score[i]:.4g}", "; ".join(f"{k}: {v}" for k, v in about.items() if v))
        for rank, i in enumerate(ranked.order[:top], 1)
        for about in (ranked.about[i],)
    ]
    return Scores("", [*map(Text, ranked.found), Table(("rank", "object", "score", "about"), rows)], {})


def ranking_columns(ranked: Ranked) -> dict[str, object]:
    """All objects, the most unusual first: object_id, score, rank."""
    order = ranked.order
    names = [ranked.object_id[i] for i in order]
    return {"object_id": names, "score": ranked.score[order], "rank": np.arange(1, len(order) + 1)}


def write_ranking(
    folder: Path,
    ranked: Ranked,
    top: int,
    of: str,
    curves: Callable[[set[str]], Iterable[Curve]] | None,
    say: Callable[[str], None],
) -> Path:
    """The page of the most unusual ones with their light curves; returns its path.

    Args:
      of: what the objects are of. curves: reads the light curves of objects of these names, each with its `object_id`;
      None: there are none.
    """
    rows = ranked.order[:top]
    found: dict[str, list[Curve]] = {ranked.object_id[i]: [] for i in rows}
    for curve in curves(set(found)) if curves else ():
        found[curve.object_id].append(curve)
    if curves and not any(found.values()):
        say("none of the most unusual objects has a light curve in the files given: are the ids the same?")
    exhibits = [
        Exhibit(ranked.object_id[i], float(ranked.score[i]), ranked.about[i], found[ranked.object_id[i]]) for i in rows
    ]
    lead = f"{len(ranked.object_id):,} objects of {of}, the most unusual first"
    return write_gallery(folder, exhibits, "The most unusual objects", lead)
