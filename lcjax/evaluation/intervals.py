"""95 % intervals: bootstraps over objects, because windows, alerts or answers of one object are not independent."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

RESAMPLES = 1000
_MOST_DRAWN = 1 << 24
"""Numbers drawn at once."""


@dataclass(frozen=True)
class Score:
    """A value with its 95 % interval."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.value:.3f} [{self.low:.3f}, {self.high:.3f}]"

    def short(self) -> str:
        """With two decimals; a dash where there is no value.

        >>> Score(0.6912, 0.563, 0.807).short(), Score(float("nan"), 0.0, 0.0).short()
        ('0.69 [0.56, 0.81]', '-')
        """
        return f"{self.value:.2f} [{self.low:.2f}, {self.high:.2f}]" if math.isfinite(self.value) else "-"


def resampled_sums(table: np.ndarray, resamples: int = RESAMPLES, seed: int = 0) -> np.ndarray:
    """Column sums of bootstrap samples of the rows: (N, K) -> (resamples, K) float64.

    Objects with equal rows are drawn together, which is the same as one by one and takes less memory.

    >>> resampled_sums(np.ones((5, 1)), 2).tolist()
    [[5.0], [5.0]]
    """
    table = np.asarray(table, np.float64)
    if not len(table):
        return np.zeros((resamples, table.shape[1]))
    groups: dict[bytes, list[int]] = {}
    for i, row in enumerate(table):
        groups.setdefault(row.tobytes(), [i, 0])[1] += 1
    first, count = np.array(list(groups.values())).T
    share, rng = count / len(table), np.random.default_rng(seed)
    at_once = max(1, _MOST_DRAWN // len(first))
    parts = [
        rng.multinomial(len(table), share, size=min(at_once, resamples - begin)) @ table[first]
        for begin in range(0, resamples, at_once)
    ]
    return np.concatenate(parts)


def resampled_medians(values: np.ndarray, resamples: int = RESAMPLES, seed: int = 0) -> np.ndarray:
    """Medians (the upper of two) of bootstrap samples of (N,) values: (resamples,).

    >>> resampled_medians(np.array([3.0, 3.0, 3.0]), 2).tolist()
    [3.0, 3.0]
    """
    ordered, rng = np.sort(values), np.random.default_rng(seed)
    n = len(ordered)
    at_once = max(1, _MOST_DRAWN // max(n, 1))
    medians = []
    for begin in range(0, resamples, at_once):
        counts = rng.multinomial(n, np.full(n, 1 / n), size=min(at_once, resamples - begin))
        medians.append(ordered[(np.cumsum(counts, axis=1) <= n // 2).sum(axis=1)])
    return np.concatenate(medians)


def interval(value: float, draws: np.ndarray, method: str = "linear") -> Score:
    """A value with the 2.5 and 97.5 % of its bootstrap draws; draws that are not finite say nothing.

    Args:
      method: of `numpy.quantile`; `nearest` where draws may be infinite, which then count.

    >>> interval(0.5, np.array([0.4, 0.6, np.nan]))
    Score(value=0.5, low=0.405, high=0.595)
    """
    draws = np.asarray(draws, np.float64)
    draws = draws[~np.isnan(draws)] if method == "nearest" else draws[np.isfinite(draws)]
    low, high = np.quantile(draws, [0.025, 0.975], method=method) if len(draws) else (np.nan, np.nan)
    return Score(float(value), float(low), float(high))


def wilson_interval(share: float, count: int) -> tuple[float, float]:
    """95 % interval of a share of `count` independent objects (Wilson 1927); not a single point where all agree.

    >>> [round(x, 2) for x in wilson_interval(1.0, 11)]
    [0.74, 1.0]
    """
    if count == 0:
        return float("nan"), float("nan")
    z = 1.959964
    middle = (share + z**2 / (2 * count)) / (1 + z**2 / count)
    half = z / (1 + z**2 / count) * math.sqrt(share * (1 - share) / count + z**2 / (4 * count**2))
    return max(middle - half, 0.0), min(middle + half, 1.0)


def objects_table(owner: Sequence, cells: np.ndarray, width: int) -> np.ndarray:
    """Counts of every object's cells: (N,) owners and cell numbers -> (objects, width) float64, objects by name.

    >>> objects_table(["a", "b", "a"], np.array([0, 1, 1]), 2).tolist()
    [[1.0, 1.0], [0.0, 1.0]]
    """
    _, which = np.unique(np.asarray(owner, dtype=str), return_inverse=True)
    objects = int(which.max(initial=-1)) + 1
    return np.bincount(which * width + cells, minlength=objects * width).reshape(objects, width).astype(np.float64)
