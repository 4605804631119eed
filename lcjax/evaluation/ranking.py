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
