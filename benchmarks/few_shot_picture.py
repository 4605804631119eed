"""The few-shot table as a picture: macro F1 of the held-out part against labelled stars of each class."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.few_shot_stars import PARTS

_TITLES = {"asas_acvs": "ASAS, 6 classes", "crts_sss": "CRTS, 6 classes"}


def draw_scores(rows: Sequence[Mapping[str, Any]], path: Path, only: Sequence[str] = ()) -> list[str]:
    """One panel a survey, one line a contestant, with the classifier that is best on the development part.

    Args:
      rows: of the benchmark. only: contestants by name; none: all with held-out scores.

    Returns:
      what the lines are called.
    """
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    some = [row for row in rows if row["task"] == "few_shot" and PARTS[1] in row["scores"]]
    some = [row for row in some if not only or row["contestant"] in only]
    surveys = [name for name in _TITLES if any(row["set"] == name for row in some)]
    names = list(dict.fromkeys(row["contestant"] for row in some))
    heads = {name: best_head([row for row in some if row["contestant"] == name]) for name in names}
    figure, axes = plt.subplots(
        1, max(len(surveys), 1), figsize=(9, 4.2 + 0.09 * len(names)), sharey=True, squeeze=False
    )
    for axis, survey in zip(axes[0], surveys, strict=False):
        for i, name in enumerate(names):
            own = [r for r in some if (r["contestant"], r["head"], r["set"]) == (name, heads[name], survey)]
            own.sort(key=lambda row: row["shots"])
            scores = [row["scores"][PARTS[1]] for row in own]
            value = np.array([score["value"] for score in scores])
            bars = np.array([[s["value"] - s["low"], s["high"] - s["value"]] for s in scores]).T.reshape(2, -1)
            place = np.array([row["shots"] for row in own]) * 1.025 ** (i - len(names) / 2)
            axis.errorbar(
                place,
                value,
                np.maximum(bars, 0),
                color=f"C{i % 10}",
                marker="os^"[i // 10 % 3],  # ten colours there are
                ls=("-", "--", ":")[i // 10 % 3],
                ms=3.5,
                lw=1,
                elinewidth=0.6,
                label=f"{name} ({heads[name]})",
            )
        axis.set(xscale="log", xlabel="labelled stars of each class", title=_TITLES[survey])
        shots = sorted({row["shots"] for row in some})
        axis.set_xticks(shots, map(str, shots))
        axis.minorticks_off()
        axis.grid(alpha=0.3, lw=0.5)
    axes[0][0].set_ylabel("macro F1, held-out stars")
    handles, labels = axes[0][0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="lower center", ncols=2, fontsize=6.5, frameon=False)
    figure.tight_layout(rect=(0, (0.3 + 0.075 * len(names)) / figure.get_figheight(), 1, 1))
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=100)
    plt.close(figure)
    return [f"{name} ({heads[name]})" for name in names]


def best_head(rows: Sequence[Mapping[str, Any]]) -> str:
    """The classifier with the highest mean macro F1 on the development part."""
    found: dict[str, list[float]] = {}
    for row in rows:
        found.setdefault(row["head"], []).append(row["scores"][PARTS[0]]["value"])
    return max(found, key=lambda head: float(np.mean(found[head])))
