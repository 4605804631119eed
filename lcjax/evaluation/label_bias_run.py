"""The labelling bias of a catalogue, from its columns to scores: what is measured, and what of it makes no sense."""

import dataclasses
from collections.abc import Callable, Sequence
from typing import Literal

from lcjax.errors import ConfigError
from lcjax.evaluation.label_bias_bins import choose_bins
from lcjax.evaluation.label_bias_draws import bootstrap_bias, permutation_test
from lcjax.evaluation.label_bias_scores import bias_scores
from lcjax.evaluation.labelled_catalogue import CatalogueColumns, CatalogueTable, LabelOptions, labelled_catalogue
from lcjax.evaluation.scores import Scores

_PUBLISHED = ("low", "high")
"""References of the paper's observables: apparent magnitude, radius over seeing."""


@dataclasses.dataclass(frozen=True)
class BiasSettings:
    """What is compared, and how finely."""

    labels: tuple[str, ...]
    """Column of classes, or columns of probabilities with --thresholds."""
    intrinsic: tuple[str, ...]
    """Columns of what an object is: physical radius, absolute magnitude, redshift."""
    observed: tuple[str, ...]
    """Columns of how well it is seen: apparent magnitude, radius over seeing, signal to noise."""
    label: LabelOptions = dataclasses.field(default_factory=LabelOptions)
    reference: tuple[Literal["low", "high"], ...] = ()
    """Of each observable, where labels are best: `low` (apparent magnitude) or `high` (size, signal to noise). For two observables the
    default is the published `low high`; otherwise it must be given."""
    depth: int | None = None
    """2^depth leaves of the tree of intrinsic properties. Default: searched for."""
    bins: int | None = None
    """Of each observable in each leaf. Default: searched for."""
    search: Literal["single", "total"] = "single"
    """As many bins of an observable as leaves along one intrinsic axis, or as leaves in all."""
    objects_per_bin: int | None = None
    """Default: as many as there are."""
    split: Literal["cyclic", "fractions"] = "cyclic"
    """Axis of a node of the tree: each in turn, or that whose halves differ most in class fractions."""
    draws: int = 100
    permutations: int = 200
    seed: int = 0
    """Of draws and permutations, and of the order of objects with equal values."""
    columns: CatalogueColumns = dataclasses.field(default_factory=CatalogueColumns)

    def check(self) -> None:
        """Makes sure that the settings make sense.

        Raises:
          ConfigError: columns, ends or numbers that do not.
        """
        self._check_columns()
        if self.draws < 2 or self.permutations < 1:
            raise ConfigError("--draws is 2 or more, and --permutations 1 or more")
        if self.seed < 0:
            raise ConfigError(f"--seed is {self.seed}: it is 0 or more")
        if self.depth is not None and not 0 <= self.depth <= 30:
            raise ConfigError(f"--depth is {self.depth}: it is from 0 to 30")
        if self.bins is not None and self.bins < 2:
            raise ConfigError(f"--bins is {self.bins}: fractions of two bins at least can differ")
        if self.objects_per_bin is not None and self.objects_per_bin < 1:
            raise ConfigError(f"--objects-per-bin is {self.objects_per_bin}: it is 1 or more")

    def _check_columns(self) -> None:
        for name in ("labels", "intrinsic", "observed"):
            if not getattr(self, name):
                raise ConfigError(f"--{name} names no column: give one at least")
        named = (*self.labels, *self.intrinsic, *self.observed)
        if twice := [name for name in dict.fromkeys(named) if named.count(name) > 1]:
            raise ConfigError(
                f"the column '{twice[0]}' is given twice: a column is a label, intrinsic or observed, and once"
            )
        if not self.reference and len(self.observed) != 2:
            raise ConfigError(
                f"where labels are best is not known of {len(self.observed)} observables ({', '.join(self.observed)}): "
                "give --reference low or high for each"
            )
        if self.reference and len(self.reference) != len(self.observed):
            raise ConfigError(
                f"--reference says {len(self.reference)} ends for {len(self.observed)} observables: one for each"
            )


def labelling_bias(read: Callable[[Sequence[str]], CatalogueTable], settings: BiasSettings, where: str) -> Scores:
    """Scores of a catalogue.

    Args:
      read: see `labelled_catalogue`. where: what to call the catalogue.

    Raises:
      ConfigError, DataError: settings or columns that will not do.
    """
    settings.check()
    of, seed = settings, settings.seed
    catalogue, remarks = labelled_catalogue(read, of.labels, of.intrinsic, of.observed, of.label, of.columns, seed)
    first = tuple(end == "low" for end in of.reference or _PUBLISHED)
    bins, how = choose_bins(catalogue, of.depth, of.bins, first, of.search, of.split, seed)
    drawn = bootstrap_bias(catalogue, bins, of.objects_per_bin, of.draws, seed)
    test = permutation_test(catalogue, bins, of.permutations, seed)
    return bias_scores(catalogue, bins, drawn, test, where, [*remarks, *how])
