"""What the runs of the multi-scale benchmark say: scores with intervals, differences within repeats, tables."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from lcjax.evaluation.classification import confusion_matrix, rates, resampled_confusions
from lcjax.systems.multiscale_stamps.config import CLASS_NAMES

REFERENCE = "multiscale"
"""The case that others are compared with."""
_T_95 = {2: 12.706, 3: 4.303, 4: 3.182, 5: 2.776, 6: 2.571, 7: 2.447, 8: 2.365, 9: 2.306, 10: 2.262}
_RESAMPLES = 1000
_COUNT = len(CLASS_NAMES)


def interval(values: Sequence[float]) -> tuple[float, float]:
    """Mean over repeats and half of its 95 % interval (Student's t); NaN for a single repeat.

    >>> [round(x, 3) for x in interval([0.5, 0.7])]
    [0.6, 1.271]
    """
    count = len(values)
    if count < 2:
        return float(np.mean(values)), float("nan")
    return float(np.mean(values)), _T_95.get(count, 2.0) * float(np.std(values, ddof=1)) / count**0.5


def summarize(record: dict[str, Any]) -> list[dict[str, Any]]:
    """One row for each case that has finished a repeat, in the order of `record["sizes"]`."""
    by_case: dict[str, dict[int, dict]] = {name: {} for name in record["sizes"]}
    for run in record["runs"]:
        by_case[run["case"]][run["repeat"]] = run
    reference = by_case.get(REFERENCE, {})
    return [_row(name, runs, reference, record) for name, runs in by_case.items() if runs]


def _row(case: str, runs: dict[int, dict], reference: dict[int, dict], record: dict[str, Any]) -> dict[str, Any]:
    tests = [record["tests"][str(repeat)] for repeat in runs]
    confusion, low, high = _confusion(runs, tests, "predicted", "label", "object")
    scores, satellite = rates(confusion), CLASS_NAMES.index("satellite")
    mean, half = interval([run["macro_f1"] for run in runs.values()])
    shared = [repeat for repeat in runs if repeat in reference]
    row = {
        "case": case,
        **record["sizes"][case],
        "repeats": len(runs),
        "parameters": sorted({run["parameters"] for run in runs.values()}),
        "macro_f1": [run["macro_f1"] for run in runs.values()],
        "mean": mean,
        "half_interval": half,
        "satellite_as_asteroid_or_sn": {"value": _lost(confusion), "low": low["lost"], "high": high["lost"]},
        "confusion": confusion.tolist(),
        "pooled": {
            "recall": {
                name: {"value": float(scores["recall"][k]), "low": low["recall"][k], "high": high["recall"][k]}
                for k, name in enumerate(CLASS_NAMES)
            }
        },
        "settings": [
            {"pooling": r["trials"][0]["pooling"], "learning_rate": r["trials"][0]["learning_rate"]}
            for r in runs.values()
        ],
        "steps": [run["trials"][0]["steps"] for run in runs.values()],
        "seconds": sum(run["seconds"] for run in runs.values()),
    }
    if shared and case != REFERENCE:
        recall = lambda run: confusion_matrix(
            np.array(record["tests"][str(run["repeat"])]["label"]), np.array(run["predicted"]), _COUNT
        )
        found = lambda run: float(rates(recall(run))["recall"][satellite])
        row["minus_multiscale"] = interval([runs[r]["macro_f1"] - reference[r]["macro_f1"] for r in shared])
        row["satellites_minus_multiscale"] = interval([found(runs[r]) - found(reference[r]) for r in shared])
    if sum(len(t["real_label"]) for t in tests):
        real, low, high = _confusion(runs, tests, "real_predicted", "real_label", "real_object")
        row["real"] = {"value": float(rates(real)["accuracy"]), "low": low["accuracy"], "high": high["accuracy"]}
    return row


def _confusion(
    runs: dict[int, dict], tests: list[dict], predicted: str, label: str, objects: str
) -> tuple[np.ndarray, dict, dict]:
    """Counts of all repeats together, and ends of 95 % intervals over objects: recalls, accuracy, satellites lost."""
    truth = np.concatenate([np.array(t[label], int) for t in tests])
    answers = np.concatenate([np.array(run[predicted], int) for run in runs.values()])
    owners = np.concatenate([np.array(t[objects], str) for t in tests])
    drawn = resampled_confusions(truth, answers, owners, _COUNT, _RESAMPLES, 0)
    spread = rates(drawn)
    values = {
        "recall": spread["recall"],
        "accuracy": spread["accuracy"],
        "lost": np.array([_lost(c) for c in drawn]),
    }
    ends = []
    for percent in (2.5, 97.5):
        with np.errstate(all="ignore"):
            ends.append({name: _percentile(v, percent) for name, v in values.items()})
    return confusion_matrix(truth, answers, _COUNT), ends[0], ends[1]


def _percentile(values: np.ndarray, percent: float) -> Any:
    """Over the first axis, plain; NaN where a class never occurs."""
    known = ~np.isnan(values).all(axis=0)
    out = np.full(values.shape[1:], np.nan)
    out[known] = np.nanpercentile(values[:, known] if values.ndim > 1 else values, percent, axis=0)
    return out.tolist()


def _lost(confusion: np.ndarray) -> float:
    """Share of satellites called asteroid or supernova."""
    row = confusion[CLASS_NAMES.index("satellite")]
    return float(sum(row[CLASS_NAMES.index(name)] for name in ("asteroid", "sn")) / max(row.sum(), 1))


def shown(row: dict[str, Any]) -> dict[str, str]:
    """A row as the columns of the table."""
    score = lambda s: f"{s['value']:.3f} [{s['low']:.3f}, {s['high']:.3f}]"
    difference = row.get("minus_multiscale")
    parameters = [f"{p:,}" for p in row["parameters"]]
    return {
        "stamps": row["case"],
        "bytes": f"{row['bytes']:,.0f}",
        "deflated": f"{row['deflated']:,.0f}",
        "parameters": " or ".join(parameters),
        "macro F1": f"{row['mean']:.3f} ± {row['half_interval']:.3f}",
        "minus multi-scale": f"{difference[0]:+.3f} ± {difference[1]:.3f}" if difference else "-",
        "satellite recall": score(row["pooled"]["recall"]["satellite"]),
        "seen as asteroid, SN": score(row["satellite_as_asteroid_or_sn"]),
        "real alerts, accuracy": score(row["real"]) if "real" in row else "-",
        "steps": f"{min(row['steps'])} to {max(row['steps'])}",
        "s/repeat": f"{row['seconds'] / row['repeats']:.0f}",
    }


def chosen(row: dict[str, Any]) -> str:
    """What the search chose, repeat by repeat."""
    settings = [f"pools {tuple(s['pooling'])} rate {s['learning_rate']:g}" for s in row["settings"]]
    return f"{row['case']}: " + ", ".join(f"{settings.count(s)} x {s}" for s in sorted(set(settings)))


def markdown(rows: Sequence[dict[str, Any]]) -> str:
    """The table for a README, and what was chosen."""
    table = [shown(row) for row in rows]
    names = list(table[0])
    lines = [names, ["---"] * len(names), *([line[n] for n in names] for line in table)]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines) + "\n\n" + "\n".join(map(chosen, rows))
