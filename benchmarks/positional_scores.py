"""What runs of the positional study tell: means over seeds, paired differences to the baseline, and which are beyond chance."""

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from lcjax.errors import MissingExtraError

Runs = Mapping[str, Mapping[int, Mapping[str, Any]]]
"""Variant -> seed -> the record of the run."""
SCORES = {
    "R2": ("home", "r2"),
    "transfer R2": ("away", "r2"),
    "fine-tuned R2": ("fine_tuned", "r2"),
    "F1": ("macro_f1",),
}
"""Column -> where a run's record has it; more is better."""
LEVEL = 0.05


@dataclass(frozen=True)
class Difference:
    """A variant minus the baseline, over seeds that both have."""

    mean: float
    half_width: float
    """Of the 95 % interval of a paired t test; NaN with fewer than two seeds."""
    p: float
    """Two-sided; NaN with fewer than two seeds."""
    seeds: int

    def __str__(self) -> str:
        return f"{self.mean:+.3f} ± {self.half_width:.3f}" if self.seeds > 1 else f"{self.mean:+.3f}"


def value(record: Mapping[str, Any], path: Sequence[str]) -> float:
    """A score of a run; NaN where it was not taken."""
    found: Any = record
    for name in path:
        found = found.get(name, math.nan) if isinstance(found, Mapping) else math.nan
    return float(found)


def difference(runs: Runs, variant: str, baseline: str, path: Sequence[str]) -> Difference:
    """Paired by seed."""
    seeds = sorted(runs[variant].keys() & runs[baseline].keys())
    pairs = np.array([value(runs[variant][s], path) - value(runs[baseline][s], path) for s in seeds])
    pairs = pairs[np.isfinite(pairs)]
    if len(pairs) < 2:
        return Difference(float(pairs.mean()) if len(pairs) else math.nan, math.nan, math.nan, len(pairs))
    try:
        from scipy import stats
    except ModuleNotFoundError as error:
        raise MissingExtraError("scipy", "classic", "intervals of paired differences") from error
    error = pairs.std(ddof=1) / math.sqrt(len(pairs))
    half_width = stats.t.ppf(1 - LEVEL / 2, len(pairs) - 1) * error
    p = 2 * stats.t.sf(abs(pairs.mean()) / error, len(pairs) - 1) if error > 0 else float(pairs.mean() == 0)
    return Difference(float(pairs.mean()), float(half_width), float(p), len(pairs))


def beyond_chance(found: Mapping[str, Difference], level: float = LEVEL) -> set[str]:
    """Variants that differ from the baseline, the chance of a single false one below `level` (Holm's step-down rule).

    >>> sorted(beyond_chance({"a": Difference(1, 0.1, 0.01, 5), "b": Difference(1, 1, 0.04, 5)}))
    ['a', 'b']
    >>> sorted(beyond_chance({"a": Difference(1, 0.1, 0.03, 5), "b": Difference(1, 1, 0.04, 5)}))
    []
    """
    ordered = sorted((d.p, name) for name, d in found.items() if math.isfinite(d.p))
    apart: set[str] = set()
    for k, (p, name) in enumerate(ordered):
        if p > level / (len(ordered) - k):
            break
        apart.add(name)
    return apart


def pairs_apart(runs: Runs, path: Sequence[str]) -> tuple[list[tuple[str, str]], int]:
    """Pairs of variants that a score tells apart, the better first, all pairs counted; and how many pairs there are."""
    found = {f"{a}\t{b}": difference(runs, a, b, path) for a, b in itertools.combinations(runs, 2)}
    apart = []
    for name in beyond_chance(found):
        one, other = name.split("\t")
        apart.append((one, other) if found[name].mean > 0 else (other, one))
    return sorted(apart), len(found)


def summary(runs: Runs, baseline: str) -> list[dict[str, Any]]:
    """One row a variant: means over its seeds, differences, and how long an update takes."""
    compared = [name for name in runs if name != baseline]
    differences = {
        column: {name: difference(runs, name, baseline, path) for name in compared} for column, path in SCORES.items()
    }
    apart = {column: beyond_chance(of) for column, of in differences.items()}
    rows = []
    for name, of_variant in runs.items():
        records = list(of_variant.values())
        row: dict[str, Any] = {"variant": name, "seeds": len(records)}
        for column, path in SCORES.items():
            row[column] = float(np.mean([value(r, path) for r in records]))
            if name != baseline:
                row[f"{column} difference"] = differences[column][name]
                row[f"{column} apart"] = name in apart[column]
        row["updates_per_second"] = float(1 / np.median([value(r, ("processor_seconds_per_update",)) for r in records]))
        row["parameters"] = int(records[0]["parameters"])
        rows.append(row)
    return rows


def sentence(rows: Sequence[Mapping[str, Any]], column: str, baseline: str) -> str:
    """Which variants a column tells from the baseline, and which it cannot."""
    better, worse, same = [], [], []
    for row in rows:
        if row["variant"] == baseline:
            continue
        if not row[f"{column} apart"]:
            same.append(row["variant"])
        else:
            (better if row[f"{column} difference"].mean > 0 else worse).append(row["variant"])
    said = lambda names: ", ".join(names) or "none"
    return (
        f"{column}: better than {baseline}: {said(better)}; worse: {said(worse)}; cannot be told from it: {said(same)}"
    )
