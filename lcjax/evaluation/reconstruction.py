"""Reconstruction scores of held-out objects: RMSE and R2 with bootstrap intervals over objects.

R2 = 1 - sum (y - yhat)^2 / sum (y - ybar_w)^2 over all probed points, ybar_w the mean of a window's probed points
(A&A 707, A170, the R2 of its tables). Sums are kept per object, because windows of one star are not independent.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from lcjax.evaluation.intervals import RESAMPLES, Score, interval, resampled_sums

LONG_PERIOD_LABELS = frozenset(
    {
        "MIRA",
        "LPV",
        "SR",
        "SEMIREG_PV",
        "SEMIREG",
        "SARG_A",
        "SARG_B",
        "LSP",
        "RSG",
        "SRA",
        "SRB",
        "SRC",
        "SRD",
        "OSARG",
        "M",
    }
)
"""Labels, upper case, of long-period variables: their amplitudes dominate every sum of squares."""


def is_long_period(label: str) -> bool:
    """Whether a class is one of long-period variables.

    >>> is_long_period("Mira"), is_long_period("RRab")
    (True, False)
    """
    return label.upper() in LONG_PERIOD_LABELS


@dataclass
class ReconstructionSums:
    """Sums over the probed points of each object."""

    object_id: list[str]
    label: list[str]
    group: list[str]
    squared_residual: np.ndarray
    squared_deviation: np.ndarray
    count: np.ndarray
    within: np.ndarray | None = None
    """Points whose residual is smaller than the error predicted for them, where errors are predicted."""

    def where(self, chosen: Iterable[bool]) -> "ReconstructionSums":
        """Some of the objects."""
        index = np.flatnonzero(np.asarray(list(chosen), bool))
        pick = lambda values: [values[i] for i in index]
        return ReconstructionSums(
            pick(self.object_id),
            pick(self.label),
            pick(self.group),
            self.squared_residual[index],
            self.squared_deviation[index],
            self.count[index],
            None if self.within is None else self.within[index],
        )

    def __len__(self) -> int:
        return len(self.object_id)


def probed_sums(target: np.ndarray, prediction: np.ndarray, probed: np.ndarray) -> tuple[np.ndarray, ...]:
    """Per window, float64 (B,): squared residuals, squared deviations from the probed mean, number of probed points."""
    target, prediction = np.asarray(target, np.float64), np.asarray(prediction, np.float64)
    weight = np.asarray(probed, np.float64)
    count = weight.sum(-1)
    mean = (target * weight).sum(-1, keepdims=True) / np.maximum(count, 1)[:, None]
    return ((target - prediction) ** 2 * weight).sum(-1), ((target - mean) ** 2 * weight).sum(-1), count


def within_errors(target: np.ndarray, prediction: np.ndarray, error: np.ndarray, probed: np.ndarray) -> np.ndarray:
    """Per window, float64 (B,): probed points whose residual is smaller than the predicted error, all (B, L)."""
    residual = np.abs(np.asarray(target, np.float64) - np.asarray(prediction, np.float64))
    return ((residual < error) & np.asarray(probed, bool)).sum(-1).astype(np.float64)


class SumsByObject:
    """Adds windows up to objects."""

    def __init__(self) -> None:
        """Starts empty."""
        self._sums: dict[tuple[str, str], list] = {}

    def add(
        self, object_id: Sequence[str], label: Sequence[str], group: Sequence[str], sums: tuple[np.ndarray, ...]
    ) -> None:
        """Adds the windows of a batch; rows without probed points say nothing.

        Args:
          sums: of `probed_sums`, and that of `within_errors` for models that predict errors.
        """
        for i, (name, of_class, of_group) in enumerate(zip(object_id, label, group, strict=True)):
            if not sums[2][i]:
                continue
            entry = self._sums.setdefault((of_group, name), [of_class] + [0.0] * len(sums))
            for k, values in enumerate(sums):
                entry[k + 1] += float(values[i])

    def result(self) -> ReconstructionSums:
        """One row an object."""
        keys, rows = list(self._sums), list(self._sums.values())
        columns = [np.array([r[k] for r in rows], np.float64) for k in range(1, len(rows[0]) if rows else 4)]
        return ReconstructionSums([k[1] for k in keys], [r[0] for r in rows], [k[0] for k in keys], *columns)


def score(sums: ReconstructionSums, resamples: int = RESAMPLES, seed: int = 0) -> dict[str, Score]:
    """`rmse` (mag) and `r2`, with 95 % intervals from resampling objects; where errors are predicted, `coverage`, the share of
    points within them (0.683 where they are right).

    >>> one = ReconstructionSums(["a"], ["x"], ["s"], np.array([1.0]), np.array([4.0]), np.array([4.0]))
    >>> str(score(one)["r2"])
    '0.750 [0.750, 0.750]'
    """
    if not len(sums):
        empty = Score(float("nan"), float("nan"), float("nan"))
        return {"rmse": empty, "r2": empty} | ({} if sums.within is None else {"coverage": empty})
    inside = np.zeros(len(sums)) if sums.within is None else sums.within
    table = np.stack([sums.squared_residual, sums.squared_deviation, sums.count, inside], axis=1)
    totals = np.concatenate([table.sum(0)[None], resampled_sums(table, resamples, seed)])
    residual, deviation, count, inside = totals.T
    rmse = np.sqrt(residual / np.maximum(count, 1))
    r2 = 1 - residual / np.where(deviation > 0, deviation, np.nan)
    found = {"rmse": interval(rmse[0], rmse[1:]), "r2": interval(r2[0], r2[1:])}
    if sums.within is not None:
        share = inside / np.maximum(count, 1)
        found["coverage"] = interval(share[0], share[1:])
    return found


def score_groups(sums: ReconstructionSums) -> list[dict]:
    """Scores of every group (survey), always apart for all, long-period and other objects."""
    rows = []
    for group in dict.fromkeys(sums.group):
        of_group = sums.where(g == group for g in sums.group)
        long_period = [is_long_period(label) for label in of_group.label]
        parts = {"all": [True] * len(of_group), "without long-period": [not x for x in long_period]}
        if any(long_period):
            parts["long-period"] = long_period
        for name, chosen in parts.items():
            part = of_group.where(chosen)
            rows.append({"survey": group, "stars": name, "objects": len(part), **score(part)})
    return rows
