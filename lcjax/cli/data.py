"""`lcjax data prepare|verify|describe|shapes`: survey files to shards, their integrity, their statistics, shapes of their stars."""

import dataclasses
from pathlib import Path
from typing import Annotated

import tyro
from rich.console import Console

from lcjax.cli import option_groups
from lcjax.cli.data_tables import print_description, print_prepared
from lcjax.cli.remarks import tell
from lcjax.errors import ConfigError

USAGE = """usage: lcjax data COMMAND [options]

commands:
  prepare DATASET --source PATH... --out D   survey files -> shards, manifest, report of cleaning
  verify D...                                exit 0 if every file is as written, 2 naming each damaged one
  describe D... [--out FOLDER]               counts, classes, what every number is like; pictures with --out
  shapes STARS... --out F.parquet            Fourier fits of stars of known period, for --simulation.shapes

datasets: {datasets}"""


@dataclasses.dataclass(frozen=True)
class PrepareOptions:
    """Writes survey files as a verified dataset D/NAME/VERSION: cleaned, split by object, in TFRecord shards."""

    dataset: tyro.conf.Positional[str]
    """Which dataset; your own files: light_curve_files."""
    out: Path
    """Folder that receives the dataset."""
    name: str | None = None
    """What to call it, so that several sets of your own files can be told apart; default: as DATASET is called."""
    overwrite: bool = False
    """Replace another dataset of that name in D; the same files with the same settings are prepared again without."""
    source: tuple[Path, ...] = ()
    """Files or folders of the survey."""
    fractions: tuple[float, float, float] = (0.8, 0.1, 0.1)
    """Train, validation, test."""
    seed: int = 0
    """Of the splits (and of a simulated survey)."""
    shards: int = 8
    """Files per split: at least four times the processes that will train."""
    n_objects: int = 3000
    """Simulated datasets: how many objects."""


@dataclasses.dataclass(frozen=True)
class FoldersOptions:
    """Datasets, or folders of datasets."""

    data: Annotated[tuple[Path, ...], tyro.conf.Positional]
    """Folders that `lcjax data prepare` wrote."""


@dataclasses.dataclass(frozen=True)
class DescribeOptions(FoldersOptions):
    """Prints what is in a dataset, as tables; `--out` also draws pictures."""

    out: Path | None = None
    """Folder for PNG pictures and description.json."""


@dataclasses.dataclass(frozen=True)
class ShapesOptions:
    """Fourier fits of stars whose class and period are known: shapes for simulated ones, without the photometry."""

    stars: Annotated[tuple[Path, ...], tyro.conf.Positional]
    """Light curves: files or folders as `lcjax data prepare` reads them, with a period in days for each star."""
    out: Path
    """Parquet file, one row for each star and band."""
    harmonics: int = 6


def main(argv: list[str]) -> int:
    """Runs one of the commands."""
    commands = {"prepare": _prepare, "verify": _verify, "describe": _describe, "shapes": _shapes}
    if not argv or argv[0] in ("-h", "--help"):
        from data_pipelines.datasets import dataset_names

        print(USAGE.format(datasets=", ".join(dataset_names())))
        return 0
    if argv[0] not in commands:
        raise ConfigError(f"there is no command 'lcjax data {argv[0]}': use prepare, verify, describe or shapes")
    return commands[argv[0]](argv[1:])


def _prepare(argv: list[str]) -> int:
    from data_pipelines.datasets.options import option_groups as groups_of_kinds

    # One group of options for each that a kind of data has: --columns.*, --alerts.* and so on.
    options, groups = option_groups.parse(PrepareOptions, groups_of_kinds(), argv, "lcjax data prepare")
    asked = vars(options) | groups
    dataset, sources, folder = (asked.pop(key) for key in ("dataset", "source", "out"))

    from data_pipelines.prepare import prepare
    from data_pipelines.processes import usual_count

    with Console(stderr=True).status(f"preparing {asked['name'] or dataset} ..."):
        done = prepare(dataset, sources, folder, processes=usual_count(), **asked)
    print_prepared(done, Console())
    return 0


def _verify(argv: list[str]) -> int:
    options = tyro.cli(FoldersOptions, args=argv, prog="lcjax data verify")
    from data_pipelines.shards.verifying import verify_all

    verify_all(options.data, print)
    return 0


def _describe(argv: list[str]) -> int:
    options = tyro.cli(DescribeOptions, args=argv, prog="lcjax data describe")
    from data_pipelines.kinds import describe_all
    from data_pipelines.kinds.description import write_pictures

    console = Console()
    for description in describe_all(options.data):
        print_description(description, console)
        if options.out:
            folder = options.out / description.manifest.name
            write_pictures(description, folder)
            tell(f"pictures and description.json: {folder}")
    return 0


def _shapes(argv: list[str]) -> int:
    from data_pipelines.kinds.light_curves.columns import ColumnNames
    from data_pipelines.simulate.fourier_fits import fits_of_files, write_fits

    # Columns are named as in `prepare`.
    options, groups = option_groups.parse(ShapesOptions, {"columns": ColumnNames}, argv, "lcjax data shapes")
    with Console(stderr=True).status("fitting ..."):
        fits, sentences = fits_of_files(options.stars, groups["columns"], options.harmonics)
    for text in sentences:
        tell(text)
    counts = write_fits(fits, options.out)
    tell(", ".join(f"{count:,} {name}" for name, count in counts.most_common()))
    tell(f"{len(fits):,} stars: {options.out}")
    return 0
