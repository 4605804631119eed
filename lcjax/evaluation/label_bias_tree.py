"""The KD tree of intrinsic properties of the labelling bias (Cabrera-Vives et al. 2018): leaves of equal counts, by medians.

Only the order of values counts: objects are told by their places in ordered columns. A bootstrap then sorts 32-bit integers (node and
place together), which NumPy does with vector instructions, in a tenth of the time that a sort in XLA takes on a CPU.
"""

import itertools
from dataclasses import dataclass

import numpy as np

from lcjax.errors import DataError
from lcjax.evaluation.label_bias_catalogue import Bins, Catalogue, Column

_FEW = 8
"""Nodes that are parted one by one."""


@dataclass(frozen=True)
class Leaves:
    """M objects, leaf after leaf."""

    rank: np.ndarray
    """(M,) in the intrinsic column `axis`, which tells the objects."""
    begin: np.ndarray
    """(Q + 1,) where each leaf begins, and the last ends."""
    axis: int


def grow_leaves(catalogue: Catalogue, bins: Bins, rows: np.ndarray | None = None) -> Leaves:
    """The KD tree: left of a node's median strictly below, right at or above it; bits of a leaf's number from the root down.

    Args:
      rows: (M,) of the catalogue, with repetitions where it is a bootstrap; None: all.

    Raises:
      DataError: a node cannot be cut, because its objects share one value.
    """
    first = catalogue.intrinsic[0].rank
    place = first.copy() if rows is None else np.take(first, rows)
    if bins.split == "fractions":
        return _by_fractions(catalogue, bins, place)
    begin, axis = np.array([0, len(place)]), 0
    for level in range(bins.depth):
        following = level % len(catalogue.intrinsic)
        if following != axis:
            place = np.take(catalogue.between[axis][following], place)
        axis = following
        column, halve = catalogue.intrinsic[axis], _halve_few if 2**level <= _FEW else _halve_sorted
        place, begin = halve(column, place, begin)
    return Leaves(place, begin, axis)


def leaf_numbers(catalogue: Catalogue, leaves: Leaves) -> np.ndarray:
    """(N,) leaf of each object of the catalogue, where all were taken."""
    number = np.empty(len(catalogue), np.int64)
    number[catalogue.intrinsic[leaves.axis].order[leaves.rank]] = np.repeat(
        np.arange(len(leaves.begin) - 1), np.diff(leaves.begin)
    )
    return number


def _halve_few(column: Column, place: np.ndarray, begin: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Places half by half, and where the halves begin: nodes are parted one by one, in place, which sorts less than is needed."""
    halved = [0]
    for start, end in itertools.pairwise(begin):
        node, middle = place[start:end], (end - start) // 2
        if not len(node):
            raise _uncut(column)
        node.partition(middle)
        cut = _below(column, node[middle] if len(node) % 2 else node[:middle].max(), node[middle])
        left = int(np.count_nonzero(node < cut))
        if 0 < left < middle:  # values equal to the median
            node[:middle].partition(left)
        halved += [start + left, end]
    return place, np.array(halved)


def _halve_sorted(column: Column, place: np.ndarray, begin: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The same of many nodes at once, by sorting."""
    key, mask = sorted_keys(len(column.value), node_numbers(begin), place, len(begin) - 1)
    cut = _cuts(column, key, mask, begin)
    halved = np.empty(2 * len(cut) + 1, np.int64)
    first_of_node = np.arange(len(cut), dtype=key.dtype) * (mask + key.dtype.type(1))
    halved[::2], halved[1::2] = begin, np.searchsorted(key, first_of_node + cut)
    return key & mask, halved


def _below(column: Column, left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """How many values of the catalogue are strictly below medians, given the places of the two values in the middle."""
    return np.searchsorted(column.value, (column.value[left] + column.value[right]) / 2)


def sorted_keys(objects: int, node: np.ndarray, place: np.ndarray, nodes: int) -> tuple[np.ndarray, np.integer]:
    """(M,) node and place as one integer each, ascending, of 32 bits where these hold both; and the mask of the place."""
    bits = max(int(objects - 1).bit_length(), 1)
    kind = np.uint32 if bits + int(nodes - 1).bit_length() <= 32 else np.uint64
    key = node.astype(kind) << kind(bits)
    key |= place
    key.sort()
    return key, kind((1 << bits) - 1)


def node_numbers(begin: np.ndarray) -> np.ndarray:
    """(M,) node of each of objects that come node after node."""
    return np.repeat(np.arange(len(begin) - 1, dtype=np.uint32), np.diff(begin))


def _cuts(column: Column, key: np.ndarray, mask: np.integer, begin: np.ndarray) -> np.ndarray:
    """(nodes,) how many values of the catalogue are strictly below the median of each node."""
    count = np.diff(begin)
    if not count.all():
        raise _uncut(column)
    left, right = (key[begin[:-1] + at] & mask for at in ((count - 1) // 2, count // 2))
    return _below(column, left, right).astype(key.dtype)


def _uncut(column: Column) -> DataError:
    return DataError(
        f"a node of the tree cannot be halved, because too many of its objects share one value ('{column.name}' is next to be cut): "
        "leave out that column, or take a smaller depth"
    )


def _by_fractions(catalogue: Catalogue, bins: Bins, place: np.ndarray) -> Leaves:
    """The tree whose nodes are cut along the axis whose sides differ most in class fractions; the first of equal ones."""
    label = catalogue.intrinsic[0].label[place]
    places = [table[place] for table in catalogue.between[0][: len(catalogue.intrinsic)]]
    node = np.zeros(len(place), np.int64)
    for level in range(bins.depth):
        difference, sides = zip(
            *(
                _apart(column, axis, node, 2**level, label, len(catalogue.classes))
                for column, axis in zip(catalogue.intrinsic, places, strict=True)
            ),
            strict=True,
        )
        chosen = np.argmax(difference, axis=0)
        if np.isinf(np.max(difference, axis=0)).any():
            raise _uncut(catalogue.intrinsic[0])
        node = 2 * node + np.choose(chosen[node], sides)
    begin = np.concatenate([[0], np.cumsum(np.bincount(node, minlength=2**bins.depth))])
    return Leaves(place[np.argsort(node, kind="stable")], begin, 0)


def _apart(
    column: Column, place: np.ndarray, node: np.ndarray, nodes: int, label: np.ndarray, classes: int
) -> tuple[np.ndarray, np.ndarray]:
    """(nodes,) mean absolute difference of class fractions left and right of a cut, -inf where there is none; (M,) sides."""
    begin = np.concatenate([[0], np.cumsum(np.bincount(node, minlength=nodes))])
    cut = _cuts(column, *sorted_keys(len(column.value), node, place, nodes), begin)
    for alone in np.flatnonzero(np.bincount(node[place < cut[node]], minlength=nodes) == 0):  # nothing below the median
        cut[alone] = np.searchsorted(column.value, np.mean(column.value[place[node == alone]]))
    side = place >= cut[node]
    cells = np.bincount((2 * node + side) * classes + label, minlength=2 * nodes * classes).reshape(nodes, 2, classes)
    total = cells.sum(-1, keepdims=True)
    fraction = cells / np.maximum(total, 1)
    apart = np.zeros(nodes)
    for k in range(classes):
        apart += np.abs(fraction[:, 0, k] - fraction[:, 1, k])
    return np.where((total > 0).all((1, 2)), apart / classes, -np.inf), side
