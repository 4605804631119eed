"""The directional light radius, the host rule of supernova surveys, and the scores of any rule or network.

Sources are tables of columns as in `lcjax.systems.delight.host_rules`, with `theta`, radians from x to the major axis. Rules
answer (dx, dy) from the transient to the host, pixels.
"""

from dataclasses import dataclass

import numpy as np

from lcjax.systems.delight.examination import Sources

NOTHING = np.full(2, np.nan)
DLR_LIMIT = 4.0
"""Directional light radii beyond which a transient counts as hostless (Gupta et al. 2016, AJ 152, 154)."""


def closest_source(sources: Sources, x: float, y: float) -> np.ndarray:
    """The source with the smallest separation on the sky, whatever its size; NaN without sources."""
    if not len(sources["x"]):
        return NOTHING
    best = int(np.argmin(np.hypot(sources["x"] - x, sources["y"] - y)))
    return np.array([sources["x"][best] - x, sources["y"][best] - y])


def light_radii(sources: Sources, x: float, y: float) -> np.ndarray:
    """(N,) separation over directional light radius: the radius of the ellipse towards the transient (Sullivan 2006).

    The square of it is `lcjax.systems.delight.host_rules.elliptical_distance`, so that the fallback of DELIGHT is this rule.
    """
    dx, dy = x - sources["x"], y - sources["y"]
    separation = np.hypot(dx, dy)
    angle = np.arctan2(dy, dx) - sources["theta"]
    ratio = sources["a"] / np.maximum(sources["b"], 1e-6)
    radius = sources["a"] / np.hypot(ratio * np.sin(angle), np.cos(angle))
    return separation / np.maximum(radius, 1e-6)


def light_radius_host(
    sources: Sources, x: float, y: float, limit: float = np.inf, star_size: float = 0.0
) -> np.ndarray:
    """The source at the smallest directional light radius; NaN if none is within `limit` of them.

    Args:
      star_size: sources whose geometric mean of a and b (pixels) is not larger are left out, as stars.
    """
    if not len(sources["x"]):
        return NOTHING
    radii = light_radii(sources, x, y)
    radii = np.where(np.sqrt(sources["a"] * sources["b"]) > star_size, radii, np.inf)
    best = int(np.argmin(radii))
    return np.array([sources["x"][best] - x, sources["y"][best] - y]) if radii[best] <= limit else NOTHING


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
    wrong = error > limit
    draw = np.random.default_rng(seed).integers(0, len(error), (draws, len(error)))
    medians = np.partition(error[draw], len(error) // 2, axis=1)[:, len(error) // 2]
    low, high = np.quantile(medians, [0.025, 0.975], method="nearest")
    bad_low, bad_high = np.quantile(wrong[draw].mean(axis=1), [0.025, 0.975])
    middle = float(np.partition(error, len(error) // 2)[len(error) // 2])
    return HostScores(len(error), middle, float(low), float(high), float(wrong.mean()), float(bad_low), float(bad_high))


def scores_by_size(error: np.ndarray, host_radius: np.ndarray) -> dict[str, HostScores]:
    """Scores of the groups of `SIZES`.

    Args:
      error: (N,) arcsec, NaN without an answer. host_radius: (N,) arcsec; fields with hosts only.
    """
    limit = catastrophic_limit(host_radius)
    groups = {name: (host_radius > low) & (host_radius <= high) for name, (low, high) in SIZES.items()}
    return {name: host_scores(error[inside], limit[inside]) for name, inside in groups.items()}


@dataclass(frozen=True)
class Reliability:
    """Predicted probabilities against what happened."""

    predicted: np.ndarray  #: (K,) mean probability of each bin
    happened: np.ndarray  #: (K,) share of true outcomes
    count: np.ndarray  #: (K,) int
    error: float  #: expected calibration error: mean absolute difference, weighted by counts
    brier: float  #: mean squared difference of probability and outcome


def reliability(probability: np.ndarray, outcome: np.ndarray, bins: int = 10) -> Reliability:
    """Calibration of probabilities (N,) of outcomes (N,) bool, in bins of equal counts.

    >>> reliability(np.array([0.0, 0.0, 1.0, 1.0]), np.array([False, False, True, True]), bins=2).error
    0.0
    """
    order = np.argsort(probability, kind="stable")
    groups = [g for g in np.array_split(order, bins) if len(g)]
    predicted = np.array([probability[g].mean() for g in groups])
    happened = np.array([outcome[g].mean() for g in groups])
    count = np.array([len(g) for g in groups])
    error = float(np.sum(count * np.abs(predicted - happened)) / count.sum())
    return Reliability(predicted, happened, count, error, float(np.mean((probability - outcome) ** 2)))


def area_under_curve(score: np.ndarray, positive: np.ndarray) -> float:
    """Probability that a positive scores higher than a negative (ties count half); NaN without both.

    >>> area_under_curve(np.array([0.1, 0.9]), np.array([False, True]))
    1.0
    """
    negatives = np.sort(score[~positive])
    if not len(negatives) or not positive.any():
        return float("nan")
    below = np.searchsorted(negatives, score[positive], "left")
    upto = np.searchsorted(negatives, score[positive], "right")
    wins, ties = below.sum(), (upto - below).sum()
    return float((wins + 0.5 * ties) / (len(negatives) * positive.sum()))


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
