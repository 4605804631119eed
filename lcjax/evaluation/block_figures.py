"""Picture of which blocks of an encoder a head reads."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from lcjax.evaluation.figures import BLUE, GREY, INK, plots

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def block_weights(gamma: np.ndarray, names: Sequence[str] = ()) -> "Figure":
    """Bars of softmax(gamma), the share of each block in what a head with skips reads; the dotted line is an equal share.

    Args:
      gamma: (K,) or (M, K) free numbers, of M trained heads (means and their spread are drawn), input embedding first.
      names: of the K layers; none: `input`, `block 1`, ...
    """
    plt = plots()
    free = np.atleast_2d(np.asarray(gamma, np.float64))
    powers = np.exp(free - free.max(1, keepdims=True))
    shares = powers / powers.sum(1, keepdims=True)
    count = shares.shape[1]
    labels = list(names) or ["input", *(f"block {i}" for i in range(1, count))]
    figure, axis = plt.subplots(figsize=(max(3.6, 0.75 * count + 1.4), 2.9))
    mean = shares.mean(0)
    spread = shares.std(0, ddof=1) if len(shares) > 1 else None
    axis.bar(range(count), mean, 0.68, color=BLUE, yerr=spread, ecolor=INK, capsize=2.5, error_kw={"lw": 1})
    axis.axhline(1 / count, color=GREY, lw=1.2, ls=":")
    for i, value in enumerate(mean):
        above = value + (spread[i] if spread is not None else 0)
        label = axis.annotate(f"{value:.2f}", (i, above), (0, 4), textcoords="offset points", ha="center", fontsize=8.5)
        label.set_bbox({"facecolor": "white", "edgecolor": "none", "pad": 0.6})  # the dotted line passes behind
    axis.set_xticks(range(count), labels)
    axis.grid(visible=False, axis="x")
    axis.set(
        ylabel="weight in what the head reads", ylim=(0, 1.16 * float((mean + (0 if spread is None else spread)).max()))
    )
    return figure
