"""Picture of a classifier: confusion matrix and, beside it, live units."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from lcjax.evaluation.classification import ClassificationScores
from lcjax.evaluation.figures import plots


def classifier_figure(scores: ClassificationScores, live: Mapping[str, float] | None = None) -> Any:
    """Confusion matrix, every row divided by its sum, and the share of live units of every layer, where known."""
    plt = plots()
    figure, axes = plt.subplots(1, 2, figsize=(9, 4.2), width_ratios=(1.15, 1))
    _confusion(axes[0], scores)
    if live:
        _live_units(axes[1], live)
    else:
        axes[1].set_axis_off()
    return figure


def _confusion(axis: Any, scores: ClassificationScores) -> None:
    counts, names = scores.confusion, scores.class_names
    shares = counts / np.maximum(counts.sum(1, keepdims=True), 1)
    axis.imshow(shares, cmap="Blues", vmin=0, vmax=1, aspect="auto")
    axis.set_xticks(range(len(names)), names, rotation=30, ha="right")
    axis.set_yticks(range(len(names)), names)
    axis.set(xlabel="predicted", ylabel="true", title="Confusion")
    axis.grid(False)
    for (i, j), share in np.ndenumerate(shares):
        text = f"{share:.2f}\n{counts[i, j]:,}" if counts[i].sum() else "-"
        color = "white" if share > 0.55 else "#2c333b"
        axis.text(j, i, text, ha="center", va="center", fontsize=8.5, color=color)


def _live_units(axis: Any, live: Mapping[str, float]) -> None:
    """Bars; the name of a dead layer is red."""
    names, shares = list(live), np.array(list(live.values()))
    axis.barh(names, shares, color="#3566a8")
    for i, share in enumerate(shares):
        axis.text(share + 0.01, i, f"{share:.0%}", va="center", fontsize=9, color="#2c333b" if share else "#c0392b")
    for label, share in zip(axis.get_yticklabels(), shares, strict=True):
        label.set_color("#6b7480" if share else "#c0392b")
    axis.set(xlim=(0, 1.15), xlabel="share of units that ever fire", title="Live units")
    axis.invert_yaxis()
