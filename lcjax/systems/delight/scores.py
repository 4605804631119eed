"""Errors of host positions, of any rule or network, by the size of the host."""

from dataclasses import dataclass

import numpy as np

from lcjax.evaluation.intervals import interval, resampled_medians, resampled_sums

SIZES = {"all": (0.0, np.inf), "up to 10 arcsec": (0.0, 10.0), "10 to 60 arcsec": (10.0, 60.0)}
"""Hosts by their radius, the two groups of the paper (arXiv 2208.04310)."""
SMALLEST_LIMIT = 2.0
"""Arcsec: an answer this close to the host is never catastrophic."""


def catastrophic_limit(host_radius: np.ndarray) -> np.ndarray:
    """Error (arcsec) beyond which an answer is no use to look the host up: half of its radius, at least 2 arcsec."""
    return np.maximum(0.5 * host_radius, SMALLEST_LIMIT)


@dataclass(frozen=True)
class HostScores:
    """Errors of one rule over fields with hosts, by size of the host."""

    fields: int
    median: float  #: error, arcsec
    median_low: float  #: 95 % interval over fields
    median_high: float
    catastrophic: float  #: share of errors beyond the limit
    catastrophic_low: float
    catastrophic_high: float


def host_scores(error: np.ndarray, limit: np.ndarray | float, seed: int = 0, draws: int = 1000) -> HostScores:
    """Median and catastrophic share with bootstrap intervals.

    Args:
      error: (N,) arcsec; NaN (no answer) counts as catastrophic and as larger than any other.
      limit: arcsec, of each field or of all.
    """
    error = np.where(np.isfinite(error), error, np.inf)
    if not len(error):
        return HostScores(0, *[float("nan")] * 6)
    wrong = (error > limit).astype(np.float64)
    middle = np.partition(error, len(error) // 2)[len(error) // 2]
    # An error without an answer is infinite, so that no quantile may lie between two draws.
    median = interval(middle, resampled_medians(error, draws, seed), method="nearest")
    share = interval(wrong.mean(), resampled_sums(wrong[:, None], draws, seed)[:, 0] / len(error))
    return HostScores(len(error), median.value, median.low, median.high, share.value, share.low, share.high)


def scores_by_size(error: np.ndarray, host_radius: np.ndarray) -> dict[str, HostScores]:
    """Scores of the groups of `SIZES`.

    Args:
      error: (N,) arcsec, NaN without an answer. host_radius: (N,) arcsec; fields with hosts only.
    """
    limit = catastrophic_limit(host_radius)
    groups = {name: (host_radius > low) & (host_radius <= high) for name, (low, high) in SIZES.items()}
    return {name: host_scores(error[inside], limit[inside]) for name, inside in groups.items()}


def scatter_quartiles(scatter: np.ndarray, error: np.ndarray, limit: np.ndarray) -> list[dict[str, float]]:
    """Is the scatter an honest flag? Median scatter and error, and catastrophic share, of each quarter by scatter.

    Args:
      scatter, error, limit: (N,) arcsec.
    """
    order = np.argsort(scatter, kind="stable")
    return [
        {
            "scatter": float(np.median(scatter[quarter])),
            "error": float(np.median(error[quarter])),
            "catastrophic": float(np.mean(error[quarter] > limit[quarter])),
        }
        for quarter in np.array_split(order, 4)
        if len(quarter)
    ]
