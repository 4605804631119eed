"""The published loop of the labelling bias (Cabrera-Vives et al. 2018), re-created to be timed: a Python loop over leaves, bins, classes.

What costs is kept as published: each node of the tree copies its objects, each leaf selects its objects among all of them once for
each observable, each bin counts each class by comparing.
"""

from collections.abc import Iterator

import numpy as np


def tree(alpha: np.ndarray, depth: int, axis: int = 0, first: int = 0) -> np.ndarray:
    """(M,) leaves: median cuts, axes in turn."""
    if depth == 0:
        return np.full(len(alpha), first)
    left = alpha[:, axis] < np.median(alpha[:, axis])
    after = (axis + 1) % alpha.shape[1]
    leaf = np.zeros(len(alpha), int)
    for side, number in ((np.flatnonzero(left), first), (np.flatnonzero(~left), first + 2 ** (depth - 1))):
        leaf[side] = tree(alpha[side], depth - 1, after, number)
    return leaf


def fractions(beta: np.ndarray, label: np.ndarray, classes: np.ndarray, bins: int) -> np.ndarray:
    """(n, K) class fractions in bins of equal counts."""
    known = np.where(np.isin(label, classes))
    beta, label = beta[known], label[known]
    edges = np.array(np.round(np.linspace(0, len(beta), bins + 1)), int)
    order, out, means = beta.argsort(), np.zeros((bins, len(classes))), []
    for i in range(bins):
        inside = order[edges[i] : edges[i + 1]]
        means.append(beta[inside].mean())
        for k, name in enumerate(classes):
            out[i, k] = (label[inside] == name).sum() / len(inside)
    return out


def bias(
    alpha: np.ndarray,
    beta: np.ndarray,
    label: np.ndarray,
    classes: np.ndarray,
    depth: int,
    bins: int,
    first: tuple[bool, ...],
) -> float:
    """L of these objects."""
    leaf = tree(alpha, depth)
    squared = np.zeros((beta.shape[1], len(classes), 2**depth))
    numbers = np.unique(leaf)
    for j in range(beta.shape[1]):
        for q in numbers:
            inside = leaf == q
            found = fractions(beta[:, j][inside], label[inside], classes, bins)
            for k in range(len(classes)):
                squared[j, k, q] = ((found[:, k] - found[0 if first[j] else -1, k]) ** 2).sum() / bins
    return float(np.sqrt(squared.sum() / squared.size))


def published_draws(seed: int, objects: int, size: int, draws: int) -> Iterator[np.ndarray]:
    """Rows of bootstraps as published: one random order, its first `size`, and as many of these with repetition."""
    rng = np.random.RandomState(seed)
    for _ in range(draws):
        rows = np.arange(objects)
        if size < objects:
            rng.shuffle(rows)
            rows = rows[:size]
        yield rng.choice(rows, size=size, replace=True)
