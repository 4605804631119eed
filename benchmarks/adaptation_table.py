"""Rows of the adaptation benchmark as a table: which weights of a run count, means over draws with their intervals."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from scipy import stats

PATIENCE = 5
"""Validations without improvement after which a run would have ended; the rest of it does not count."""
SHOWN = ("target balanced", "source balanced", "target accuracy")


def best_of(history: Mapping[str, Sequence[float]], patience: int = PATIENCE) -> int:
    """Place of the weights that the validation chooses before patience ends: of equally good ones those with the lower loss.

    >>> best_of({"validation balanced": [0.5, 0.7, 0.7, 0.6, 0.6, 0.9], "validation loss": [1, 1, 0.9, 1, 1, 1]}, patience=1)
    2
    """
    scores = list(zip(history["validation balanced"], (-loss for loss in history["validation loss"]), strict=True))
    best, waited = 0, 0
    for i, score in enumerate(scores[1:], 1):
        waited = 0 if score[0] > scores[best][0] else waited + 1
        best = i if score > scores[best] else best
        if waited > patience:
            break
    return best


def place_of(row: Mapping[str, Any]) -> int:
    """Of the weights that count: those at the end without shots, as there is nothing to choose by, else the validation's."""
    last = len(row["history"]["step"]) - 1
    return last if row["shots"] == 0 else best_of(row["history"])


def interval(values: Sequence[float]) -> str:
    """Mean and half a 95 % interval (Student's t) in per cent.

    >>> interval([0.5, 0.7])
    '60.0 ± 127.1'
    """
    x = 100 * np.asarray(values, float)
    if len(x) < 2:
        return f"{x.mean():.1f}"
    return f"{x.mean():.1f} ± {stats.t.ppf(0.975, len(x) - 1) * x.std(ddof=1) / np.sqrt(len(x)):.1f}"


def table(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, str]]:
    """A row a question, pair, number of shots and method."""
    groups: dict[tuple, list[Mapping[str, Any]]] = {}
    for row in rows:
        groups.setdefault((row["question"], row["pair"], row["shots"], row["method"]), []).append(row)
    shown = []
    for (question, pair, shots, method), own in sorted(groups.items(), key=lambda item: item[0]):
        line = {"question": question, "pair": pair, "shots": str(shots), "method": method, "draws": str(len(own))}
        for name in SHOWN:
            line[name] = interval([row["history"][name][place_of(row)] for row in own])
        line["target balanced, last"] = interval([row["history"]["target balanced"][-1] for row in own])
        shown.append(line)
    return shown


def matrix(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, str]]:
    """Means over all pairs of a question: a row a method, number of shots; intervals over draws of the mean over pairs."""
    groups: dict[tuple, dict[int, list[Mapping[str, Any]]]] = {}
    for row in rows:
        at = (row["question"], row["method"], row["shots"])
        groups.setdefault(at, {}).setdefault(row["seed"], []).append(row)
    shown = []
    for (question, method, shots), draws in sorted(groups.items(), key=lambda item: item[0]):
        pairs = max(len(own) for own in draws.values())
        whole = [own for own in draws.values() if len(own) == pairs]
        line = {
            "question": question,
            "method": method,
            "shots": str(shots),
            "pairs": str(pairs),
            "draws": str(len(whole)),
        }
        for name in SHOWN[:2]:
            line[name] = interval([np.mean([row["history"][name][place_of(row)] for row in own]) for own in whole])
        shown.append(line)
    return shown


def gains(rows: Sequence[Mapping[str, Any]], by_pair: bool = True, beside: str = "s_plus_t") -> list[dict[str, str]]:
    """By how much each method is above another on the same draws, points of balanced accuracy: a row a pair, number of shots, method.

    Args:
      by_pair: else means over the pairs of a draw, those of draws that have all pairs.
    """
    at = lambda row: (row["question"], row["pair"], row["shots"], row["seed"])
    others = {at(row): row for row in rows if row["method"] == beside}
    found: dict[tuple, dict[int, list[np.ndarray]]] = {}
    for row in (row for row in rows if row["method"] != beside and at(row) in others):
        values = [[r["history"][name][place_of(r)] for name in SHOWN[:2]] for r in (row, others[at(row)])]
        group = (row["question"], row["pair"] if by_pair else "all", row["shots"], row["method"])
        found.setdefault(group, {}).setdefault(row["seed"], []).append(np.subtract(*values))
    shown = []
    for (question, pair, shots, method), draws in sorted(found.items(), key=lambda item: item[0]):
        pairs = max(len(own) for own in draws.values())
        means = [np.mean(own, axis=0) for own in draws.values() if len(own) == pairs]
        line = {"question": question, "pair": pair, "shots": str(shots), "method": method, "draws": str(len(means))}
        for i, name in enumerate(SHOWN[:2]):
            line[f"{name}, above {beside}"] = interval([mean[i] for mean in means])
        shown.append(line)
    return shown


def text(lines: Sequence[Mapping[str, str]]) -> str:
    """Columns of equal width."""
    if not lines:
        return "no run has ended"
    names = list(lines[0])
    wide = [max(len(name), *(len(line[name]) for line in lines)) for name in names]
    cells = [names, *([line[name] for name in names] for line in lines)]
    return "\n".join("  ".join(cell.ljust(w) for cell, w in zip(row, wide, strict=True)) for row in cells)
