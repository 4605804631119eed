"""Classes of a catalogue, from a column of them or from probabilities."""

from collections.abc import Sequence

import numpy as np

from lcjax.errors import ConfigError, DataError

UNDECIDED = "undecided"


def labels_from_probabilities(probabilities: np.ndarray, thresholds: Sequence[float]) -> np.ndarray:
    """(N,) classes: i + 1 where probability i reaches its threshold (later columns win), 0 where none does.

    Of one column, class 1 where p >= t and class 2 where 1 - p > t (Cabrera-Vives et al. 2018, code).

    Args:
      probabilities: (N, P) of 0 to 1. thresholds: P of them, or one for all.

    >>> labels_from_probabilities(np.array([[0.9, 0.1], [0.2, 0.8], [0.5, 0.5]]), (0.8,)).tolist()
    [1, 2, 0]
    >>> labels_from_probabilities(np.array([[0.9], [0.1], [0.5]]), (0.8,)).tolist()
    [1, 2, 0]

    Raises:
      ConfigError: another number of thresholds, or one that is no probability. DataError: a probability is not between 0 and 1.
    """
    values = np.asarray(probabilities, np.float64)
    columns = values.shape[1]
    if len(thresholds) not in (1, columns):
        raise ConfigError(
            f"{len(thresholds)} thresholds for {columns} columns of probabilities: give one, or one for each"
        )
    if bad := [t for t in thresholds if not 0 < t <= 1]:
        raise ConfigError(f"a threshold of {bad[0]:g} is no probability: it is above 0 and at most 1")
    wrong = (values < 0) | (values > 1)
    if wrong.any():
        raise DataError(f"a probability is {values[wrong][0]:g}: they are between 0 and 1")
    limits = list(thresholds) * (columns if len(thresholds) == 1 else 1)
    label = np.zeros(len(values), np.int64)
    for i, limit in enumerate(limits):
        label[values[:, i] >= limit] = i + 1
    if columns == 1:
        label[1 - values[:, 0] > limits[0]] = 2
    return label
