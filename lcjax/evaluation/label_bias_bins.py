"""How finely to cut a catalogue for its labelling bias: the most bins at which L does not hang on a few objects."""

import math
from dataclasses import dataclass
from typing import Literal

from lcjax.errors import ConfigError, DataError
from lcjax.evaluation.label_bias_catalogue import Bins, Catalogue, Split
from lcjax.evaluation.label_bias_draws import LEAST, bootstrap_bias
from lcjax.evaluation.scores import Text

Rule = Literal["single", "total"]
TOLERANCE = 0.01
TOLERANCE_OF_OBSERVABLE_BINS = 0.005
_AT_THE_END = 15
"""Objects in a bin at the upper end of the search."""


@dataclass(frozen=True)
class Tried:
    """One step of a search."""

    bins: Bins
    change: float
    """Mean L with ten objects a bin less, less mean L; infinite where bins would have too few objects."""
    accepted: bool


def bins_of(depth: int, rule: Rule, first: tuple[bool, ...], axes: int, split: Split = "cyclic") -> Bins:
    """Bins of a depth of the tree: as many of an observable as leaves (`total`), or as leaves along one of the axes (`single`).

    >>> bins_of(9, "single", (True,), 3).observable, bins_of(4, "total", (True,), 3).observable
    (8, 16)
    """
    observable = 2**depth if rule == "total" else round(2 ** (depth / axes))
    return Bins(depth, max(observable, 2), first, split)


def deepest(objects: int, rule: Rule, axes: int) -> int:
    """Upper end of the search: at 15 objects a bin.

    >>> deepest(240_000, "single", 3), deepest(240_000, "total", 3)
    (10, 6)
    """
    bins = objects / _AT_THE_END
    leaves = math.sqrt(bins) if rule == "total" else bins ** (axes / (axes + 1))
    return math.floor(math.log2(leaves) + 1e-9) if bins >= 1 else -1


def search_depth(
    catalogue: Catalogue,
    first: tuple[bool, ...],
    rule: Rule = "single",
    split: Split = "cyclic",
    draws: int = 5,
    seed: int = 0,
    tolerance: float = TOLERANCE,
) -> tuple[Bins, list[Tried]]:
    """Bisection for the largest depth at which taking ten objects a bin away raises L by less than the tolerance.

    Raises:
      DataError: the catalogue is too small for two leaves of two bins, or none is accepted.
    """
    axes = len(catalogue.intrinsic)
    bins = lambda depth: bins_of(depth, rule, first, axes, split)
    end = deepest(len(catalogue), rule, axes)
    if end < 1:
        need = _AT_THE_END * (4 if rule == "total" else math.ceil(2 ** ((axes + 1) / axes)))
        raise DataError(f"a search of bins needs {need} labelled objects at least, and there are {len(catalogue)}")
    return _bisect(catalogue, bins, 1, end, draws, seed, tolerance)


def search_observable_bins(
    catalogue: Catalogue,
    depth: int,
    first: tuple[bool, ...],
    split: Split = "cyclic",
    draws: int = 5,
    seed: int = 0,
    tolerance: float = TOLERANCE_OF_OBSERVABLE_BINS,
) -> tuple[Bins, list[Tried]]:
    """The same for the bins of the observables alone, at a given depth of the tree.

    Raises:
      DataError: as `search_depth`.
    """
    end = len(catalogue) // 2**depth // _AT_THE_END
    if end < 2:
        need = 2 * _AT_THE_END * 2**depth
        raise DataError(
            f"a search of bins at depth {depth} needs {need:,} labelled objects, and there are {len(catalogue):,}"
        )
    return _bisect(catalogue, lambda count: Bins(depth, count, first, split), 2, end, draws, seed, tolerance)


def _bisect(catalogue: Catalogue, bins, low: int, high: int, draws: int, seed: int, tolerance: float):
    tried = {size: _try(catalogue, bins(size), draws, seed, tolerance) for size in {low, high}}
    while high - low > 1:
        middle = (low + high) // 2
        tried[middle] = _try(catalogue, bins(middle), draws, seed, tolerance)
        low, high = (middle, high) if tried[middle].accepted else (low, middle)
    steps = [tried[size] for size in sorted(tried)]
    accepted = [step.bins for step in steps if step.accepted]
    if not accepted:
        raise DataError(
            f"at none of {len(steps)} numbers of bins is L steady (it rises by {min(s.change for s in steps):.3f} or more where ten "
            "objects a bin are taken away): take more objects, or choose depth and bins"
        )
    return accepted[-1], steps


def _try(catalogue: Catalogue, bins: Bins, draws: int, seed: int, tolerance: float) -> Tried:
    objects = len(catalogue)
    if objects // bins.count < LEAST + 1:  # of which ten are taken away
        return Tried(bins, math.inf, False)
    size = max(objects - 10 * bins.count, bins.count * 2)
    try:
        every, fewer = (
            bootstrap_bias(catalogue, bins, draws=draws, seed=seed, size=n).bias.mean() for n in (objects, size)
        )
    except DataError:  # many equal values: this tree cannot be cut so finely
        return Tried(bins, math.inf, False)
    change = float(fewer - every)
    return Tried(bins, change, change < tolerance)


def choose_bins(
    catalogue: Catalogue,
    depth: int | None,
    observable: int | None,
    first: tuple[bool, ...],
    rule: Rule,
    split: Split,
    seed: int,
) -> tuple[Bins, list[Text]]:
    """The bins that are given, or searched for, and what to say of the search.

    Args:
      depth, observable: as in `Bins`; None: searched for. The others as in `search_depth`.

    Raises:
      ConfigError: bins of an observable without a depth. See `search_depth`.
    """
    if depth is not None and observable is not None:
        return Bins(depth, observable, first, split), []
    if depth is None and observable is not None:
        raise ConfigError("--bins without --depth: give both, --depth alone, or neither")
    if depth is None:
        bins, steps = search_depth(catalogue, first, rule, split, seed=seed)
    else:
        bins, steps = search_observable_bins(catalogue, depth, first, split, seed=seed)
    tried = ", ".join(f"2^{s.bins.depth} x {s.bins.observable} {s.change:+.4f}" for s in steps)
    told = f"bins searched for: 2^{bins.depth} leaves x {bins.observable}; change of L with ten objects a bin less: {tried}"
    return bins, [Text(told)]
