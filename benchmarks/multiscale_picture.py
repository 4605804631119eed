"""Picture of the multi-scale benchmark: scores against bytes, and one stamp of every class."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.injected_alerts import Sample
from lcjax.evaluation.figures import plots
from lcjax.systems.multiscale_stamps.config import CLASS_NAMES


def draw_picture(rows: Sequence[dict[str, Any]], sample: Sample, path: Path) -> None:
    """Draws the rows of the benchmark and examples of its test stamps (difference images) to a PNG."""
    plt = plots()
    figure = plt.figure(figsize=(13, 4.4))
    grid = figure.add_gridspec(2, 5, width_ratios=(1, 1, 1, 2.1, 2.1))
    for k, name in enumerate(CLASS_NAMES):
        part = figure.add_subplot(grid[k // 3, k % 3])
        image = _clear_example(sample.stamps[sample.label == k, ..., 2])
        low, high = np.nanpercentile(image, [2, 99.5])
        part.imshow(np.clip(image, low, high), cmap="gray", origin="lower")
        part.set_title(name, fontsize=9)
        part.axis("off")
    f1, satellites = figure.add_subplot(grid[:, 3]), figure.add_subplot(grid[:, 4])
    _against_bytes(
        f1, rows, [(r["mean"], r["mean"] - r["half_interval"], r["mean"] + r["half_interval"]) for r in rows]
    )
    f1.set(title="Macro F1 of six classes, 95 % over repeats")
    found = [r["pooled"]["recall"]["satellite"] for r in rows]
    _against_bytes(satellites, rows, [(s["value"], s["low"], s["high"]) for s in found])
    satellites.set(title="Satellites found, 95 % over objects")
    handles, names = satellites.get_legend_handles_labels()
    figure.legend(handles, names, loc="outside lower right", ncols=4, fontsize=8, frameon=False)
    figure.savefig(path, dpi=130)
    plt.close(figure)


def _against_bytes(axis: Any, rows: Sequence[dict[str, Any]], values: Sequence[tuple[float, float, float]]) -> None:
    """Value and interval of every row; rows of equal size are set a little apart."""
    sizes = [row["bytes"] for row in rows]
    for number, (row, (value, low, high)) in enumerate(zip(rows, values, strict=True)):
        place, alike = sizes[:number].count(row["bytes"]), sizes.count(row["bytes"])
        x = row["bytes"] * (1 + 0.03 * (place - (alike - 1) / 2))
        spread = [[max(value - low, 0.0)], [max(high - value, 0.0)]] if np.isfinite(low + high) else None
        axis.errorbar(x, value, yerr=spread, fmt="o", capsize=3, label=row["case"])
    axis.set_xscale("log")
    axis.set_xticks([2000, 5000, 10_000, 20_000, 50_000], ["2,000", "5,000", "10,000", "20,000", "50,000"])
    axis.minorticks_off()
    axis.set_xlabel("bytes stored per alert (equal sizes set apart)")
    axis.margins(x=0.15)


def _clear_example(images: np.ndarray) -> np.ndarray:
    """Of (N, H, W), one whose centre stands out more than in three quarters of them; with all pixels, if any has."""
    complete = np.isfinite(images).all(axis=(1, 2))
    whole = images[complete] if complete.any() else images
    middle = whole.shape[1] // 2
    near = np.abs(whole[:, middle - 8 : middle + 9, middle - 8 : middle + 9])
    spread = np.nanmedian(np.abs(whole - np.nanmedian(whole, axis=(1, 2), keepdims=True)), axis=(1, 2))
    return whole[int(np.argsort(np.nanmax(near, axis=(1, 2)) / spread)[len(whole) * 3 // 4])]
