"""How well a score puts positives before negatives."""

import numpy as np


def auroc(score: np.ndarray, positive: np.ndarray) -> float:
    """Probability that a positive scores higher than a negative (ties count half); NaN without both.

    >>> auroc(np.array([0.1, 0.9]), np.array([False, True]))
    1.0
    """
    negatives = np.sort(score[~positive])
    if not len(negatives) or not positive.any():
        return float("nan")
    below = np.searchsorted(negatives, score[positive], "left")
    upto = np.searchsorted(negatives, score[positive], "right")
    wins, ties = below.sum(), (upto - below).sum()
    return float((wins + 0.5 * ties) / (len(negatives) * positive.sum()))


def average_precision(score: np.ndarray, positive: np.ndarray) -> float:
    """Mean over positives of the precision among all that score as high or higher; NaN without positives.

    Equal scores come in together, so that the order of rows does not matter.

    >>> average_precision(np.array([0.9, 0.5, 0.1]), np.array([True, False, True]))
    0.8333333333333333
    """
    positive = np.asarray(positive, bool)
    if not positive.any():
        return float("nan")
    order = np.argsort(-np.asarray(score), kind="stable")
    hits = np.cumsum(positive[order])
    ends = np.append(np.flatnonzero(np.diff(np.asarray(score)[order])), len(order) - 1)
    gained = np.diff(hits[ends], prepend=0)
    return float(np.sum(gained * hits[ends] / (ends + 1)) / positive.sum())


def rank_bounds(score: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """First and last rank that each may have when the highest stands at 0, (N,) int each: equal ones share theirs.

    >>> [rank.tolist() for rank in rank_bounds(np.array([5.0, 1.0, 1.0]))]
    [[0, 1, 1], [0, 2, 2]]
    """
    falling = -np.asarray(score)
    order = np.sort(falling)
    return np.searchsorted(order, falling, "left"), np.searchsorted(order, falling, "right") - 1
