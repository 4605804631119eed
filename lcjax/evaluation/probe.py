"""How much of the classes is in frozen embeddings: few labels a class, a simple classifier, unseen objects.

The protocol of the few-shot tables: `shots` labelled objects of each class to learn from, the same number of other
objects of every class to test on, macro F1, several draws.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from lcjax.errors import DataError
from lcjax.evaluation.classification import macro_f1


@dataclass(frozen=True)
class FewShotScore:
    """Macro F1 over draws of the labelled objects."""

    classifier: str
    shots: int
    macro_f1: float
    spread: float
    """Standard deviation over draws."""
    classes: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.macro_f1:.3f} ± {self.spread:.3f}"


def standardise(train: np.ndarray, *others: np.ndarray) -> tuple[np.ndarray, ...]:
    """Zero mean and unit variance by the statistics of `train`, all (N, D)."""
    mean, spread = train.mean(0), train.std(0)
    spread = np.where(spread > 0, spread, 1.0)
    return tuple((np.asarray(x, np.float64) - mean) / spread for x in (train, *others))


def nearest_neighbours(train: np.ndarray, label: np.ndarray, test: np.ndarray, k: int = 5) -> np.ndarray:
    """Majority of the k nearest in standardised Euclidean distance; ties go to the nearer sum of distances.

    Args:
      train: (N, D). label: (N,) int >= 0. test: (M, D).

    >>> nearest_neighbours(np.array([[0.0], [0.1], [5.0]]), np.array([0, 0, 1]), np.array([[0.2], [4.0]]), k=1).tolist()
    [0, 1]
    """
    x, z = standardise(train, test)
    classes, index = np.unique(label, return_inverse=True)
    distance = (z**2).sum(1)[:, None] + (x**2).sum(1) - 2 * z @ x.T
    near = np.argsort(distance, axis=1, kind="stable")[:, : min(k, len(x))]
    closeness = -np.sqrt(np.maximum(np.take_along_axis(distance, near, 1), 0.0))
    one_hot = index[near][:, :, None] == np.arange(len(classes))
    closeness = closeness - closeness.min() + 1e-12
    tie_break = (one_hot * closeness[:, :, None]).sum(1) / (k * closeness.max() * 1.01)
    return classes[(one_hot.sum(1) + tie_break).argmax(1)]


def logistic_regression(
    train: np.ndarray, label: np.ndarray, test: np.ndarray, penalty: float = 1.0, iterations: int = 300
) -> np.ndarray:
    """Multinomial logistic regression with an L2 `penalty` on the weights, classes weighted equally.

    Minimises sum_i w_i cross-entropy_i + penalty / 2 |W|^2 by accelerated gradient descent with the Lipschitz step (the
    problem is convex: the same optimum as any solver's). Arguments as in `nearest_neighbours`.

    >>> logistic_regression(np.array([[0.0], [0.1], [5.0]]), np.array([0, 0, 1]), np.array([[0.2], [4.0]])).tolist()
    [0, 1]
    """
    x, z = (np.column_stack([a, np.ones(len(a))]) for a in standardise(train, test))
    classes, index, counts = np.unique(label, return_inverse=True, return_counts=True)
    target = np.eye(len(classes))[index]
    weight = (len(label) / len(classes) / counts)[index][:, None]
    decay = np.append(np.full(x.shape[1] - 1, penalty), 1e-6)[:, None]
    step = 1.0 / (0.5 * np.linalg.eigvalsh(x.T @ (weight * x))[-1] + penalty)
    solution = previous = np.zeros((x.shape[1], len(classes)))
    for i in range(iterations):
        ahead = solution + i / (i + 3) * (solution - previous)
        logits = x @ ahead
        share = np.exp(logits - logits.max(1, keepdims=True))
        share /= share.sum(1, keepdims=True)
        gradient = x.T @ (weight * (share - target)) + decay * ahead
        previous, solution = solution, ahead - step * gradient
    return classes[(z @ solution).argmax(1)]


CLASSIFIERS: dict[str, Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]] = {
    "nearest neighbours": nearest_neighbours,
    "logistic regression": logistic_regression,
}


def few_shot(
    embedding: np.ndarray,
    label: np.ndarray,
    class_names: Sequence[str],
    shots: int = 20,
    draws: int = 5,
    classifiers: Sequence[str] = tuple(CLASSIFIERS),
    seed: int = 0,
    test_per_class: int = 200,
) -> list[FewShotScore]:
    """Macro F1 of classifiers on frozen embeddings.

    Args:
      embedding: (N, D), one row an object. label: (N,) int, -1 unlabelled (left out).
      class_names: names by index.
      shots: labelled objects a class; classes with fewer than 2 * shots objects are left out.
      draws: of the labelled objects.
      test_per_class: most test objects a class (all classes have as many as the rarest).

    Raises:
      DataError: fewer than two classes have enough objects.
    """
    label = np.asarray(label)
    members = {c: np.flatnonzero(label == c) for c in np.unique(label[label >= 0])}
    members = {c: rows for c, rows in members.items() if len(rows) >= 2 * shots}
    if len(members) < 2:
        raise DataError(
            f"A {shots}-shot probe needs two classes of at least {2 * shots} labelled objects, "
            f"and this set has {len(members)}: ask for fewer shots or give more labelled objects."
        )
    tested = min(test_per_class, min(len(rows) for rows in members.values()) - shots)
    rng = np.random.default_rng(seed)
    found: dict[str, list[float]] = {name: [] for name in classifiers}
    for _ in range(draws):
        mixed = [rng.permutation(rows) for rows in members.values()]
        train = np.concatenate([rows[:shots] for rows in mixed])
        test = np.concatenate([rows[shots : shots + tested] for rows in mixed])
        for name in classifiers:
            guess = CLASSIFIERS[name](embedding[train], label[train], embedding[test])
            found[name].append(macro_f1(label[test], guess))
    names = tuple(class_names[c] for c in members)
    return [
        FewShotScore(name, shots, float(np.mean(values)), float(np.std(values)), names)
        for name, values in found.items()
    ]
