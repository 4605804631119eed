"""Labelling bias of a catalogue: how much class fractions depend on how well objects were observed, where their own nature does not.

Cabrera-Vives, Miller & Schneider 2018 (AJ 156, 284; arXiv 1811.03577). Objects alike in intrinsic properties alpha (the leaves of
a KD tree) should have the same class fractions whatever the observables beta; L is the root mean square of what is lacking to that.
"""

from dataclasses import dataclass

import numpy as np

from lcjax.errors import ConfigError, DataError
from lcjax.evaluation.label_bias_catalogue import Bins, Catalogue
from lcjax.evaluation.label_bias_tree import Leaves, grow_leaves, node_numbers, sorted_keys


@dataclass(frozen=True)
class Counts:
    """Objects of each class, in the Q leaves, n bins of O observables."""

    of_class: np.ndarray
    """(O, Q, n, K) integers."""

    @property
    def fractions(self) -> np.ndarray:
        """(O, Q, n, K) float64."""
        return self.of_class / self.of_class.sum(-1, keepdims=True)


def cut_observable(catalogue: Catalogue, bins: Bins, leaves: Leaves, j: int) -> tuple[np.ndarray, np.ndarray]:
    """Objects by leaf and observable j: (M,) places in it, and (Q, n + 1) edges of bins of equal counts among them.

    Edges are `round(linspace(0, objects of the leaf, n + 1))`, half to even.

    Raises:
      DataError: a leaf has fewer objects than bins.
    """
    count = np.diff(leaves.begin)
    if count.min() < bins.observable:
        raise DataError(
            f"a leaf of the tree has {count.min()} objects for {bins.observable} bins: take more objects, or a smaller depth"
        )
    place = np.take(catalogue.between[leaves.axis][len(catalogue.intrinsic) + j], leaves.rank)
    steps = np.linspace(0, count, bins.observable + 1, axis=-1)
    edges = leaves.begin[:-1, None] + np.rint(steps).astype(np.int64)
    key, mask = sorted_keys(len(catalogue), node_numbers(leaves.begin), place, len(count))
    return key & mask, edges


def count_classes(catalogue: Catalogue, bins: Bins, rows: np.ndarray | None = None) -> Counts:
    """Objects of each class in bins of equal counts of each observable.

    Args:
      rows: as in `grow_leaves`.

    Raises:
      DataError: a node cannot be cut, or a leaf has fewer objects than bins. ConfigError: `bins` does not fit the catalogue.
    """
    if len(bins.first) != len(catalogue.observed):
        raise ConfigError(
            f"{len(catalogue.observed)} observables need as many references, and {len(bins.first)} are given"
        )
    if bins.depth < 0 or bins.observable < 2:
        raise ConfigError(
            f"a depth of {bins.depth} and {bins.observable} bins: it takes a depth of 0 and 2 bins at least"
        )
    leaves, found = grow_leaves(catalogue, bins, rows), []
    for j, column in enumerate(catalogue.observed):
        place, edges = cut_observable(catalogue, bins, leaves, j)
        found.append(count_between(np.take(column.label, place), edges, len(catalogue.classes)))
    return Counts(np.stack(found))


def count_between(label: np.ndarray, edges: np.ndarray, classes: int) -> np.ndarray:
    """(Q, n, K) objects of each class between (Q, n + 1) edges in (M,) class numbers."""
    count = np.empty((*np.diff(edges).shape, classes), np.int64)
    for k in range(classes - 1):
        until = np.concatenate([[0], np.cumsum(label == k, dtype=np.int32)])
        count[..., k] = np.diff(until[edges])
    count[..., -1] = np.diff(edges) - count[..., :-1].sum(-1)
    return count


def bin_means(catalogue: Catalogue, bins: Bins, j: int) -> np.ndarray:
    """(Q, n) mean of observable j in its bins, of all objects."""
    place, edges = cut_observable(catalogue, bins, grow_leaves(catalogue, bins), j)
    return np.add.reduceat(catalogue.observed[j].value[place], edges[:, :-1].ravel()).reshape(len(edges), -1) / np.diff(
        edges
    )


def squared_bias(counts: Counts, bins: Bins) -> np.ndarray:
    """(O, K, Q) sigma^2: mean over the bins of the squared distance of class fractions from those in the reference bin."""
    fraction = counts.fractions
    reference = np.where(np.array(bins.first)[:, None, None], fraction[:, :, 0], fraction[:, :, -1])
    return (((fraction - reference[:, :, None]) ** 2).sum(2) / bins.observable).swapaxes(1, 2)


def label_bias(catalogue: Catalogue, bins: Bins, rows: np.ndarray | None = None) -> float:
    """L = sqrt(mean of sigma^2 over observables, classes and leaves), 0 to 1; of all objects, or of the rows given.

    Raises:
      DataError, ConfigError: as `count_classes`.
    """
    return float(np.sqrt(squared_bias(count_classes(catalogue, bins, rows), bins).mean()))
