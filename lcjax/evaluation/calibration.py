"""Do probabilities mean what they say: reliability curves and calibration errors."""

from dataclasses import dataclass

import numpy as np


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


def expected_calibration_error(probabilities: np.ndarray, label: np.ndarray, bins: int = 15) -> float:
    """Mean distance between confidence in the top class and how often it is right, over equal bins of confidence.

    >>> expected_calibration_error(np.array([[1.0, 0.0], [1.0, 0.0]]), np.array([0, 1]))
    0.5
    """
    confidence = probabilities.max(-1)
    right = probabilities.argmax(-1) == label
    which = np.minimum((confidence * bins).astype(int), bins - 1)
    sums = [np.bincount(which, weights, bins) for weights in (confidence, right.astype(float))]
    return float(np.abs(sums[0] - sums[1]).sum() / len(label))
