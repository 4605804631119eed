"""Scores of vote fractions: RMSE by band and by class with intervals over objects, bias, dominant class, and pictures."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import jax
import numpy as np

from lcjax.errors import DataError
from lcjax.evaluation.figures import BLUE, CLASS_COLORS, GREY, INK, plots
from lcjax.evaluation.intervals import Score, interval, resampled_sums
from lcjax.evaluation.scores import Picture, Scores, Section, Table, Text
from lcjax.inference.loaded import Loaded
from lcjax.systems.base import Data
from lcjax.systems.deep_clash.config import BANDS
from lcjax.systems.deep_clash.task import votes_of

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class Voted:
    """N images with votes and answers."""

    object_id: np.ndarray
    band: np.ndarray
    votes: np.ndarray
    """(N, K)."""
    answers: np.ndarray
    """(N, K)."""

    def of_band(self, band: str) -> "Voted":
        """The images of one band."""
        kept = self.band == band
        return Voted(self.object_id[kept], self.band[kept], self.votes[kept], self.answers[kept])

    @property
    def bands(self) -> list[str]:
        """Known ones by wavelength, then the others."""
        return sorted(set(self.band), key=lambda b: (BANDS.index(b.upper()) if b.upper() in BANDS else len(BANDS), b))


@dataclass(frozen=True)
class VoteScores:
    """Of some images, with 95 % intervals over objects."""

    images: int
    objects: int
    rmse: Score
    """Mean over images of the root mean square over classes, as published."""
    pooled: Score
    """Root of the mean over images and classes."""
    by_class: list[Score]
    bias: list[Score]
    """Mean of answer less votes, by class."""
    accuracy: Score
    """Share of images whose largest fraction is that of the votes."""


def score_votes(voted: Voted, seed: int = 0) -> VoteScores:
    """Scores; an object is drawn with all its images.

    Raises:
      DataError: there are no images.
    """
    if not len(voted.votes):
        raise DataError("no image of this split has votes: there is nothing to score")
    error = voted.answers - voted.votes
    right = voted.answers.argmax(-1) == voted.votes.argmax(-1)
    each = np.sqrt((error**2).mean(-1))
    cells = np.column_stack([np.ones(len(error)), each, right, error**2, error])
    _, owner = np.unique(voted.object_id, return_inverse=True)
    table = np.zeros((owner.max() + 1, cells.shape[1]))
    np.add.at(table, owner, cells)
    drawn = resampled_sums(table, seed=seed)
    classes = error.shape[1]

    def values(sums: np.ndarray) -> list[np.ndarray]:
        count = sums[..., 0]
        square = sums[..., 3 : 3 + classes] / count[..., None]
        bias = sums[..., 3 + classes :] / count[..., None]
        return [sums[..., 1] / count, sums[..., 2] / count, np.sqrt(square.mean(-1)), np.sqrt(square), bias]

    found, draws = values(table.sum(0)), values(drawn)
    rmse, accuracy, pooled = (interval(float(found[i]), draws[i]) for i in range(3))
    by_class, bias = ([interval(float(found[i][k]), draws[i][:, k]) for k in range(classes)] for i in (3, 4))
    return VoteScores(len(error), len(table), rmse, pooled, by_class, bias, accuracy)


def answer_images(loaded: Loaded, data: Data) -> Voted:
    """What a model says of every image of a split that has votes."""
    objective, classes = loaded.experiment.objective, loaded.experiment.model.num_classes  # type: ignore[attr-defined]
    predict = jax.jit(loaded.task.predict)
    parts: list[tuple] = []
    for batch in data.evaluation_batches():
        answers = np.asarray(predict(loaded.variables, {"image": batch["image"]})["votes"])
        votes, weight = map(np.asarray, votes_of(batch, classes, objective.votes == "classes"))
        kept = weight > 0
        parts.append(
            (np.asarray(batch["object_id"])[kept], np.asarray(batch["band"])[kept], votes[kept], answers[kept])
        )
    if not parts:
        raise DataError("this split has no images: there is nothing to score")
    ids, band, votes, answers = (np.concatenate(column) for column in zip(*parts, strict=True))
    return Voted(ids.astype(str), band.astype(str), votes, answers)


def evaluate(loaded: Loaded, data: Data, commands: str) -> Scores:
    """Scores on every image of a split.

    Raises:
      DataError: none has votes.
    """
    voted, names = answer_images(loaded, data), tuple(loaded.experiment.objective.names)  # type: ignore[attr-defined]
    return vote_report(voted, names, commands)


def vote_report(voted: Voted, names: Sequence[str], commands: str = "") -> Scores:
    """Tables by band and class, sentences, pictures."""
    every = score_votes(voted)
    bands = {band: score_votes(voted.of_band(band)) for band in voted.bands}
    rows = [_row("all", every), *(_row(band, s) for band, s in bands.items() if len(bands) > 1)]
    header = ("band", "images", "objects", "RMSE", "pooled RMSE", *names)
    table = Table(header, rows, "Errors of vote fractions, 95 % intervals over objects")
    spread = voted.votes.std(0)
    classes = Table(
        ("class", "mean votes", "scatter of votes", "RMSE", "bias"),
        [
            (name, f"{voted.votes[:, k].mean():.3f}", f"{spread[k]:.3f}", every.by_class[k], every.bias[k])
            for k, name in enumerate(names)
        ],
        "By class",
    )
    constant = float(np.sqrt(((voted.votes - voted.votes.mean(0)) ** 2).mean(-1)).mean())
    said = [
        Text(
            f"the class with most votes is found in {100 * every.accuracy.value:.1f} % of the images ({every.accuracy})"
        ),
        Text(f"answering the mean votes of these images every time: RMSE {constant:.3f}"),
    ]
    values = {
        "all": _values(every, names),
        "bands": {band: _values(s, names) for band, s in bands.items()},
        "mean_votes_rmse": constant,
    }
    pictures = [
        Picture(lambda: vote_figure(voted, names), "Answers against votes of held-out images."),
        Picture(lambda: band_figure(bands), "Errors by band, with 95 % intervals over objects."),
    ]
    return Scores(
        title="Votes on galaxies",
        printed=[table, classes, *said],
        values=values,
        cards=[
            (f"{every.rmse.value:.3f}", "RMSE of vote fractions"),
            (f"{every.pooled.value:.3f}", "pooled RMSE"),
            (f"{every.images:,}", f"images of {every.objects:,} objects"),
        ],
        sections=[
            Section("Scores", [table, classes, *said]),
            Section("Pictures", pictures[: 2 if len(bands) > 1 else 1]),
        ],
        curve=("pooled_rmse", "Pooled RMSE"),
        commands=commands,
        facts={"voted": voted},
    )


def _row(name: str, s: VoteScores) -> tuple:
    return (name, f"{s.images:,}", f"{s.objects:,}", s.rmse, s.pooled, *(score.short() for score in s.by_class))


def _values(s: VoteScores, names: Sequence[str]) -> dict[str, Any]:
    return {
        "images": s.images,
        "objects": s.objects,
        "rmse": vars(s.rmse),
        "pooled_rmse": vars(s.pooled),
        "accuracy": vars(s.accuracy),
        "by_class": {name: vars(score) for name, score in zip(names, s.by_class, strict=True)},
        "bias": {name: vars(score) for name, score in zip(names, s.bias, strict=True)},
    }


def vote_figure(voted: Voted, names: Sequence[str]) -> "Figure":
    """Answer against votes, a panel a class."""
    plt = plots()
    columns = min(len(names), 5)
    lines = -(-len(names) // columns)
    figure, axes = plt.subplots(
        lines, columns, figsize=(2.3 * columns, 2.4 * lines), squeeze=False, sharex=True, sharey=True
    )
    for axis in axes.ravel()[len(names) :]:
        axis.set_axis_off()
    for k, (axis, name) in enumerate(zip(axes.ravel(), names, strict=False)):
        axis.plot([0, 1], [0, 1], color=GREY, lw=0.8)
        axis.scatter(voted.votes[:, k], voted.answers[:, k], s=4, alpha=0.4, color=CLASS_COLORS[k % len(CLASS_COLORS)])
        axis.set(title=name, xlim=(-0.03, 1.03), ylim=(-0.03, 1.03), xlabel="votes")
    axes[0, 0].set_ylabel("answer")
    return figure


def band_figure(bands: dict[str, VoteScores]) -> "Figure":
    """RMSE of each band."""
    plt = plots()
    figure, axis = plt.subplots(figsize=(1.5 + 0.45 * len(bands), 3))
    for x, score in enumerate(s.rmse for s in bands.values()):
        error = [[max(score.value - score.low, 0.0)], [max(score.high - score.value, 0.0)]]
        axis.errorbar(x, score.value, error, color=BLUE, marker="o", ms=4)
    axis.set_xticks(range(len(bands)), list(bands), rotation=60, fontsize=8, color=INK)
    axis.set(ylabel="RMSE of vote fractions", ylim=(0, None))
    return figure
