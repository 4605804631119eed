"""Picture of the positional study: differences to the baseline with intervals, and how long an update takes."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from benchmarks.positional_scores import SCORES


def draw(rows: Sequence[Mapping[str, Any]], baseline: str, path: Path) -> None:
    """Writes a PNG: a panel for each score, variants in the order of the first; full dots are beyond chance."""
    of_baseline = next(row for row in rows if row["variant"] == baseline)
    others = sorted((r for r in rows if r["variant"] != baseline), key=lambda r: r["R2"])
    shown = [c for c in SCORES if math.isfinite(of_baseline[c])]
    figure = Figure(figsize=(3.1 * (len(shown) + 1) + 1.4, 0.24 * len(others) + 1.4), layout="constrained")
    panels = figure.subplots(1, len(shown) + 1, sharey=True)
    names = [row["variant"] for row in others]
    for panel, column in zip(panels, shown, strict=False):
        for place, row in enumerate(others):
            found, apart = row[f"{column} difference"], row[f"{column} apart"]
            width = found.half_width if math.isfinite(found.half_width) else 0.0
            panel.plot([found.mean - width, found.mean + width], [place, place], color="0.6", lw=1.5)
            panel.plot(found.mean, place, "o", color="C0", mfc="C0" if apart else "white", ms=5)
        panel.axvline(0, color="0.4", lw=0.8)
        panel.set_title(f"{column}, minus {baseline}'s {of_baseline[column]:.3f}", fontsize=9)
    panels[-1].barh(range(len(others)), [row["updates_per_second"] for row in others], color="0.75")
    panels[-1].axvline(of_baseline["updates_per_second"], color="0.4", lw=0.8)
    panels[-1].set_title("updates a second of one core", fontsize=9)
    panels[0].set_yticks(range(len(others)), names, fontsize=8)
    for panel in panels:
        panel.tick_params(axis="x", labelsize=8)
    figure.savefig(path, dpi=110)
