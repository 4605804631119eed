"""Classes of several datasets and of a model brought together, and balanced.

Two ways of balancing. `published`: every class is replicated to the count of the largest (whole copies, then a part), as in
the stamp classifier's own training, so that a round shows each record of the largest class once. `weighted`:
each round draws as many records as there are, every class with the same expected number; records of large classes are left out
in some rounds. Both take labelled records only and are functions of (data, seed, epoch) alone.
"""

from collections.abc import Mapping, Sequence
from typing import Literal

import numpy as np

from data_pipelines.shards.manifest import Manifest
from lcjax.errors import DataError

Balance = Literal["published", "weighted"]
BALANCES = ("published", "weighted")


def merged_classes(manifests: Sequence[Manifest]) -> tuple[str, ...]:
    """Classes of several datasets, each once, in the order of the first that has it."""
    return tuple(dict.fromkeys(name for manifest in manifests for name in manifest.class_names))


def translation(
    manifest: Manifest, class_names: Sequence[str], synonyms: Mapping[str, str] | None = None
) -> np.ndarray:
    """Index among `class_names` of each class of a dataset; the last entry stands for unlabelled.

    Args:
      synonyms: name in the data -> class.
    """
    number = {name: i for i, name in enumerate(class_names)}
    number |= {name: number[of] for name, of in (synonyms or {}).items()}
    return np.array([number.get(c, -1) for c in manifest.class_names] + [-1], np.int64)


def class_numbers(data_classes: Sequence[str], model_classes: Sequence[str]) -> list[int]:
    """Number among the model's classes of every class of the data, without regard to case; -1 for none.

    >>> class_numbers(["agn", "asteroid", "nova"], ["AGN", "SN", "VS", "asteroid", "bogus"])
    [0, 3, -1]
    """
    known = {name.lower(): i for i, name in enumerate(model_classes)}
    return [known.get(name.lower(), -1) for name in data_classes]


def class_counts(labels: np.ndarray, classes: int) -> np.ndarray:
    """Records of each class, (K,) int64; unlabelled ones are not counted."""
    return np.bincount(labels[labels >= 0], minlength=classes)


def repeats(labels: np.ndarray, classes: int, balance: Balance, what: str) -> np.ndarray:
    """How often each record is used in a round of training, (R,) float64.

    Args:
      labels: (R,) class indices, -1 unlabelled. classes: how many there are. what: is balanced, for the message.

    Raises:
      DataError: nothing is labelled.
    """
    counts = class_counts(labels, classes)
    if not counts.any():
        raise DataError(f"{what} has no labelled records to balance: give labels, or no --balance")
    if balance == "published":
        return published_replication(labels, classes).astype(np.float64)
    share = np.where(counts > 0, counts.sum() / (np.count_nonzero(counts) * np.maximum(counts, 1)), 0.0)
    return np.where(labels >= 0, share[labels], 0.0)


def published_replication(labels: np.ndarray, classes: int) -> np.ndarray:
    """How often each row is used so that every class reaches the count of the largest: whole copies of its rows, and one more
    of its first ones; unlabelled rows 0 times.

    >>> published_replication(np.array([0, 0, 0, 1, 1, -1]), 2).tolist()
    [1, 1, 1, 2, 1, 0]
    """
    times = np.zeros(len(labels), np.int64)
    most = class_counts(labels, classes).max(initial=0)
    for number in range(classes):
        rows = np.flatnonzero(labels == number)
        if len(rows):
            whole, part = divmod(int(most), len(rows))
            times[rows] = whole
            times[rows[:part]] += 1
    return times
