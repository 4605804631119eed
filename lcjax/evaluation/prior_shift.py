"""Probabilities made to mean what they say in another survey: a temperature, the shares of classes there, and where to cut.

Temperature: Guo et al. 2017 (arXiv 1706.04599). Shares of classes of unlabelled data by expectation maximisation: Saerens, Latinne and
Decaestecker 2002 (Neural Computation 14, 21), section 2.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from lcjax.evaluation.calibration import expected_calibration_error

WAYS = ("as it is", "temperature", "temperature and shares")
"""What may be done to probabilities, from the least to the most."""
_FOLDS = 5
_TEMPERATURES = np.geomspace(0.1, 20.0, 121)


@dataclass(frozen=True)
class Recalibrated:
    """One domain, every row by what the other folds tell of the temperature and the cut.

    Of the `WAYS` that is taken which has the lowest log loss of labelled rows and no larger calibration error than the probabilities as
    they are; the cut is left where it is unless another one has a better mean recall. So neither is ever worse after than before.
    """

    way: str
    """Of `WAYS`."""
    temperature: float
    """Of all labelled rows; 1 where there is none."""
    shares: np.ndarray
    """(K,) of the classes: among all rows, labelled or not, as estimated without labels, or those of training."""
    threshold: float | None
    """Of the last class's probability, of all labelled rows; None with more than two classes."""
    probabilities: np.ndarray
    """(N, K) of the labelled rows."""
    error_before: float
    error_after: float
    """Expected calibration errors of labelled rows."""
    balanced_before: float
    balanced_after: float
    """Mean recalls: of the largest probability, and of the cut (with more than two classes of probability over share)."""


def softmax(logits: np.ndarray) -> np.ndarray:
    """(N, K) float64."""
    values = np.asarray(logits, np.float64)
    values = np.exp(values - values.max(-1, keepdims=True))
    return values / values.sum(-1, keepdims=True)


def fit_temperature(logits: np.ndarray, label: np.ndarray) -> float:
    """What logits (N, K) are divided by so that the mean -log p(label) (N,) is smallest, between 0.1 and 20.

    >>> fit_temperature(np.array([[9.0, 0.0], [9.0, 0.0]]), np.array([0, 1])) > 5
    True
    """
    rows = np.arange(len(label))
    loss = lambda t: -np.log(np.maximum(softmax(logits / t)[rows, label], 1e-300)).mean()
    return float(min(_TEMPERATURES, key=loss))


def estimate_shares(probabilities: np.ndarray, training_shares: np.ndarray, steps: int = 200) -> np.ndarray:
    """Shares of classes (K,) among rows with probabilities (N, K) of a model that learned with `training_shares` (K,).

    >>> estimate_shares(np.eye(2)[[0, 0, 0, 1]], np.array([0.5, 0.5])).round(3).tolist()
    [0.75, 0.25]
    """
    shares = np.asarray(training_shares, np.float64)
    for _ in range(steps):
        new = shifted(probabilities, training_shares, shares).mean(0)
        if np.abs(new - shares).max() < 1e-7:
            return new
        shares = new
    return shares


def shifted(probabilities: np.ndarray, training_shares: np.ndarray, shares: np.ndarray) -> np.ndarray:
    """Probabilities (N, K) of a domain whose classes have other shares than those that the model learned with."""
    odds = np.asarray(probabilities, np.float64) * (shares / np.maximum(training_shares, 1e-12))
    return odds / np.maximum(odds.sum(-1, keepdims=True), 1e-300)


def mean_recall(label: np.ndarray, predicted: np.ndarray) -> float:
    """Balanced accuracy over the classes that there are."""
    return float(np.mean([(predicted[label == k] == k).mean() for k in np.unique(label)]))


def best_threshold(probability: np.ndarray, label: np.ndarray) -> float:
    """The cut on the probability (N,) of class 1 with the best mean recall; the middle one of equally good ones.

    >>> best_threshold(np.array([0.1, 0.2, 0.6]), np.array([0, 0, 1]))
    0.4
    """
    order = np.argsort(probability, kind="stable")
    value, real = probability[order], label[order] == 1
    below = np.concatenate([[0], np.cumsum(real)]), np.concatenate([[0], np.cumsum(~real)])
    scores = 0.5 * (1 - below[0] / max(below[0][-1], 1) + below[1] / max(below[1][-1], 1))
    cuts = np.concatenate([[0.0], (value[1:] + value[:-1]) / 2, [1.0]])
    apart = np.concatenate([[True], value[1:] > value[:-1], [True]])
    good = cuts[apart][scores[apart] >= scores[apart].max() - 1e-12]
    return round(float(np.median(good)), 6)


def recalibrate(
    logits: np.ndarray, label: np.ndarray, objects: np.ndarray, training_shares: np.ndarray, seed: int = 0
) -> Recalibrated:
    """Recalibrates the answers to one domain; no labelled row is answered by what it tells itself.

    Args:
      logits: (N, K). label: (N,) -1 unknown. objects: (N,) names, whose rows stay in one fold. training_shares: (K,).
    """
    known = label >= 0
    own, truth = logits[known], label[known]
    names, which = np.unique(np.asarray(objects, str)[known], return_inverse=True)
    fold = np.random.default_rng(seed).permutation(len(names))[which] % min(_FOLDS, len(names))
    found = {way: np.empty(own.shape) for way in WAYS}
    for k in np.unique(fold):
        out = fold == k
        for way in WAYS:
            t, shares = _fitted(way, logits, own[_rest(out)], truth[_rest(out)], training_shares)
            found[way][out] = shifted(softmax(own[out] / t), training_shares, shares)
    way = _best_way(found, truth)
    t, shares = _fitted(way, logits, own, truth, training_shares)
    two, plain = logits.shape[1] == 2, softmax(own)
    cut = _cut(found[way], truth, fold) if two else (found[way] / np.maximum(shares, 1e-12)).argmax(-1)
    before, after = mean_recall(truth, plain.argmax(-1)), mean_recall(truth, cut)
    threshold = None
    if two:
        final = shifted(softmax(own / t), training_shares, shares)[:, 1]
        threshold = best_threshold(final, truth) if after > before else _unmoved_cut(training_shares, shares)
    return Recalibrated(
        way=way,
        temperature=t,
        shares=shares,
        threshold=threshold,
        probabilities=found[way],
        error_before=expected_calibration_error(plain, truth),
        error_after=expected_calibration_error(found[way], truth),
        balanced_before=before,
        balanced_after=max(before, after),
    )


def _rest(out: np.ndarray) -> np.ndarray:
    """The rows outside of a fold; all, where there is one fold."""
    return ~out if (~out).any() else out


def _fitted(
    way: str, logits: np.ndarray, known: np.ndarray, label: np.ndarray, training_shares: np.ndarray
) -> tuple[float, np.ndarray]:
    """Temperature by labelled rows (N, K), (N,), and shares (K,) among all rows."""
    t = 1.0 if way == WAYS[0] else fit_temperature(known, label)
    return t, estimate_shares(softmax(logits / t), training_shares) if way == WAYS[2] else np.asarray(training_shares)


def _best_way(found: Mapping[str, np.ndarray], label: np.ndarray) -> str:
    """The way with the lowest log loss of those that calibrate no worse than the first."""
    loss = lambda p: -np.log(np.maximum(p[np.arange(len(label)), label], 1e-300)).mean()
    error = {way: expected_calibration_error(p, label) for way, p in found.items()}
    return min((way for way in WAYS if error[way] <= error[WAYS[0]]), key=lambda way: loss(found[way]))


def _cut(probability: np.ndarray, label: np.ndarray, fold: np.ndarray) -> np.ndarray:
    """Answers (N,) to rows (N, 2), those of a fold by the best cut of the others."""
    answer = np.empty(len(label), int)
    for k in np.unique(fold):
        out = fold == k
        answer[out] = probability[out, 1] > best_threshold(probability[_rest(out), 1], label[_rest(out)])
    return answer


def _unmoved_cut(training_shares: np.ndarray, shares: np.ndarray) -> float:
    """Where the largest probability before is told from the second class's after.

    >>> round(_unmoved_cut(np.array([0.5, 0.5]), np.array([0.8, 0.2])), 3)
    0.2
    """
    odds = np.asarray(shares) / np.maximum(training_shares, 1e-12)
    return float(odds[1] / max(odds.sum(), 1e-12))
