"""Picture of what a network looks at when it predicts a hidden point."""

from typing import Any

import numpy as np

from lcjax.evaluation.figures import INK, ORANGE, magnitude_limits, plots
from lcjax.evaluation.harmonic_fit import fit_window

WEIGHTS = ("#dde2e8", "#8fb3d9", "#3566a8", "#12294d")
"""From light to dark in one hue: the same to all eyes, and readable in grey."""


def reconstruction_with_attention(
    star: dict, weights: np.ndarray, point: int | None = None, period: float | None = None
) -> Any:
    """A window, its hidden points and predictions; shown points coloured by the weight that one hidden point gives them.

    Against time, folded where the points have a period, and the weights between all points.

    Args:
      star: as in `lcjax.evaluation.figures.reconstructions`, arrays over the window's N real points.
      weights: (H, N, N) attention of one block, `lcjax.models.attention_weights`; rows are who looks. Heads are averaged.
      point: index of the hidden point that looks; None: one whose weights are as even as those of half of them.
      period: days, to fold at; None: the best one of all points, if any.
    """
    plt = plots()
    mean = np.asarray(weights, np.float64).mean(0)
    hidden = np.flatnonzero(star["probed"] & ~star["visible"])
    if point is None:
        even = np.argsort((mean[hidden] ** 2).sum(1), kind="stable")
        point = int(hidden[even[len(even) // 2]]) if len(hidden) else len(mean) // 2
    time = np.asarray(star["time"], np.float64) - np.min(star["time"])
    frequency = 1 / period if period else fit_window(time, star["magnitude"], star["magnitude_error"]).frequency
    colours = _colours()
    figure = plt.figure(figsize=(9.6, 5.4))
    grid = figure.add_gridspec(2, 2, width_ratios=(1.55, 1))
    top, below, matrix = (
        figure.add_subplot(grid[0, 0]),
        figure.add_subplot(grid[1, 0]),
        figure.add_subplot(grid[:, 1]),
    )
    dots = _window(top, star, time, mean[point], point, colours)
    top.set(xlabel="time since the first point (d)", ylabel="magnitude", title=star["title"])
    if frequency is None:
        below.set_axis_off()
    else:
        phase = time * frequency % 1.0
        for cycle in (0, 1):
            _window(below, star, phase + cycle, mean[point], point, colours)
        below.set(xlim=(0, 2), xlabel=f"phase at {1 / frequency:.4g} d", ylabel="magnitude")
    for axis in (top, below):
        axis.set_ylim(magnitude_limits(star))
    figure.colorbar(dots, ax=[top, below], label="weight given by the starred point", pad=0.01, aspect=40)
    handles, names = top.get_legend_handles_labels()
    figure.legend(handles, names, loc="outside upper center", ncols=4, fontsize=9)
    _matrix(figure, matrix, mean, star, point, colours)
    return figure


def _colours() -> Any:
    from matplotlib.colors import LinearSegmentedColormap

    return LinearSegmentedColormap.from_list("weights", WEIGHTS)


def _window(axis: Any, star: dict, x: np.ndarray, weight: np.ndarray, point: int, colours: Any) -> Any:
    seen, hidden = star["visible"], star["probed"] & ~star["visible"]
    y, error = star["magnitude"], star["magnitude_error"]
    axis.errorbar(x[seen], y[seen], error[seen], fmt="none", ecolor="#dfe2e6", elinewidth=0.8, zorder=1)
    order = np.argsort(weight[seen])  # the heavy ones on top
    dots = axis.scatter(
        x[seen][order],
        y[seen][order],
        c=weight[seen][order],
        cmap=colours,
        vmin=0,
        s=20,
        linewidths=0.4,
        edgecolors="#8a93a0",
        label="shown",
        zorder=3,
    )
    axis.plot(x[hidden], y[hidden], "o", ms=3.6, mfc="none", mec=ORANGE, mew=0.6, label="truth", zorder=2)
    prediction = star["prediction"]
    axis.plot(x[hidden], prediction[hidden], ".", ms=3.6, color=ORANGE, label="prediction", zorder=4)
    star_style = {"marker": "*", "ms": 13, "mfc": ORANGE, "mec": INK, "mew": 0.8, "ls": "none", "zorder": 6}
    axis.plot(x[point], prediction[point], label="the point that looks", **star_style)
    axis.axvline(x[point], color=ORANGE, lw=0.8, zorder=0)
    return dots


def _matrix(figure: Any, axis: Any, mean: np.ndarray, star: dict, point: int, colours: Any) -> None:
    """Weights of every point (rows) for the shown points (columns), in order of time."""
    shown = np.flatnonzero(star["visible"])
    image = mean[:, shown] if len(shown) else mean
    top = float(np.quantile(image, 0.995)) or None
    drawn = axis.imshow(image, cmap=colours, aspect="auto", vmin=0, vmax=top, interpolation="nearest")
    axis.axhline(point, color=ORANGE, lw=0.9)
    axis.grid(False)
    axis.set(xlabel="shown point, by time", ylabel="point that looks, by time", title="mean of the heads")
    figure.colorbar(drawn, ax=axis, label="attention weight", pad=0.02, aspect=40, extend="max")
