"""Tables and the picture of the scaling benchmark: what each training is worth, against what it cost."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.base_scaling_cases import CASES
from benchmarks.base_scaling_data import labelled_of
from benchmarks.few_shot_stars import CLASSES, Curve
from benchmarks.few_shot_tasks import Sample, sample_of
from lcjax.errors import DataError
from lcjax.evaluation.intervals import Score
from lcjax.evaluation.probe import balanced_macro_f1, classifier, draw

HEAD = "logistic regression"


def report(folder: Path, curves: Sequence[Curve], shots: Sequence[int], draws: int, picture: Path | None = None) -> str:
    """Scores what is trained in `folder`, once (`scores.json` keeps them), and says it as a table in Markdown.

    Raises:
      DataError: nothing is trained there, or with other stars.
    """
    rows = scored(folder, labelled_of(curves), shots, draws)
    if picture is not None:
        draw_scaling(rows, picture)
    surveys = list(CLASSES)
    head = [
        "",
        "updates",
        "parameters",
        "seconds",
        "validation contrast",
        "rank",
        *[f"{s} {'/'.join(map(str, shots))}" for s in surveys],
    ]
    lines = [head, ["---"] * len(head)]
    for row in rows:
        score = [" / ".join(f"{row['scores'][f'{s} {n}']['value']:.3f}" for n in shots) for s in surveys]
        known = row["validation"]
        lines.append(
            [row["name"], f"{row['steps']:,}", f"{row['parameters']:,}", f"{row['seconds']:.0f}",
             f"{known['contrast']:.3f}", f"{known['rank']:.1f}", *score]
        )  # fmt: skip
    text = ["| " + " | ".join(line) + " |" for line in lines]
    widths = [max(s["high"] - s["low"] for s in row["scores"].values()) / 2 for row in rows]
    return "\n".join([*text, "", f"95 % intervals over stars and draws are up to +- {max(widths):.3f} wide."])


def scored(folder: Path, labelled: Sequence[Curve], shots: Sequence[int], draws: int) -> list[dict[str, Any]]:
    """Rows of `cases.json` with macro F1 of the development stars, by survey and number of labels."""
    try:
        rows = json.loads((folder / "cases.json").read_text())["cases"]
    except OSError as error:
        raise DataError(f"'{folder}' holds no cases ({error}): train some with --out") from error
    kept_path = folder / "scores.json"
    kept = json.loads(kept_path.read_text()) if kept_path.exists() else {}
    for row in rows:
        done = kept.setdefault(row["name"], {})
        for survey in CLASSES:
            for n in shots:
                key = f"{survey} {n}"
                if f"{key} of {draws}" not in done:
                    found = f1_of(
                        embedding_of(folder / row["file"], labelled), sample_of(labelled, survey), labelled, n, draws
                    )
                    done[f"{key} of {draws}"] = {"value": found.value, "low": found.low, "high": found.high}
                    kept_path.write_text(json.dumps(kept, indent=1))
                row.setdefault("scores", {})[key] = done[f"{key} of {draws}"]
    return rows


def embedding_of(path: Path, labelled: Sequence[Curve]) -> np.ndarray:
    """(stars, width) of a case.

    Raises:
      DataError: of other stars.
    """
    with np.load(path, allow_pickle=False) as kept:
        table = kept["embedding"].astype(np.float32)
    if len(table) != len(labelled):
        raise DataError(
            f"'{path}' has embeddings of {len(table)} stars, and there are {len(labelled)}: give the --arrays they were made from"
        )
    return table


def f1_of(table: np.ndarray, sample: Sample, labelled: Sequence[Curve], shots: int, draws: int) -> Score:
    """Macro F1 of the stars that are not learned from."""
    place = {(curve.survey, curve.object_id): i for i, curve in enumerate(labelled)}
    rows = table[[place[curve.survey, curve.object_id] for curve in sample.curves]]
    drawn = [draw(sample.label, sample.pool, shots, seed) for seed in range(draws)]
    found = [
        classifier(HEAD, seed).fit(rows[some], sample.label[some]).predict(rows[sample.tested])
        for seed, some in enumerate(drawn)
    ]
    tested = sample.tested
    return balanced_macro_f1(sample.label[tested], np.stack(found), len(sample.class_names), sample.objects[tested])


def compute_of(row: dict[str, Any]) -> float:
    """Floating-point operations of a training, as products with weights: 6 for each weight, row and update.

    Every real star has two parts, and half as many simulated ones are beside them.
    """
    case = next((case for case in CASES if case.name == row["name"]), None)
    simulated = 0.5 if case is None or case.simulated else 0.0
    return 6.0 * row["parameters"] * row["batch"] * (2 + simulated) * row["steps"]


def draw_scaling(rows: Sequence[dict[str, Any]], path: Path) -> None:
    """Validation contrast and mean F1 against compute, of sizes and lengths of training; a power law through the lowest contrast."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    some = sorted((row for row in rows if row["group"] == "size"), key=compute_of)
    cost = np.array([compute_of(row) for row in some])
    loss = np.array([row["validation"]["contrast"] for row in some])
    score = np.array([np.mean([one["value"] for one in row["scores"].values()]) for row in some])
    figure, axes = plt.subplots(1, 2, figsize=(9, 3.8))
    for axis, value, name in zip(
        axes, (loss, score), ("contrast of validation stars (nats)", "mean macro F1"), strict=True
    ):
        axis.plot(cost, value, "o", color="C0", ms=4)
        for x, y, row in zip(cost, value, some, strict=True):
            axis.annotate(row["name"], (x, y), fontsize=6, xytext=(3, 3), textcoords="offset points")
        axis.set(xscale="log", xlabel="floating-point operations of the training", ylabel=name)
        axis.grid(alpha=0.3, lw=0.5)
    if len(some) > 2:
        slope, level = power_law(cost, loss)
        axes[0].plot(cost, level * cost**slope, "--", color="C1", lw=1, label=f"exponent {slope:.3f}")
        axes[0].set_yscale("log")
        axes[0].legend(frameon=False)
    figure.tight_layout()
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=100)
    plt.close(figure)


def power_law(cost: np.ndarray, loss: np.ndarray) -> tuple[float, float]:
    """(exponent, factor) of the best losses for their cost: a line in logarithms through those that no cheaper training beats.

    >>> slope, level = power_law(np.array([1.0, 10.0, 100.0]), np.array([4.0, 2.0, 1.0]))
    >>> round(slope, 3), round(level, 3)
    (-0.301, 4.0)
    """
    order = np.argsort(cost)
    best = np.minimum.accumulate(loss[order]) == loss[order]
    x, y = np.log(cost[order][best]), np.log(loss[order][best])
    if len(x) < 2:
        return 0.0, float(np.exp(y[0]))
    slope, level = np.polyfit(x, y, 1)
    return float(slope), float(np.exp(level))
