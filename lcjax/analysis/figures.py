"""The pictures of a report, in one style. Each function returns a matplotlib figure."""

from collections.abc import Sequence
from typing import Any

import numpy as np

BLUE, ORANGE, GREY = "#3566a8", "#d9713c", "#9aa3ad"
STYLE = {
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": "#6b7480",
    "axes.labelcolor": "#2c333b",
    "axes.titlelocation": "left",
    "axes.titlesize": 10,
    "font.size": 9.5,
    "legend.frameon": False,
    "xtick.color": "#6b7480",
    "ytick.color": "#6b7480",
    "figure.constrained_layout.use": True,
}


def _plots() -> Any:
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    plt.rcParams.update(STYLE)
    return plt


def loss_curves(history: Sequence[dict]) -> Any:
    """Loss and R2 against finished updates, training and validation; rows of `metrics.jsonl`."""
    plt = _plots()
    figure, axes = plt.subplots(1, 2, figsize=(9, 3))
    for axis, name, title in zip(axes, ("loss", "r2"), ("loss", "R² of hidden points"), strict=True):
        for split, color, style in (("train", GREY, "-"), ("validation", BLUE, "o-")):
            rows = [r for r in history if r["split"] == split and r.get(name) is not None]
            axis.plot([r["step"] for r in rows], [r[name] for r in rows], style, color=color, ms=3.5, lw=1.4, label=split)
        axis.set(xlabel="updates", title=title)
        if name == "r2":
            axis.set_ylim(bottom=-0.5)
    axes[0].legend()
    return figure


def reconstructions(stars: Sequence[dict]) -> Any:
    """Windows with visible, hidden and predicted points.

    Args:
      stars: dicts with `title`, and arrays over the window's real points: `time` (d), `magnitude`, `magnitude_error`,
        `visible`, `probed`, `prediction` (mag) and optionally `prediction_error` (mag).
    """
    plt = _plots()
    figure, axes = plt.subplots(len(stars), 1, figsize=(9, 1.9 * len(stars)), squeeze=False)
    for axis, star in zip(axes[:, 0], stars, strict=True):
        seen, hidden = star["visible"], star["probed"] & ~star["visible"]
        bars = dict(fmt="o", ms=2.8, lw=0, elinewidth=0.7)
        axis.errorbar(
            star["time"][seen], star["magnitude"][seen], star["magnitude_error"][seen],
            color=GREY, ecolor="#d5d9de", label="shown", **bars,
        )  # fmt: skip
        axis.plot(star["time"][hidden], star["magnitude"][hidden], "o", ms=3.6, mfc="none", mec=BLUE, label="hidden truth")
        spread = star.get("prediction_error")
        axis.errorbar(
            star["time"][hidden], star["prediction"][hidden], None if spread is None else spread[hidden],
            color=ORANGE, ecolor="#f2c7b2", label="prediction", **bars,
        )  # fmt: skip
        axis.invert_yaxis()
        axis.set(title=star["title"], ylabel="mag")
    axes[-1, 0].set_xlabel("days")
    axes[0, 0].legend(ncols=3, loc="lower right", bbox_to_anchor=(1, 1), fontsize=8.5)
    return figure


def embedding_map(coordinates: np.ndarray, labels: np.ndarray, class_names: Sequence[str], shares: np.ndarray) -> Any:
    """Objects on the first two principal components of their embeddings, coloured by class."""
    plt = _plots()
    figure, axis = plt.subplots(figsize=(8, 5))
    counts = {c: int((labels == c).sum()) for c in np.unique(labels)}
    ordered = sorted(counts, key=lambda c: -counts[c])
    colors = plt.get_cmap("tab20")(np.linspace(0, 1, 20))
    for rank, c in enumerate(ordered):
        chosen = labels == c
        name = class_names[c] if 0 <= c < len(class_names) else "unlabelled"
        color = GREY if c < 0 else colors[(2 * rank) % 20 + (rank >= 10)]
        axis.scatter(*coordinates[chosen].T, s=14, color=color, alpha=0.75, linewidths=0, label=f"{name} ({counts[c]})")
    limits = [np.percentile(coordinates[:, k], [0.5, 99.5]) for k in (0, 1)]
    pad = [0.08 * max(high - low, 1e-6) for low, high in limits]
    axis.set(
        xlabel=f"component 1 ({shares[0]:.0%} of the variance)",
        ylabel=f"component 2 ({shares[1]:.0%})",
        xlim=(limits[0][0] - pad[0], limits[0][1] + pad[0]),
        ylim=(limits[1][0] - pad[1], limits[1][1] + pad[1]),
    )
    axis.legend(loc="center left", bbox_to_anchor=(1, 0.5), fontsize=8, ncols=1 + len(ordered) // 22)
    return figure


def survey_histograms(summary: dict[str, np.ndarray]) -> Any:
    """Histograms of `summary`: quantity name -> one value a light curve."""
    plt = _plots()
    columns = min(3, len(summary))
    rows = -(-len(summary) // columns)
    figure, axes = plt.subplots(rows, columns, figsize=(9, 2.5 * rows), squeeze=False)
    for axis in axes.flat[len(summary) :]:
        axis.set_visible(False)
    for axis, (name, values) in zip(axes.flat, summary.items(), strict=False):
        values = values[np.isfinite(values)]
        logarithmic = len(values) > 0 and values.min() > 0 and values.max() / values.min() > 50
        bins = np.geomspace(values.min(), values.max() * 1.001, 36) if logarithmic else 36
        axis.hist(values, bins=bins, color=BLUE)
        axis.set(xlabel=name, xscale="log" if logarithmic else "linear")
    axes[0, 0].set_ylabel("light curves")
    return figure


def score_bars(rows: Sequence[dict]) -> Any:
    """R2 with intervals: rows with `method`, `survey`, `stars`, `r2` (a Score)."""
    plt = _plots()
    methods = list(dict.fromkeys(r["method"] for r in rows))
    columns = list(dict.fromkeys((r["survey"], r["stars"]) for r in rows))
    figure, axis = plt.subplots(figsize=(1.2 + 2.1 * len(columns), 3.4))
    width = 0.8 / len(methods)
    colors = plt.get_cmap("tab10")(np.arange(len(methods)))
    for m, method in enumerate(methods):
        for c, column in enumerate(columns):
            row = next(r for r in rows if r["method"] == method and (r["survey"], r["stars"]) == column)
            s, x = row["r2"], c + (m - (len(methods) - 1) / 2) * width
            shown = max(s.value, -0.6)
            axis.bar(x, shown, width * 0.92, color=colors[m], label=method if c == 0 else None)
            if s.value > -0.6:
                error = [[max(s.value - max(s.low, -0.6), 0)], [max(s.high - s.value, 0)]]
                axis.errorbar(x, s.value, error, color="#2c333b", lw=0.9)
    axis.axhline(0, color="#2c333b", lw=0.8)
    axis.set_xticks(range(len(columns)), [f"{a}\n{b}" for a, b in columns])
    axis.set(ylabel="R² of hidden points (cut at -0.6)", ylim=(-0.62, 1))
    axis.legend(loc="upper left", bbox_to_anchor=(1, 1), fontsize=8.5)
    return figure
