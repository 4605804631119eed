"""How well a detector tells held-out classes from the known ones, and what it finds most unusual."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import jax
import numpy as np

from lcjax.evaluation.intervals import Score, interval
from lcjax.evaluation.ranking import auroc, average_precision
from lcjax.evaluation.scores import Picture, Scores, Section, Table, Text
from lcjax.inference.loaded import Loaded
from lcjax.systems.svdd.health import latent_warnings
from lcjax.systems.svdd.rows import FeatureRows

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_RESAMPLES = 200
_MOST_UNUSUAL = 20
_SHOWN_FEATURES = 3
UNLABELLED = "(no class)"


def evaluate(loaded: Loaded, data: FeatureRows, commands: str) -> Scores:
    """Scores of one split."""
    inputs = loaded.experiment.inputs  # type: ignore[attr-defined]
    out = answered(loaded, data.features)
    score = out["anomaly_score"].astype(np.float64)
    class_of = np.array([*data.all_class_names, UNLABELLED], object)[data.all_labels]
    known = data.labels >= 0
    printed: list[Table | Text] = [Text(text, "warning") for text in latent_warnings(out["embedding"], score)]
    values: dict[str, Any] = {
        "objects": len(score),
        "warnings": [part.text for part in printed if isinstance(part, Text)],
    }
    cards: list[tuple[str, str]] = [(f"{len(score):,}", "objects scored")]
    outliers = [name for name in inputs.outliers if (class_of == name).any()]
    if outliers and known.any():
        rows = _detection(score, known, class_of, outliers)
        printed.append(
            Table(
                ("held-out class", "objects", "AUROC", "average precision", "share of outliers"),
                rows,
                "Held-out classes against the known ones, 95 % intervals over objects",
            )
        )
        values["held_out"] = {
            r[0]: {"auroc": _plain(r[2]), "average_precision": _plain(r[3]), "share": r[4]} for r in rows
        }
        cards.append((rows[-1][2].short(), f"AUROC, {rows[-1][0]}"))
    elif inputs.outliers:
        printed.append(Text("none of the held-out classes is in this split: there is no AUROC"))
    if "distances" in out and out["distances"].shape[1] > 1 and known.any():
        right = out["distances"].argmin(1)[known] == data.labels[known]
        recall = np.mean([right[data.labels[known] == c].mean() for c in np.unique(data.labels[known])])
        values["nearest_centre_balanced_accuracy"] = float(recall)
        cards.append((f"{recall:.2f}", "balanced accuracy of the nearest centre"))
    spread = _of_classes(score, class_of)
    printed.append(spread)
    values["of_class"] = {row[0]: {"objects": row[1], "median": row[2]} for row in spread.rows}
    unusual = _most_unusual(loaded, data, score, class_of)
    printed.append(unusual)
    sections = [
        Section("Scores", printed),
        Section("How scores lie", [Picture(lambda: _histogram(score, class_of), "Anomaly scores of every class.")]),
    ]
    return Scores("Anomaly detection", printed, values, cards, sections, commands=commands)


def answered(loaded: Loaded, features: np.ndarray, at_once: int = 1024) -> dict[str, np.ndarray]:
    """Answers for any number of rows, in batches of one shape."""
    run = jax.jit(loaded.task.predict)
    parts = []
    for begin in range(0, len(features), at_once):
        rows = np.minimum(np.arange(begin, begin + at_once), len(features) - 1)
        out = run(loaded.variables, {"features": np.asarray(features, np.float32)[rows]})
        parts.append({name: np.asarray(value)[: len(features) - begin] for name, value in out.items()})
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def ranked(score: np.ndarray, positive: np.ndarray, seed: int = 0) -> tuple[Score, Score]:
    """AUROC and average precision with intervals over objects, outliers and others drawn apart."""
    rng, draws = np.random.default_rng(seed), []
    inside, outside = np.flatnonzero(~positive), np.flatnonzero(positive)
    for _ in range(_RESAMPLES):
        rows = np.concatenate([rng.choice(inside, len(inside)), rng.choice(outside, len(outside))])
        draws.append((auroc(score[rows], positive[rows]), average_precision(score[rows], positive[rows])))
    columns = np.array(draws).T
    return interval(auroc(score, positive), columns[0]), interval(average_precision(score, positive), columns[1])


def _detection(score: np.ndarray, known: np.ndarray, class_of: np.ndarray, outliers: Sequence[str]) -> list[tuple]:
    """A row for every held-out class, and one for all of them where there are several."""
    groups = [(name, class_of == name) for name in outliers]
    if len(groups) > 1:
        groups.append(("all of them", np.isin(class_of, outliers)))
    rows = []
    for name, positive in groups:
        rows_used = known | positive
        found = ranked(score[rows_used], positive[rows_used])
        rows.append((name, int(positive.sum()), *found, round(float(positive.sum() / rows_used.sum()), 4)))
    return rows


def _of_classes(score: np.ndarray, class_of: np.ndarray) -> Table:
    rows = []
    for name in sorted(set(class_of.tolist())):
        own = score[class_of == name]
        low, middle, high = np.quantile(own, [0.05, 0.5, 0.95])
        rows.append((name, len(own), float(f"{middle:.4g}"), float(f"{low:.4g}"), float(f"{high:.4g}")))
    return Table(("class", "objects", "median score", "5 %", "95 %"), rows, "Anomaly scores of every class")


def _most_unusual(loaded: Loaded, data: FeatureRows, score: np.ndarray, class_of: np.ndarray) -> Table:
    order = np.argsort(-score, kind="stable")[:_MOST_UNUSUAL]
    batch = {"features": np.asarray(data.features[order], np.float32)}
    shares = np.asarray(jax.jit(loaded.task.extras["contributions"])(loaded.variables, batch)["contributions"])
    rows = []
    for row, share in zip(order, shares, strict=True):
        top = np.argsort(-share, kind="stable")[:_SHOWN_FEATURES]
        why = ", ".join(f"{data.feature_names[i]} ({share[i]:.3g})" for i in top)
        rows.append((data.object_ids[row], class_of[row], f"{score[row]:.4g}", why))
    return Table(("object", "class", "score", "features it owes most to"), rows, "The most unusual objects")


def _plain(score: Score) -> dict[str, float]:
    return {"value": score.value, "low": score.low, "high": score.high}


def _histogram(score: np.ndarray, class_of: np.ndarray) -> "Figure":
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(8, 3.6), layout="constrained")
    size = np.log10(np.maximum(score, 1e-12))
    edges = np.linspace(*np.quantile(size, [0.001, 0.999]), 50)
    for name in sorted(set(class_of.tolist())):
        axes.hist(size[class_of == name], edges, histtype="step", density=True, label=name)
    axes.set(xlabel="log10 of the anomaly score", ylabel="density")
    axes.legend(fontsize=8)
    return figure
