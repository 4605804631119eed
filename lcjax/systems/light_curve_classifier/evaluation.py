"""Held-out scores of a classifier of light curves: of whole stars, and of single windows as the papers have them."""

from dataclasses import dataclass
from typing import Any

import jax
import numpy as np

from lcjax.errors import DataError
from lcjax.evaluation.block_figures import block_weights
from lcjax.evaluation.classification import ClassificationScores, score_classes
from lcjax.evaluation.classification_figures import classifier_figure
from lcjax.evaluation.scores import Picture, Scores, Section, Table, Text
from lcjax.inference.curve_classes import star_probabilities
from lcjax.inference.loaded import Loaded
from lcjax.systems.classifier.evaluation import class_table
from lcjax.systems.light_curve_classifier.subset import LabelledData
from lcjax.training.source import device_part

POOLED = {
    "log_probabilities": "the mean log-probabilities of its windows, made to add up to 1",
    "probabilities": "the mean probabilities of its windows",
}


@dataclass(frozen=True)
class StarAnswers:
    """Answers to every window of a split, and to its stars."""

    window: np.ndarray
    """(N, K) probabilities of windows."""
    window_label: np.ndarray
    """(N,) int, -1 unknown."""
    window_star: np.ndarray
    """(N,) int, into the stars."""
    star: np.ndarray
    """(S,) str, survey and name."""
    probabilities: np.ndarray
    """(S, K), of whole stars: all windows in all bands, each weighing as many points as it has."""
    label: np.ndarray
    """(S,) int, -1 unknown."""
    embedding: np.ndarray
    """(S, D), mean over windows weighted likewise."""
    contradictory: int
    """Stars whose records have different classes: their label counts as unknown."""


def answer_stars(loaded: Loaded, data: LabelledData) -> StarAnswers:
    """Runs a classifier over all windows of a split and pools them by star.

    Raises:
      DataError: there are no windows.
    """
    run = jax.jit(loaded.task.extras["windows"])
    dataset = data.dataset_of_record
    columns: dict[str, list[np.ndarray]] = {name: [] for name in ("score", "embedding", "label", "points", "star")}
    for batch in data.evaluation_batches():
        real = np.asarray(batch["weight"]) > 0
        if not real.any():
            continue
        found = run(loaded.variables, device_part(batch))
        names = zip(dataset[np.maximum(batch["record"], 0)], batch["object_id"], strict=True)
        rows = {
            "score": np.asarray(found["score"], np.float64),
            "embedding": np.asarray(found["embedding"], np.float64),
            "label": np.asarray(batch["label"]),
            "points": np.asarray(batch["mask"]).sum(1),
            "star": np.array([f"{survey}/{name}" for survey, name in names], object),
        }
        for name, value in rows.items():
            columns[name].append(value[real])
    if not columns["label"]:
        raise DataError("there are no light curves in this split: choose another with --split")
    joined = {name: np.concatenate(parts) for name, parts in columns.items()}
    return _pooled(joined, loaded.experiment.pooling)  # type: ignore[attr-defined]


def _pooled(rows: dict[str, np.ndarray], pooling: str) -> StarAnswers:
    """Windows together by star."""
    star, first, owner = np.unique(rows["star"].astype(str), return_index=True, return_inverse=True)
    weight = np.bincount(owner, rows["points"], len(star))[:, None]

    def mean(values: np.ndarray) -> np.ndarray:
        total = np.zeros((len(star), values.shape[1]))
        np.add.at(total, owner, values * rows["points"][:, None])
        return total / weight

    label = rows["label"][first]
    odd = np.zeros(len(star), bool)
    odd[owner[rows["label"] != label[owner]]] = True
    return StarAnswers(
        window=np.asarray(star_probabilities(rows["score"], pooling), np.float64),
        window_label=np.where(odd[owner], -1, rows["label"]),
        window_star=owner,
        star=star,
        probabilities=np.asarray(star_probabilities(mean(rows["score"]), pooling), np.float64),
        label=np.where(odd, -1, label),
        embedding=mean(rows["embedding"]),
        contradictory=int(odd.sum()),
    )


def evaluate(loaded: Loaded, data: LabelledData, commands: str) -> Scores:
    """Scores of stars and of windows, per class, the confusion of stars.

    Raises:
      DataError: there are no light curves, or none of a class of the model.
    """
    names, pooling = loaded.experiment.class_names, loaded.experiment.pooling  # type: ignore[attr-defined]
    answers = answer_stars(loaded, data)
    stars = score_classes(answers.probabilities, answers.label, answers.star, names)
    windows = score_classes(answers.window, answers.window_label, answers.star[answers.window_star], names)
    title = f"{stars.objects:,} labelled stars, {windows.alerts:,} windows, 95 % intervals over stars"
    overall = Table(
        ["scored", "accuracy", "macro F1", "mean recall", "log loss", "calibration error"],
        [_row("stars", stars), _row("windows", windows)],
        title,
    )
    notes = [
        Text(f"A star is answered by {POOLED[pooling]}, weighted by their points; published scores are of windows.")
    ]
    unlabelled = int((answers.label < 0).sum()) - answers.contradictory
    if unlabelled:
        notes.append(Text(f"{unlabelled:,} stars without a label of the model's classes are not scored"))
    if answers.contradictory:
        notes.append(Text(f"{answers.contradictory:,} stars whose records have different classes are not scored"))
    if absent := [name for name, count in zip(names, stars.confusion.sum(1), strict=True) if not count]:
        notes.append(
            Text(f"no labelled star here is of {', '.join(absent)}: macro F1 and mean recall are of the other classes")
        )
    classes = class_table(stars, "stars")
    picture = Picture(lambda: classifier_figure(stars), "Shares of each true class, and counts of stars.")
    return Scores(
        title="Classification report",
        printed=[overall, classes, *notes],
        values={
            "stars": _plain(stars, "stars"),
            "windows": _plain(windows, "windows"),
            "pooling": pooling,
            "unlabelled": unlabelled,
            "contradictory": answers.contradictory,
        },
        cards=[
            (f"{stars.macro_f1.value:.3f}", "macro F1 of stars"),
            (f"{windows.macro_f1.value:.3f}", "macro F1 of windows"),
            (f"{stars.accuracy.value:.1%}", "accuracy of stars"),
            (f"{stars.objects:,}", "labelled stars"),
        ],
        sections=[Section("Scores on held-out stars", [overall, *notes, classes, picture, *blocks_read(loaded)])],
        curve=("macro_f1", "Macro F1 of windows"),
        commands=commands,
        facts={"answers": answers, "stars": stars, "windows": windows},
    )


def blocks_read(loaded: Loaded) -> list[Picture]:
    """The weights of the encoder's blocks, where the head is one that learns them."""
    gamma = loaded.variables.get("params", {}).get("head", {}).get("gamma")
    if gamma is None:
        return []
    caption = "How much of each block of the encoder the head reads; dotted: equal shares."
    return [Picture(lambda: block_weights(gamma), caption)]


def _row(name: str, scores: ClassificationScores) -> list[object]:
    three = (scores.accuracy, scores.macro_f1, scores.balanced_accuracy)
    return [name, *(s.short() for s in three), f"{scores.log_loss:.3f}", f"{scores.calibration_error:.3f}"]


def _plain(scores: ClassificationScores, unit: str) -> dict[str, Any]:
    """Numbers for JSON; the count of what was scored is called what it is."""
    values = scores.as_dict()
    count = values.pop("alerts")
    return values if unit == "stars" else {**values, unit: count}
