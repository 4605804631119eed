"""Pictures of a classifier: confusion matrix and, beside it, live units."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from lcjax.evaluation.classification import ClassificationScores
from lcjax.evaluation.figures import BLUE, INK, plots

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def classifier_figure(scores: ClassificationScores, live: Mapping[str, float] | None = None) -> "Figure":
    """Confusion matrix and, where known, the share of live units of every layer."""
    if not live:
        return confusion_matrix(scores)
    plt = plots()
    figure, axes = plt.subplots(1, 2, figsize=(9, 4.2), width_ratios=(1.15, 1))
    _confusion(axes[0], scores)
    _live_units(axes[1], live)
    return figure


def confusion_matrix(scores: ClassificationScores) -> "Figure":
    """Shares of each true class (rows) by predicted class, and counts; empty cells are blank."""
    plt = plots()
    side = 2.2 + 0.52 * len(scores.class_names)
    figure, axis = plt.subplots(figsize=(max(side + 0.6, 4.4), max(side - 0.3, 3.4)))
    drawn = _confusion(axis, scores)
    bar = figure.colorbar(drawn, ax=axis, label="share of the true class", pad=0.02, aspect=30)
    bar.outline.set_visible(False)
    return figure


def _confusion(axis: Any, scores: ClassificationScores) -> Any:
    counts, names = scores.confusion, scores.class_names
    shares = counts / np.maximum(counts.sum(1, keepdims=True), 1)
    drawn = axis.imshow(shares, cmap="Blues", vmin=0, vmax=1, aspect="auto")
    axis.set_xticks(range(len(names)), names, rotation=40, ha="right", rotation_mode="anchor")
    objects = [f"{name} ({n:,})" for name, n in zip(names, counts.sum(1), strict=True)]
    axis.set_yticks(range(len(names)), objects)
    axis.set(xlabel="predicted class", ylabel="true class")
    axis.grid(False)
    axis.spines[:].set_visible(False)
    size = 8.5 if len(names) <= 8 else 7
    for (i, j), share in np.ndenumerate(shares):
        if counts[i, j]:
            color = "white" if share > 0.55 else INK
            axis.text(j, i, f"{share:.2f}\n{counts[i, j]:,}", ha="center", va="center", fontsize=size, color=color)
    return drawn


def _live_units(axis: Any, live: Mapping[str, float]) -> None:
    """Bars; the name of a dead layer is red."""
    names, shares = list(live), np.array(list(live.values()))
    axis.barh(names, shares, color=BLUE)
    for i, share in enumerate(shares):
        axis.text(share + 0.01, i, f"{share:.0%}", va="center", fontsize=9, color=INK if share else "#c0392b")
    for label, share in zip(axis.get_yticklabels(), shares, strict=True):
        label.set_color("#6b7480" if share else "#c0392b")
    axis.set(xlim=(0, 1.15), xlabel="share of units that ever fire", title="Live units")
    axis.invert_yaxis()
