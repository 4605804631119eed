"""Objects whose class is in doubt: what their neighbours in an embedding are, against what they are said to be."""

import dataclasses

import numpy as np

from lcjax.errors import DataError
from lcjax.evaluation.ranking import auroc, average_precision
from lcjax.evaluation.retrieval import class_centres, nearest_centre, top_k

NEIGHBOURS = 10


@dataclasses.dataclass(frozen=True)
class Doubts:
    """N labelled objects."""

    doubt: np.ndarray
    """(N,) share of the neighbours' votes for the best other class less that for the class said, in [-1, 1]."""
    suggested: np.ndarray
    """(N,) int, the class with most votes."""
    nearest_centre: np.ndarray
    """(N,) int, the class whose centre is most alike."""

    @property
    def candidates(self) -> np.ndarray:
        """(N,) bool: neighbours and centre both say another class: likely misclassified. The others far from their centre are
        unusual members of their class.
        """
        return (self.doubt > 0) & (self.nearest_centre == self.suggested)


def find_doubts(embedding: np.ndarray, label: np.ndarray, k: int = NEIGHBOURS) -> Doubts:
    """Votes of the k most alike other objects (cosine), each class weighed by its size so that large ones do not win by number.

    Args:
      embedding: (N, D). label: (N,) int, all >= 0.

    Raises:
      DataError: fewer than two classes, unlabelled objects, or too few of them.
    """
    label = np.asarray(label)
    if (label < 0).any() or len(np.unique(label)) < 2:
        raise DataError("doubtful classes are looked for among objects of two classes or more, all with a class")
    if len(label) <= k:
        raise DataError(
            f"{len(label)} labelled objects are too few for {k} neighbours: give --neighbours a smaller number"
        )
    classes = int(label.max()) + 1
    rows, _ = top_k(embedding, embedding, k, exclude=np.arange(len(label)))
    votes = np.zeros((len(label), classes))
    np.add.at(votes, (np.arange(len(label))[:, None], label[rows]), 1.0)
    size = np.bincount(label, minlength=classes).astype(float)
    votes /= np.sqrt(np.maximum(size, 1))
    votes /= votes.sum(1, keepdims=True)
    own = votes[np.arange(len(label)), label]
    others = votes.copy()
    others[np.arange(len(label)), label] = -1.0
    doubt = others.max(1) - own
    suggested = np.where(doubt > 0, others.argmax(1), label)
    return Doubts(doubt, suggested, nearest_centre(embedding, class_centres(embedding, label, classes)))


@dataclasses.dataclass(frozen=True)
class Planted:
    """How well doubts find classes that were changed on purpose."""

    planted: int
    auroc: float
    average_precision: float
    found_among: float
    """Share of the planted ones among as many most doubtful objects as were planted."""
    right_class: float
    """Share of the planted ones whose suggested class is the true one."""


def plant_mislabels(label: np.ndarray, share: float, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Labels with a share of them changed to another class at random, and which: ((N,) int, (N,) bool)."""
    label = np.asarray(label)
    names = np.unique(label)
    rng = np.random.default_rng((seed, 17))
    changed = np.zeros(len(label), bool)
    changed[rng.permutation(len(label))[: max(1, round(share * len(label)))]] = True
    out = label.copy()
    for row in np.flatnonzero(changed):
        out[row] = rng.choice(names[names != label[row]])
    return out, changed


def check_with_planted(
    embedding: np.ndarray, label: np.ndarray, share: float = 0.05, k: int = NEIGHBOURS, seed: int = 0
) -> Planted:
    """Changes a share of the classes and sees whether they are found."""
    said, changed = plant_mislabels(label, share, seed)
    doubts = find_doubts(embedding, said, k)
    most = np.argsort(-doubts.doubt, kind="stable")[: changed.sum()]
    return Planted(
        int(changed.sum()),
        auroc(doubts.doubt, changed),
        average_precision(doubts.doubt, changed),
        float(changed[most].mean()),
        float((doubts.suggested[changed] == np.asarray(label)[changed]).mean()),
    )
