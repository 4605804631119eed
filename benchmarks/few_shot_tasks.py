"""What contestants are asked in the few-shot benchmark. All get the same stars, draws and classifiers.

Guesses are of every star to be scored on; scores are made of them for each part, with 95 % intervals over stars and draws.
"""

import dataclasses
import hashlib
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np

from benchmarks.few_shot_contestants import Cache, Contestant
from benchmarks.few_shot_stars import CLASSES, PARTS, SHARED, Curve, windows_of
from lcjax.evaluation.intervals import Score, interval, resampled_sums
from lcjax.evaluation.probe import balanced_macro_f1, classifier, draw
from lcjax.evaluation.ranking import auroc

NEIGHBOURS = 10


@dataclasses.dataclass(frozen=True)
class Sample:
    """Light curves with classes by number, of which some may be learned from."""

    curves: tuple[Curve, ...]
    class_names: tuple[str, ...]
    label: np.ndarray
    """(N,) int >= 0."""

    @cached_property
    def objects(self) -> np.ndarray:
        """(N,) str, survey and name of the star."""
        return np.array([f"{curve.survey}\t{curve.object_id}" for curve in self.curves])

    @cached_property
    def part(self) -> np.ndarray:
        """(N,) str."""
        return np.array([curve.part for curve in self.curves])

    @cached_property
    def pool(self) -> np.ndarray:
        """Rows to learn from."""
        return np.flatnonzero(self.part == "train")

    @cached_property
    def tested(self) -> np.ndarray:
        """Rows to be scored on, of all parts."""
        return np.flatnonzero(self.part != "train")


def sample_of(curves: Sequence[Curve], survey: str) -> Sample:
    """The stars of one survey's few-shot table."""
    names = CLASSES[survey]
    own = tuple(curve for curve in curves if curve.survey == survey and curve.label in names)
    return Sample(own, names, np.array([names.index(curve.label) for curve in own]))


def windows_sample(sample: Sample) -> Sample:
    """The same stars in pieces."""
    pieces = tuple(windows_of(sample.curves))
    return Sample(pieces, sample.class_names, np.array([sample.class_names.index(piece.label) for piece in pieces]))


def shared_sample(curves: Sequence[Curve], learned: Sequence[str], asked: str) -> Sample:
    """Stars to learn from of some surveys, and those to be scored on of another, by the classes that they share."""
    known = {SHARED[survey][label] for survey in learned for label in SHARED[survey]}
    names = tuple(sorted(known & set(SHARED[asked].values())))
    wanted, label = [], []
    for curve in curves:
        name = SHARED.get(curve.survey, {}).get(curve.label)
        if name in names and (curve.survey in learned if curve.part == "train" else curve.survey == asked):
            wanted.append(curve)
            label.append(names.index(name))
    return Sample(tuple(wanted), names, np.array(label, int))


def guesses(
    contestant: Contestant,
    cache: Cache,
    sample: Sample,
    head: str,
    draws: Sequence[np.ndarray],
    seeds: Sequence[int],
    also: Sequence[Curve] = (),
) -> np.ndarray:
    """(draws, tested) classes of the stars to be scored on.

    Args:
      also: what a contestant that is trained in every draw is asked at the same time, to be kept for another table.
    """
    classes = len(sample.class_names)
    if contestant.classify is not None:
        tested = [sample.curves[i] for i in sample.tested]
        found = []
        for rows, seed in zip(draws, seeds, strict=True):
            learned = [sample.curves[i] for i in rows]
            ask = lambda asked, learned=learned, rows=rows, seed=seed: contestant.classify(  # type: ignore[misc]
                learned, sample.label[rows], asked, classes, seed
            )
            found.append(cache.shares(f"{contestant.version}-{_stars_digest(sample, rows, seed)}", ask, tested, also))
        return np.stack([share.argmax(1) for share in found])
    table = cache.embedding(contestant, sample.curves)
    learned = (
        classifier(head, seed).fit(table[rows], sample.label[rows]) for rows, seed in zip(draws, seeds, strict=True)
    )
    return np.stack([one.predict(table[sample.tested]) for one in learned])


def _stars_digest(sample: Sample, rows: np.ndarray, seed: int) -> str:
    """Tells draws of labelled stars apart; the same for whole curves and for pieces of them."""
    stars = sorted({f"{sample.objects[i]}\t{sample.class_names[sample.label[i]]}" for i in rows})
    return hashlib.sha256("\n".join([*stars, str(seed)]).encode()).hexdigest()[:12]


def scores_by_part(sample: Sample, found: np.ndarray) -> dict[str, Score]:
    """Macro F1 of each part that has stars."""
    rows = sample.tested
    out = {}
    for part in PARTS:
        own = sample.part[rows] == part
        if own.any():
            label, names = sample.label[rows][own], sample.objects[rows][own]
            out[part] = balanced_macro_f1(label, found[:, own], len(sample.class_names), names)
    return out


def few_shot(
    contestant: Contestant,
    cache: Cache,
    sample: Sample,
    head: str,
    shots: int,
    draws: int,
    pieces: Sample | None = None,
) -> dict[str, Score]:
    """So many labelled stars of each class, or all where a class has fewer. Of a `shared_sample` this is transfer.

    Args:
      pieces: of the same stars, which networks trained here are asked about as well, for `few_shot_windows`.
    """
    rows = [draw(sample.label, sample.pool, shots, seed) for seed in range(draws)]
    if all(set(one) == set(rows[0]) for one in rows):  # no more stars than are asked for: one draw says all
        rows = rows[:1]
    also = [] if pieces is None else [pieces.curves[i] for i in pieces.tested]
    return scores_by_part(sample, guesses(contestant, cache, sample, head, rows, range(len(rows)), also))


def few_shot_windows(
    contestant: Contestant, cache: Cache, whole: Sample, pieces: Sample, head: str, shots: int, draws: int
) -> dict[str, Score]:
    """The same labelled stars, learned from and scored window by window; intervals are over stars."""
    drawn = [set(whole.objects[draw(whole.label, whole.pool, shots, seed)]) for seed in range(draws)]
    if all(one == drawn[0] for one in drawn):
        drawn = drawn[:1]
    rows = [np.flatnonzero([name in stars for name in pieces.objects]) for stars in drawn]
    return scores_by_part(pieces, guesses(contestant, cache, pieces, head, rows, range(len(rows))))


def unknown_class(contestant: Contestant, cache: Cache, sample: Sample, shots: int) -> dict[str, dict[str, Score]]:
    """How well stars of a class that was left out are told from those of the others: area under the curve, by class.

    The score of a star is its mean distance to five stars to learn from that are nearest to it, standardised by these.
    """
    table = cache.embedding(contestant, sample.curves)
    rows = draw(sample.label, sample.pool, shots, 0)
    out: dict[str, dict[str, Score]] = {part: {} for part in PARTS}
    for number, name in enumerate(sample.class_names):
        known = rows[sample.label[rows] != number]
        distance = near(table, known, sample.tested, 5)[0].mean(1)
        for part in PARTS:
            own = sample.part[sample.tested] == part
            unknown = sample.label[sample.tested][own] == number
            if unknown.any():
                out[part][name] = area(distance[own], unknown)
    return {part: found for part, found in out.items() if found}


def area(score: np.ndarray, positive: np.ndarray) -> Score:
    """Area under the curve, with an interval over stars."""
    rng = np.random.default_rng(0)
    samples = rng.integers(len(score), size=(300, len(score)))
    return interval(auroc(score, positive), np.array([auroc(score[rows], positive[rows]) for rows in samples]))


def nearest_precision(contestant: Contestant, cache: Cache, sample: Sample, shots: int) -> dict[str, Score]:
    """Share of the ten nearest stars, among equal numbers of each class, that are of a star's own class; mean over classes."""
    table = cache.embedding(contestant, sample.curves)
    rows = draw(sample.label, sample.pool, shots, 0)
    closest = near(table, rows, sample.tested, NEIGHBOURS)[1]
    label = sample.label[sample.tested]
    right = (sample.label[closest] == label[:, None]).mean(1)
    out = {}
    for part in PARTS:
        own = sample.part[sample.tested] == part
        if own.any():
            out[part] = class_mean(right[own], label[own], len(sample.class_names))
    return out


def class_mean(value: np.ndarray, label: np.ndarray, classes: int) -> Score:
    """Mean over the classes that there are of the mean over each one's stars, with an interval over stars."""
    one_hot = label[:, None] == np.arange(classes)
    sums = np.concatenate([value[:, None] * one_hot, one_hot], axis=1)

    def mean(total: np.ndarray) -> np.ndarray:
        count = total[:, classes:]
        return np.sum(total[:, :classes] / np.maximum(count, 1), axis=1) / np.sum(count > 0, axis=1)

    return interval(float(mean(sums.sum(0)[None])[0]), mean(resampled_sums(sums)))


def near(table: np.ndarray, known: np.ndarray, asked: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Distances (A, count) and rows of the known ones nearest to each that is asked; columns filled and standardised."""
    from sklearn.impute import SimpleImputer
    from sklearn.neighbors import NearestNeighbors
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    ready = make_pipeline(SimpleImputer(strategy="median", keep_empty_features=True), StandardScaler())
    x = ready.fit_transform(table[known])
    distance, index = (
        NearestNeighbors(n_neighbors=min(count, len(known))).fit(x).kneighbors(ready.transform(table[asked]))
    )
    return distance, known[index]


def summary(found: Mapping[str, Score]) -> dict[str, dict[str, float]]:
    """Scores for JSON."""
    return {name: {"value": s.value, "low": s.low, "high": s.high} for name, s in found.items()}


def shown(score: dict[str, Any] | None) -> str:
    """With its interval; several, by class, without.

    >>> shown({"value": 0.5, "low": 0.4, "high": 0.6}), shown({"EC": {"value": 0.88}}), shown(None)
    ('0.500 [0.400, 0.600]', 'EC 0.88', '-')
    """
    if score is None:
        return "-"
    if "value" not in score:
        return " ".join(f"{name} {one['value']:.2f}" for name, one in score.items())
    return f"{score['value']:.3f} [{score['low']:.3f}, {score['high']:.3f}]"
