"""`lcjax features STARS... --out F.parquet`: features of light curves, one row a star, for detectors and classifiers of tables."""

import dataclasses
from pathlib import Path
from typing import Annotated

import tyro
from rich.console import Console

from data_pipelines.kinds import find_kind
from data_pipelines.kinds.light_curves.cleaning import CleaningSettings
from data_pipelines.kinds.light_curves.columns import ColumnNames
from data_pipelines.kinds.reading import Request
from data_pipelines.processes import Processes, usual_count
from lcjax.cli.remarks import note
from lcjax.errors import ConfigError
from lcjax.inference.column_table import check_parquet_name, write_columns


@dataclasses.dataclass(frozen=True)
class FeatureOptions:
    """Writes object_id, class, n_points and 22 features for each band (package light-curve, extra `classic`).

    Features that a curve has too few points for are empty. The table goes on as it is:
    lcjax data prepare feature_tables --source F.parquet, lcjax holdout F.parquet.
    """

    inputs: Annotated[tuple[str, ...], tyro.conf.Positional]
    """Light curves: survey files, tables, folders, or prepared shards."""
    out: Path
    """Parquet file to write."""
    brightness: bool = False
    """Also the mean magnitude, which says how far a star is and which survey saw it."""
    jobs: int = 2
    """Threads."""
    columns: ColumnNames = dataclasses.field(default_factory=ColumnNames)
    """Names of the columns of tables of light curves."""
    cleaning: CleaningSettings = dataclasses.field(default_factory=CleaningSettings)


def main(argv: list[str]) -> int:
    """Reads, computes, writes."""
    options = tyro.cli(FeatureOptions, args=argv, prog="lcjax features")
    if not options.inputs:
        raise ConfigError("there is nothing to compute features of: give one or more files of light curves")
    check_parquet_name(options.out)
    from lcjax.evaluation.feature_rows import star_features, usable

    console = Console(stderr=True)
    with Processes(usual_count()) as processes, console.status("reading light curves ..."):
        groups = {"columns": options.columns, "cleaning": options.cleaning}
        reader = find_kind("light_curves").reader(Request({}, groups, processes, note))
        items = list(reader.items(options.inputs))
    curves = usable(items)
    with console.status("") as status:
        told = lambda count: status.update(f"features of {count:,} of {len(curves):,} light curves ...")
        found = star_features(curves, options.brightness, options.jobs, told)
    write_columns(options.out, found.columns())
    for sentence in (*found.sentences(len(items) - len(curves), options.out), *reader.sentences()):
        note(sentence)
    reader.check()
    return 0
