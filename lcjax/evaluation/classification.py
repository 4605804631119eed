"""Scores of classifiers on held-out objects: accuracy, macro F1, recalls, confusion, calibration, with intervals.

Intervals are bootstraps over objects, because alerts of one object are not independent; the 100 alerts a class of the
published test set alone leave 2.5 % (one sigma) on every recall. Where all objects agree, no sample of them differs, and
the interval is Wilson's for their number.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from lcjax.errors import DataError
from lcjax.evaluation.calibration import expected_calibration_error
from lcjax.evaluation.intervals import RESAMPLES, Score, interval, objects_table, resampled_sums, wilson_interval


@dataclass(frozen=True)
class ClassificationScores:
    """What a classifier gets right on labelled objects."""

    class_names: tuple[str, ...]
    confusion: np.ndarray
    """(K, K) alerts, rows true, columns predicted."""
    accuracy: Score
    balanced_accuracy: Score
    """Mean recall over classes that have labels."""
    macro_f1: Score
    """Mean F1 over classes that have labels."""
    recall: dict[str, Score]
    precision: dict[str, Score]
    f1: dict[str, Score]
    log_loss: float
    """Mean -log p(label), natural log."""
    calibration_error: float
    """Expected calibration error of the top class over 15 bins of confidence."""
    alerts: int
    objects: int

    def as_dict(self) -> dict:
        """Plain numbers, for JSON."""
        plain = lambda s: {"value": s.value, "low": s.low, "high": s.high}
        single = ("accuracy", "balanced_accuracy", "macro_f1")
        per_class = ("recall", "precision", "f1")
        return {
            "class_names": list(self.class_names),
            "confusion": self.confusion.astype(int).tolist(),
            **{name: plain(getattr(self, name)) for name in single},
            **{name: {c: plain(s) for c, s in getattr(self, name).items()} for name in per_class},
            "log_loss": self.log_loss,
            "calibration_error": self.calibration_error,
            "alerts": self.alerts,
            "objects": self.objects,
        }


def confusion_matrix(label: np.ndarray, predicted: np.ndarray, classes: int) -> np.ndarray:
    """(K, K) counts, rows true, columns predicted; label -1 (unknown) is left out.

    >>> confusion_matrix(np.array([0, 1, 1, -1]), np.array([0, 0, 1, 1]), 2).tolist()
    [[1, 0], [1, 1]]
    """
    known = np.asarray(label) >= 0
    cells = np.asarray(label)[known] * classes + np.asarray(predicted)[known]
    return np.bincount(cells, minlength=classes * classes).reshape(classes, classes)


def f1_score(recall: npt.ArrayLike, precision: npt.ArrayLike) -> np.ndarray:
    """Harmonic mean of recall and precision: NaN for a class without labels (recall NaN), 0 for one never hit.

    >>> f1_score(np.array([1.0, 0.0, 0.5, np.nan]), np.array([0.5, 0.0, np.nan, 0.0])).round(3).tolist()
    [0.667, 0.0, 0.0, nan]
    """
    recall, precision = np.asarray(recall, np.float64), np.nan_to_num(np.asarray(precision, np.float64))
    total = recall + precision
    found = np.divide(2 * recall * precision, total, out=np.zeros(total.shape), where=total > 0)
    return np.where(np.isnan(recall), np.nan, found)


def rates(confusion: np.ndarray) -> dict[str, np.ndarray]:
    """Recall, precision and F1 per class and their means, for confusion matrices (..., K, K).

    A class without labels has no recall (NaN) and stays out of the means; one with labels that is never predicted has
    F1 0.

    >>> round(float(rates(np.array([[1, 0], [1, 1]]))["macro_f1"]), 4)
    0.6667
    """
    confusion = np.asarray(confusion, np.float64)
    hits = np.diagonal(confusion, axis1=-2, axis2=-1)
    true, predicted = confusion.sum(-1), confusion.sum(-2)
    divide = lambda a, b: np.divide(a, b, out=np.full(np.broadcast(a, b).shape, np.nan), where=b > 0)
    recall, precision = divide(hits, true), divide(hits, predicted)
    f1 = f1_score(recall, precision)
    present = (true > 0).sum(-1)
    mean = lambda x: divide(np.nansum(x, -1), present)
    return {
        "accuracy": divide(hits.sum(-1), true.sum(-1)),
        "balanced_accuracy": mean(recall),
        "macro_f1": mean(f1),
        "recall": recall,
        "precision": precision,
        "f1": f1,
    }


def resampled_confusions(
    label: np.ndarray, predicted: np.ndarray, objects: Sequence, classes: int, resamples: int, seed: int
) -> np.ndarray:
    """(resamples, K, K) confusion matrices of bootstrap samples of objects."""
    table = objects_table(objects, np.asarray(label) * classes + np.asarray(predicted), classes**2)
    return resampled_sums(table, resamples, seed).reshape(resamples, classes, classes)


def macro_f1(truth: np.ndarray, guess: np.ndarray) -> float:
    """Mean F1 over the classes of `truth`, (N,) int >= 0 each.

    >>> macro_f1(np.array([0, 0, 1]), np.array([0, 0, 1]))
    1.0
    """
    classes = int(max(np.max(truth), np.max(guess))) + 1
    return float(rates(confusion_matrix(truth, guess, classes))["macro_f1"])


def score_classes(
    probabilities: np.ndarray,
    label: np.ndarray,
    objects: Sequence,
    class_names: Sequence[str],
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> ClassificationScores:
    """Scores with 95 % intervals over objects.

    Args:
      probabilities: (N, K). label: (N,) int, -1 unknown (left out). objects: (N,) object ids. class_names: K names.
      resamples: bootstrap samples. seed: of their draws.

    Raises:
      DataError: nothing has a label.
    """
    probabilities, label = np.asarray(probabilities, np.float64), np.asarray(label)
    known = label >= 0
    if not known.any():
        raise DataError("nothing here has a label of the model's classes, so that nothing can be scored")
    probabilities, label = probabilities[known], label[known]
    objects = np.asarray(objects, dtype=str)[known]
    predicted, classes = probabilities.argmax(-1), len(class_names)
    confusion = confusion_matrix(label, predicted, classes)
    drawn = resampled_confusions(label, predicted, objects, classes, resamples, seed)
    values, spread = rates(confusion), rates(drawn)

    def scored(name: str, k: int | None = None) -> Score:
        value, draws = (values[name], spread[name]) if k is None else (values[name][k], spread[name][:, k])
        score = interval(float(value), draws)
        if score.low != score.high:
            return score
        # All objects agree, and so does every sample of them.
        concerned = np.ones(len(label), bool) if k is None else (predicted if name == "precision" else label) == k
        return Score(score.value, *wilson_interval(score.value, len(np.unique(objects[concerned]))))

    per_class = lambda name: {c: scored(name, k) for k, c in enumerate(class_names)}
    truth = np.clip(probabilities[np.arange(len(label)), label], 1e-12, 1)
    return ClassificationScores(
        class_names=tuple(class_names),
        confusion=confusion,
        accuracy=scored("accuracy"),
        balanced_accuracy=scored("balanced_accuracy"),
        macro_f1=scored("macro_f1"),
        recall=per_class("recall"),
        precision=per_class("precision"),
        f1=per_class("f1"),
        log_loss=float(-np.log(truth).mean()),
        calibration_error=expected_calibration_error(probabilities, label),
        alerts=len(label),
        objects=len(np.unique(objects)),
    )
