"""`lcjax label-bias CATALOG ...`: how much the labels of a catalogue depend on how well its objects were observed."""

import dataclasses
import shlex
from pathlib import Path
from typing import Annotated, Literal

import tyro

from lcjax.errors import ConfigError
from lcjax.evaluation.labelled_catalogue import CatalogueColumns, LabelOptions, labelled_catalogue

_PUBLISHED = ("low", "high")
"""References of the paper's observables: apparent magnitude, radius over seeing."""


@dataclasses.dataclass(frozen=True)
class BiasOptions:
    """Labelling bias L of a catalogue (Cabrera-Vives, Miller & Schneider 2018): 0 is none, at most 1.

    Objects alike in intrinsic properties should have the same class fractions however well they were observed. Prints L with
    the interval of its bootstraps, the floor that unbiased labels would give, what is above it, a test by permutation, all of it by class and
    observable. Bins and objects a bin are searched for where none are given; L compares between catalogues at equal ones only.
    """

    catalogue: Annotated[Path, tyro.conf.Positional]
    """Parquet, CSV, ECSV or FITS, an object a row."""
    labels: tuple[str, ...]
    """Column of classes, or columns of probabilities with --thresholds."""
    intrinsic: tuple[str, ...]
    """Columns of what an object is: physical radius, absolute magnitude, redshift."""
    observed: tuple[str, ...]
    """Columns of how well it is seen: apparent magnitude, radius over seeing, signal to noise."""
    label: Annotated[LabelOptions, tyro.conf.arg(name="")] = dataclasses.field(default_factory=LabelOptions)
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
    json: Path | None = None
    """Also write the scores there."""
    report: Path | None = None
    """Also write the HTML report with pictures, as this folder's report/index.html."""


def main(argv: list[str]) -> int:
    """Reads, measures, prints, and writes what was asked for."""
    options = tyro.cli(BiasOptions, args=argv, prog="lcjax label-bias")
    _check(options)
    from data_pipelines.sources.catalogues import CatalogueTable
    from lcjax.evaluation.label_bias_bins import choose_bins
    from lcjax.evaluation.label_bias_draws import bootstrap_bias, permutation_test
    from lcjax.evaluation.label_bias_scores import bias_scores
    from lcjax.evaluation.run import print_scores, save_scores, write_report
    from lcjax.training.workdir import versions

    catalogue, remarks = labelled_catalogue(
        lambda wanted: CatalogueTable.read(options.catalogue, wanted, options.columns.table),
        options.labels,
        options.intrinsic,
        options.observed,
        options.label,
        options.columns,
        options.seed,
    )
    first = tuple(end == "low" for end in options.reference or _PUBLISHED)
    bins, how = choose_bins(catalogue, options.depth, options.bins, first, options.search, options.split, options.seed)
    drawn = bootstrap_bias(catalogue, bins, options.objects_per_bin, options.draws, options.seed)
    test = permutation_test(catalogue, bins, options.permutations, options.seed)
    scores = bias_scores(catalogue, bins, drawn, test, str(options.catalogue), [*remarks, *how])
    print_scores(scores)
    if options.json:
        save_scores(options.json, scores, "--json")
    if options.report:
        record = {"system": "labelling bias", "versions": versions()}
        origin = {"catalogue": str(options.catalogue), "command": f"lcjax label-bias {shlex.join(argv)}"}
        print(write_report(options.report, scores, record, options.catalogue, origin, "--report"))
    return 0


def _check(options: BiasOptions) -> None:
    for name in ("labels", "intrinsic", "observed"):
        if not getattr(options, name):
            raise ConfigError(f"--{name} names no column: give one at least")
    named = (*options.labels, *options.intrinsic, *options.observed)
    if twice := [name for name in dict.fromkeys(named) if named.count(name) > 1]:
        raise ConfigError(
            f"the column '{twice[0]}' is given twice: a column is a label, intrinsic or observed, and once"
        )
    if not options.reference and len(options.observed) != 2:
        raise ConfigError(
            f"where labels are best is not known of {len(options.observed)} observables ({', '.join(options.observed)}): "
            "give --reference low or high for each"
        )
    if options.reference and len(options.reference) != len(options.observed):
        raise ConfigError(
            f"--reference says {len(options.reference)} ends for {len(options.observed)} observables: one for each"
        )
    if options.draws < 2 or options.permutations < 1:
        raise ConfigError("--draws is 2 or more, and --permutations 1 or more")
    if options.seed < 0:
        raise ConfigError(f"--seed is {options.seed}: it is 0 or more")
    if options.depth is not None and not 0 <= options.depth <= 30:
        raise ConfigError(f"--depth is {options.depth}: it is from 0 to 30")
    if options.bins is not None and options.bins < 2:
        raise ConfigError(f"--bins is {options.bins}: fractions of two bins at least can differ")
    if options.objects_per_bin is not None and options.objects_per_bin < 1:
        raise ConfigError(f"--objects-per-bin is {options.objects_per_bin}: it is 1 or more")
