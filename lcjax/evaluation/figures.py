"""The pictures of a report, in one style. Each function returns a matplotlib figure."""

import itertools
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from lcjax.evaluation.harmonic_fit import fit_window

if TYPE_CHECKING:
    from matplotlib.figure import Figure

BLUE, ORANGE, GREY, INK = "#3566a8", "#d9713c", "#9aa3ad", "#2c333b"
CLASS_COLORS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00", "#4d4d4d")
"""Told apart by all eyes (Okabe & Ito 2008)."""
CLASS_MARKERS = ("o", "^")
"""Of the first classes, and of the next as many."""
STYLE = {
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": "#b4bac2",
    "axes.labelcolor": INK,
    "axes.titlecolor": INK,
    "axes.titlelocation": "left",
    "axes.titlesize": 10,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#eceef1",
    "grid.linewidth": 0.8,
    "font.size": 9.5,
    "legend.frameon": False,
    "xtick.color": "#6b7480",
    "ytick.color": "#6b7480",
    "xtick.major.size": 3,
    "ytick.major.size": 3,
    "figure.constrained_layout.use": True,
}


def plots() -> Any:
    """Matplotlib's pyplot without a display, in the style of all pictures here."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    plt.rcParams.update(STYLE)
    return plt


def loss_curves(history: Sequence[dict], score: str = "r2", score_title: str = "R² of hidden points") -> "Figure":
    """Loss and a score against finished updates, training and validation; rows of `metrics.jsonl`."""
    plt = plots()
    figure, axes = plt.subplots(1, 2, figsize=(9, 3))
    for axis, name, title in zip(axes, ("loss", score), ("Loss", score_title), strict=True):
        shown: list[float] = []
        for split, style in (("train", {"color": GREY, "lw": 1.2}), ("validation", {"color": BLUE, "lw": 1.8})):
            rows = [r for r in history if r["split"] == split and _finite(r.get(name))]
            values = [r[name] for r in rows]
            marker = "o" if split == "validation" and len(rows) < 60 else None
            axis.plot([r["step"] for r in rows], values, marker=marker, ms=3.5, label=split, **style)
            shown += values[len(values) // 20 :]
        axis.set(xlabel="updates", title=title)
        if shown:
            # The first updates may be far off: they must not flatten the rest.
            low, high = np.percentile(shown, [0, 99])
            pad = 0.06 * max(high - low, 1e-3)
            axis.set_ylim(max(low - pad, -1.0) if name == "r2" else low - pad, high + pad)
    axes[0].legend()
    return figure


def _finite(value: object) -> bool:
    """Whether it is a number; a damaged line of `metrics.jsonl` may hold anything."""
    return isinstance(value, int | float) and abs(value) < np.inf


def reconstructions(stars: Sequence[dict]) -> "Figure":
    """Windows with visible, hidden and predicted points: against time, and folded where a period is found.

    Args:
      stars: dicts with `title`, and arrays over the window's real points: `time` (d), `magnitude`, `magnitude_error`,
        `visible`, `probed`, `prediction` (mag) and optionally `prediction_error` (mag).
    """
    plt = plots()
    size = (9.6, 1.95 * len(stars) + 0.35)
    figure, axes = plt.subplots(len(stars), 2, figsize=size, squeeze=False, width_ratios=(2.1, 1), sharey="row")
    for (axis, folded), star in zip(axes, stars, strict=True):
        time = np.asarray(star["time"], np.float64) - np.min(star["time"])
        _window(axis, star, time)
        axis.set(title=star["title"], ylabel="mag")
        axis.set_ylim(magnitude_limits(star))
        frequency = fit_window(time, star["magnitude"], star["magnitude_error"]).frequency
        if frequency is None:
            folded.set_axis_off()
            continue
        phase = time * frequency % 1.0
        for cycle in (0, 1):
            _window(folded, star, phase + cycle)
        folded.set(xlim=(0, 2), title=f"folded at {1 / frequency:.4g} d")
        folded.tick_params(labelleft=False)
    axes[-1, 0].set_xlabel("days")
    axes[-1, 1].set_xlabel("phase")
    handles, names = axes[0, 0].get_legend_handles_labels()
    figure.legend(handles, names, loc="outside upper right", ncols=3, fontsize=9)
    return figure


def _window(axis: Any, star: dict, x: np.ndarray) -> None:
    """Shown, hidden and predicted points of one window against `x`."""
    seen, hidden = star["visible"], star["probed"] & ~star["visible"]
    bars = {"fmt": "o", "lw": 0, "elinewidth": 0.8}
    shown = (x[seen], star["magnitude"][seen], star["magnitude_error"][seen])
    axis.errorbar(*shown, color=GREY, ecolor="#dfe2e6", label="shown, with errors", ms=2.6, zorder=2, **bars)
    truth = (x[hidden], star["magnitude"][hidden])
    axis.plot(*truth, "o", ms=3.8, mfc="none", mec=BLUE, mew=0.9, label="truth", zorder=3)
    spread = star.get("prediction_error")
    spread = None if spread is None else spread[hidden]
    predicted = (x[hidden], star["prediction"][hidden], spread)
    axis.errorbar(*predicted, color=ORANGE, ecolor="#f3cdb9", label="prediction", ms=2.6, zorder=4, **bars)


def magnitude_limits(star: dict) -> tuple[float, float]:
    """Faint to bright, without the few points that are far off."""
    both = np.concatenate([star["magnitude"], star["prediction"]])
    low, high = np.nanpercentile(both, [1, 99])
    pad = 0.15 * max(high - low, 0.02) + float(np.median(star["magnitude_error"]))
    return high + pad, low - pad


def embedding_map(
    coordinates: np.ndarray, labels: np.ndarray, class_names: Sequence[str], shares: np.ndarray
) -> "Figure":
    """Objects on the first two principal components of their embeddings, by class (the numerous ones): colour and mark."""
    plt = plots()
    figure, axis = plt.subplots(figsize=(8.6, 5))
    counts = {c: int((labels == c).sum()) for c in np.unique(labels)}
    ordered = sorted((c for c in counts if c >= 0), key=lambda c: -counts[c])
    looks = list(itertools.product(CLASS_MARKERS, CLASS_COLORS))
    named, rest = ordered[: len(looks)], ordered[len(looks) :]
    dots = {"s": 16, "linewidths": 0.3, "edgecolors": "white"}
    for chosen, name in ((np.isin(labels, rest), "other classes"), (labels < 0, "unlabelled")):
        if chosen.any():
            axis.scatter(*coordinates[chosen].T, color="#c9ced4", label=f"{name} ({chosen.sum():,})", zorder=1, **dots)
    for order, (c, (marker, color)) in enumerate(zip(named, looks, strict=False)):
        name = class_names[c] if c < len(class_names) else str(c)
        look = {"color": color, "marker": marker, "alpha": 0.8, "zorder": 2 + order}  # rare classes on top
        axis.scatter(*coordinates[labels == c].T, label=f"{name} ({counts[c]:,})", **look, **dots)
    limits = [np.percentile(coordinates[:, k], [0.5, 99.5]) for k in (0, 1)]
    pad = [0.08 * max(high - low, 1e-6) for low, high in limits]
    axis.set(
        xlabel=f"component 1 ({shares[0]:.0%} of the variance)",
        ylabel=f"component 2 ({shares[1]:.0%})",
        xlim=(limits[0][0] - pad[0], limits[0][1] + pad[0]),
        ylim=(limits[1][0] - pad[1], limits[1][1] + pad[1]),
    )
    axis.legend(loc="center left", bbox_to_anchor=(1, 0.5), fontsize=8.5, markerscale=1.6)
    return figure


def survey_histograms(summary: dict[str, np.ndarray], counted: str = "light curves") -> "Figure":
    """Histograms of `summary`: quantity name -> one value for each thing `counted` (logarithmic where values span decades)."""
    plt = plots()
    columns = min(3, max(len(summary), 1))
    rows = max(1, -(-len(summary) // columns))
    figure, axes = plt.subplots(rows, columns, figsize=(3 * columns, 2.4 * rows), squeeze=False)
    for axis in axes.flat[len(summary) :]:
        axis.set_visible(False)
    for axis, (name, values) in zip(axes.flat, summary.items(), strict=False):
        values = np.asarray(values)[np.isfinite(values)]
        logarithmic = len(values) > 0 and values.min() > 0 and values.max() / values.min() > 50
        bins = np.geomspace(values.min(), values.max() * 1.001, 36) if logarithmic else 36
        axis.hist(values, bins=bins, color=BLUE, edgecolor="white", linewidth=0.4)
        axis.set(xlabel=name, xscale="log" if logarithmic else "linear")
        axis.grid(visible=False, axis="x")
        if len(values):
            axis.axvline(np.median(values), color=ORANGE, lw=1.2)
            middle = float(np.median(values))
            shown = f"{middle:,.0f}" if abs(middle) >= 100 else f"{middle:.3g}"
            axis.set_title(f"median {shown}", fontsize=8.5, color="#6b7480")
    for axis in axes[:, 0]:
        axis.set_ylabel(counted)
    return figure


def score_bars(rows: Sequence[dict]) -> "Figure":
    """R2 with intervals: rows with `method`, `survey`, `stars`, `r2` (a Score)."""
    plt = plots()
    floor = -0.6
    methods = list(dict.fromkeys(r["method"] for r in rows))
    columns = list(dict.fromkeys((r["survey"], r["stars"]) for r in rows))
    figure, axis = plt.subplots(figsize=(2.4 + 1.9 * len(columns), 3.5))
    width = 0.84 / len(methods)
    for m, method in enumerate(methods):
        color = CLASS_COLORS[m % len(CLASS_COLORS)]
        for c, column in enumerate(columns):
            row = next((r for r in rows if r["method"] == method and (r["survey"], r["stars"]) == column), None)
            if row is None:
                continue
            s, x = row["r2"], c + (m - (len(methods) - 1) / 2) * width
            axis.bar(x, max(s.value, floor), width * 0.9, color=color, label=method if c == 0 else None)
            if s.value > floor:
                error = [[max(s.value - max(s.low, floor), 0)], [max(s.high - s.value, 0)]]
                axis.errorbar(x, s.value, error, color=INK, lw=0.9)
    axis.axhline(0, color=INK, lw=0.8)
    axis.set_xticks(range(len(columns)), [f"{a}\n{b}" for a, b in columns])
    axis.grid(visible=False, axis="x")
    axis.set(ylabel=f"R² of hidden points (cut at {floor})", ylim=(floor - 0.02, 1))
    axis.legend(loc="center left", bbox_to_anchor=(1, 0.5), fontsize=8.5)
    return figure
