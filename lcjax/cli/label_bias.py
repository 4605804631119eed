"""`lcjax label-bias CATALOG ...`: how much the labels of a catalogue depend on how well its objects were observed."""

import dataclasses
import shlex
from pathlib import Path
from typing import Annotated

import tyro

from lcjax.evaluation.label_bias_run import BiasSettings, labelling_bias
from lcjax.evaluation.labelled_catalogue import LabelOptions


@dataclasses.dataclass(frozen=True)
class BiasOptions(BiasSettings):
    """Labelling bias L of a catalogue (Cabrera-Vives, Miller & Schneider 2018): 0 is none, at most 1.

    Objects alike in intrinsic properties should have the same class fractions however well they were observed. Prints L with
    the interval of its bootstraps, the floor that unbiased labels would give, what is above it, a test by permutation, all of it by class and
    observable. Bins and objects a bin are searched for where none are given; L compares between catalogues at equal ones only.
    """

    label: Annotated[LabelOptions, tyro.conf.arg(name="")] = dataclasses.field(default_factory=LabelOptions)
    catalogue: Annotated[Path, tyro.conf.Positional] = tyro.MISSING
    """Parquet, CSV, ECSV or FITS, an object a row."""
    json: Path | None = None
    """Also write the scores there."""
    report: Path | None = None
    """Also write the HTML report with pictures, as this folder's report/index.html."""


def main(argv: list[str]) -> int:
    """Reads, measures, prints, and writes what was asked for."""
    options = tyro.cli(BiasOptions, args=argv, prog="lcjax label-bias")
    from data_pipelines.sources.catalogues import CatalogueTable
    from lcjax.evaluation.run import print_and_write
    from lcjax.training.workdir import versions

    where = options.catalogue
    scores = labelling_bias(
        lambda wanted: CatalogueTable.read(where, wanted, options.columns.table), options, str(where)
    )
    record = {"system": "labelling bias", "versions": versions()}
    origin = {"catalogue": str(where), "command": f"lcjax label-bias {shlex.join(argv)}"}
    if page := print_and_write(scores, record, where, origin, options.json, options.report):
        print(page)
    return 0
