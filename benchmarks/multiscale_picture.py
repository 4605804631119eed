"""Picture of the multi-scale benchmark: scores against bytes, and one stamp of every class."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.injected_alerts import Sample
from lcjax.analysis.figures import plots
from lcjax.tasks.multiscale_stamps_config import CLASS_NAMES


def draw_picture(rows: Sequence[dict[str, Any]], sample: Sample, path: Path) -> None:
    """Draws the rows of the benchmark and examples of its test stamps (difference images) to a PNG."""
    plt = plots()
    figure = plt.figure(figsize=(11, 4.6))
    grid = figure.add_gridspec(2, 6, width_ratios=(1, 1, 1, 1.1, 1.1, 1.1))
    axis = figure.add_subplot(grid[:, 3:])
    for row in rows:
        axis.errorbar(row["bytes"], row["mean"], yerr=row["half_interval"], fmt="o", capsize=3)
        axis.annotate(row["case"], (row["bytes"], row["mean"]), xytext=(6, 4), textcoords="offset points", fontsize=8)
    axis.set(xscale="log", xlabel="bytes stored per alert", ylabel="macro F1, 95 % interval over repeats")
    axis.margins(x=0.25)
    axis.set_title("Six classes, injected into real ZTF stamps", fontsize=10)
    for k, name in enumerate(CLASS_NAMES):
        part = figure.add_subplot(grid[k // 3, k % 3])
        image = sample.stamps[np.flatnonzero(sample.label == k)[0], ..., 2]
        low, high = np.nanpercentile(image, [2, 99.5])
        part.imshow(np.clip(image, low, high), cmap="gray", origin="lower")
        part.set_title(name, fontsize=9)
        part.axis("off")
    figure.savefig(path, dpi=130)
    plt.close(figure)
