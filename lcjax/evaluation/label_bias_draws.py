"""Labelling bias with its uncertainty: bootstraps of equal size, what unbiased labels would give, and a test by permutation.

Labels without any bias have L > 0, because fractions of few objects scatter. That floor is known: between two bins of m_i and m_0
of the N objects of a leaf, labels in random order differ by p (1 - p) N / (N - 1) (1 / m_i + 1 / m_0) in the mean square, and
twice as much in a bootstrap. What is left of L^2 above it is the corrected value.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from lcjax.errors import DataError
from lcjax.evaluation.intervals import Score, interval
from lcjax.evaluation.label_bias import Counts, count_between, count_classes, cut_observable, squared_bias
from lcjax.evaluation.label_bias_catalogue import Bins, Catalogue
from lcjax.evaluation.label_bias_tree import grow_leaves, leaf_numbers

ALL = slice(None)
LEAST = 10
"""Objects in a bin, without which fractions say nothing (of the original)."""


@dataclass(frozen=True)
class Draws:
    """D bootstraps of the metric."""

    squared: np.ndarray
    """(D, O, K) sigma^2, mean over the leaves."""
    floor: np.ndarray
    """(D, O, K) what it is in the mean without any bias."""
    objects_per_bin: int

    @property
    def bias(self) -> np.ndarray:
        """(D,) L."""
        return np.sqrt(self.squared.mean((1, 2)))

    def score(self, observable: int | slice = ALL, label: int | slice = ALL) -> Score:
        """Mean L over the draws, with 95 % of them; of one observable, of one class, of both, or of all."""
        drawn = np.sqrt(_mean(self.squared, observable, label))
        return interval(drawn.mean(), drawn)

    def floor_of(self, observable: int | slice = ALL, label: int | slice = ALL) -> float:
        """L without any bias."""
        return float(np.sqrt(_mean(self.floor, observable, label).mean()))

    def corrected(self, observable: int | slice = ALL, label: int | slice = ALL) -> Score:
        """sqrt(max(0, L^2 - floor^2)) with 95 % of the draws; 0 where nothing is above the floor."""
        above = _mean(self.squared, observable, label) - _mean(self.floor, observable, label)
        return interval(np.sqrt(max(above.mean(), 0.0)), np.sqrt(np.maximum(above, 0)))


def _mean(values: np.ndarray, observable: int | slice, label: int | slice) -> np.ndarray:
    return values[:, observable][..., label].reshape(len(values), -1).mean(1)


@dataclass(frozen=True)
class Permutations:
    """All objects at once, against labels in random order inside each leaf, where nothing depends on the observables."""

    squared: np.ndarray
    """(O, K) sigma^2, mean over the leaves."""
    null: np.ndarray
    """(P, O, K) the same of permuted labels."""

    @property
    def bias(self) -> float:
        """L."""
        return float(np.sqrt(self.squared.mean()))

    @property
    def null_bias(self) -> np.ndarray:
        """(P,) L of the permuted labels."""
        return np.sqrt(self.null.mean((1, 2)))

    @property
    def floor(self) -> float:
        """Root mean square of these."""
        return float(np.sqrt(self.null.mean()))

    def p_value(self, observable: int | slice = ALL, label: int | slice = ALL) -> float:
        """(1 + permutations with as large an L) / (1 + permutations)."""
        found = _mean(self.squared[None], observable, label)
        as_large = _mean(self.null, observable, label) >= found * (1 - 1e-12)
        return float((1 + as_large.sum()) / (1 + len(self.null)))


def sampling_floor(counts: Counts, bins: Bins, bootstrap: bool = False) -> np.ndarray:
    """(O, K, Q) mean of sigma^2 over orders of the labels of each leaf; twice that for a bootstrap.

    For two classes of fraction p and m objects a bin, the mean over leaves is about 2 p (1 - p) / m (n - 1) / n.
    """
    size = counts.of_class.sum(-1)  # (O, Q, n)
    total = size.sum(-1)[..., None]
    fraction = counts.of_class.sum(2) / total  # (O, Q, K)
    variance = fraction * (1 - fraction) * total / np.maximum(total - 1, 1)
    reference = np.where(np.array(bins.first)[:, None], size[:, :, 0], size[:, :, -1])
    apart = (1 / size + 1 / reference[..., None]).sum(
        -1
    ) - 2 / reference  # the reference bin is at no distance from itself
    floor = variance * (apart / bins.observable)[..., None]
    return (2 if bootstrap else 1) * floor.swapaxes(1, 2)


def draw_rows(rng: np.random.Generator, objects: int, size: int, bootstrap: bool = True) -> np.ndarray:
    """Rows of one draw: `size` of the objects without repetition, then as many of these with it."""
    inside = np.ones(objects, bool)
    inside[rng.choice(objects, objects - size, replace=False, shuffle=False)] = False
    rows = np.flatnonzero(inside)
    return np.take(rows, rng.integers(0, size, size)) if bootstrap else rows


def objects_in_bins(catalogue: Catalogue, bins: Bins, objects_per_bin: int | None, least: int = LEAST) -> int:
    """Objects of each bin: as many as asked for, or as there are.

    Raises:
      DataError: there are not so many; says how many are needed.
    """
    there = len(catalogue) // bins.count
    wanted = max(objects_per_bin or 0, least)
    if there < wanted or (objects_per_bin is not None and objects_per_bin < least):
        what = f"{2**bins.depth:,} leaves of {bins.observable} bins with {wanted} objects each"
        if there >= wanted:
            raise DataError(
                f"{objects_per_bin} objects in a bin are fewer than {least}, too few for a fraction: take more"
            )
        raise DataError(
            f"{what} need {bins.count * wanted:,} labelled objects, and there are {len(catalogue):,}: take a smaller depth, "
            "fewer bins or fewer objects a bin"
        )
    return objects_per_bin or there


def bootstrap_bias(
    catalogue: Catalogue,
    bins: Bins,
    objects_per_bin: int | None = None,
    draws: int = 100,
    seed: int = 0,
    bootstrap: bool = True,
    size: int | None = None,
) -> Draws:
    """The metric of `draws` random parts of the catalogue: comparable between catalogues at equal bins and objects in them only.

    Args:
      objects_per_bin: None: as many as there are. bootstrap: draw each part again with repetition, as published.
      size: objects of a draw, instead.

    Raises:
      DataError: there are too few objects, or a tree cannot be cut.
    """
    if size is None:
        objects_per_bin = objects_in_bins(catalogue, bins, objects_per_bin)
        size = objects_per_bin * bins.count

    def one(number: int) -> tuple[np.ndarray, np.ndarray]:
        rng = np.random.default_rng([seed, number])
        counts = count_classes(catalogue, bins, draw_rows(rng, len(catalogue), size, bootstrap))
        return squared_bias(counts, bins).mean(-1), sampling_floor(counts, bins, bootstrap).mean(-1)

    squared, floor = zip(*map(one, range(draws)), strict=True)
    return Draws(np.stack(squared), np.stack(floor), size // bins.count)


def permutation_test(catalogue: Catalogue, bins: Bins, permutations: int = 200, seed: int = 0) -> Permutations:
    """Whether L of all objects is larger than chance: labels are put in random order inside each leaf of the one tree.

    Raises:
      DataError: as `count_classes`.
    """
    leaves = grow_leaves(catalogue, bins)
    cuts = []
    for j, column in enumerate(catalogue.observed):
        place, edges = cut_observable(catalogue, bins, leaves, j)
        cuts.append((column.order[place], edges))

    def mean(label: np.ndarray) -> np.ndarray:
        counts = [count_between(label[rows], edges, len(catalogue.classes)) for rows, edges in cuts]
        return squared_bias(Counts(np.stack(counts)), bins).mean(-1)

    leaf, rng = leaf_numbers(catalogue, leaves), np.random.default_rng(seed)
    null = [mean(label) for label in _shuffled(catalogue.label, leaf, rng, permutations)]
    return Permutations(mean(catalogue.label), np.stack(null))


def _shuffled(label: np.ndarray, leaf: np.ndarray, rng: np.random.Generator, times: int) -> Iterator[np.ndarray]:
    """Labels in random order inside each leaf."""
    by_leaf = np.argsort(leaf, kind="stable")
    for _ in range(times):
        mixed = rng.permutation(len(label))
        mixed = mixed[np.argsort(leaf[mixed], kind="stable")]
        out = np.empty_like(label)
        out[by_leaf] = label[mixed]
        yield out
