"""Picture of what embeddings call alike: stars and their nearest neighbours, each folded at its own period."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from lcjax.evaluation.figures import BLUE, GREY, INK, ORANGE, plots
from lcjax.evaluation.harmonic_fit import fit_window

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def nearest(embedding: np.ndarray, queries: Sequence[int], k: int = 4) -> np.ndarray:
    """(Q, k) int: the k nearest other objects of each query, in Euclidean distance of standardised embeddings (N, D).

    >>> nearest(np.array([[0.0], [1.0], [9.0], [8.5]]), [0, 2], 1).tolist()
    [[1], [3]]
    """
    x = np.asarray(embedding, np.float64)
    spread = x.std(0)
    x = (x - x.mean(0)) / np.where(spread > 0, spread, 1.0)
    found = []
    for query in queries:
        distance = ((x - x[query]) ** 2).sum(1)
        distance[query] = np.inf
        found.append(np.argsort(distance, kind="stable")[: min(k, len(x) - 1)])
    return np.array(found, int).reshape(len(found), min(k, len(x) - 1))


def queries_of_classes(labels: np.ndarray, n_points: np.ndarray, most: int = 4) -> list[int]:
    """An object of each of the most numerous classes: the one with the most points.

    >>> queries_of_classes(np.array([0, 0, 0, 1, 1, -1]), np.array([5, 9, 7, 3, 4, 99]), 2)
    [1, 4]
    """
    names, counts = np.unique(labels[labels >= 0], return_counts=True)
    chosen = names[np.argsort(-counts, kind="stable")[:most]]
    return [int(np.flatnonzero(labels == c)[np.argmax(n_points[labels == c])]) for c in chosen]


def folded_neighbours(rows: Sequence[Sequence[dict]]) -> "Figure":
    """Stars (first column) and their nearest neighbours, each folded at its best period; against time where none is found.

    Minimum light, where there is a period, lies at phase 0. A neighbour of another class has an orange title.

    Args:
      rows: of each query, the query and then its neighbours, nearest first: dicts with `name`, `label` (class, may be
        empty), and `time` (d), `magnitude`, `magnitude_error` (mag).
    """
    plt = plots()
    columns = max(map(len, rows))
    size = (2.15 * columns + 0.4, 1.75 * len(rows) + 0.5)
    figure, axes = plt.subplots(len(rows), columns, figsize=size, squeeze=False)
    for row, stars in zip(axes, rows, strict=True):
        for axis in row[len(stars) :]:
            axis.set_axis_off()
        for column, (axis, star) in enumerate(zip(row, stars, strict=False)):
            other = column > 0 and star["label"] != stars[0]["label"]
            _folded(axis, star, BLUE if column == 0 else INK, ORANGE if other else INK)
        row[0].set_ylabel("magnitude")
    axes[0, 0].annotate("query", (0, 1.28), xycoords="axes fraction", color=BLUE, fontsize=10, weight="bold")
    if columns > 1:
        axes[0, 1].annotate("nearest neighbours  →", (0, 1.28), xycoords="axes fraction", color=INK, fontsize=10)
    for axis in axes[-1]:
        if axis.axison and not axis.get_xlabel():
            axis.set_xlabel("phase")
    return figure


def _folded(axis: Any, star: dict, color: str, title_color: str) -> None:
    time = np.asarray(star["time"], np.float64)
    y, error = np.asarray(star["magnitude"], np.float64), np.asarray(star["magnitude_error"], np.float64)
    fit = fit_window(time, y, error)
    if fit.frequency is None:
        x, said = time - time.min(), "no period"
        axis.set_xlabel("days")
        spans = [x]
    else:
        curve = np.linspace(0, 1, 200) / fit.frequency + fit.start
        faintest = curve[np.argmax(fit(curve))]
        x = (time - faintest) * fit.frequency % 1.0
        spans, said = [x, x + 1], f"{1 / fit.frequency:.4g} d"
        axis.set_xlim(0, 2)
        line = np.linspace(0, 2, 300)
        axis.plot(line, fit(faintest + line / fit.frequency), color=GREY, lw=1, zorder=1)
    for shown in spans:
        axis.plot(shown, y, "o", ms=2, mew=0, color=color, alpha=0.75, zorder=2)
    low, high = np.percentile(y, [0.5, 99.5])
    pad = 0.15 * max(high - low, 0.05)
    axis.set_ylim(high + pad, low - pad)
    axis.tick_params(labelsize=8)
    axis.set_title(f"{star['label'] or 'unlabelled'}  {said}", fontsize=8.5, color=title_color)
