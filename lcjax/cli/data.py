"""`lcjax data prepare|verify|describe|shapes`: survey files to shards, their integrity, their statistics, shapes of their stars."""

import dataclasses
from collections import Counter
from pathlib import Path
from typing import Annotated

import tyro
from rich.console import Console

from lcjax.cli.data_tables import print_description, print_prepared
from lcjax.errors import ConfigError, DataError

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
    from data_pipelines.datasets.options import option_groups

    # One group of options for each that a kind of data has: --columns.*, --alerts.* and so on.
    groups = option_groups()
    fields = [(name, group, dataclasses.field(default_factory=group)) for name, group in groups.items()]
    parser = dataclasses.make_dataclass("PrepareOptions", fields, bases=(PrepareOptions,), frozen=True)
    parser.__doc__ = PrepareOptions.__doc__
    options = tyro.cli(parser, args=argv, prog="lcjax data prepare")
    asked = {field.name: getattr(options, field.name) for field in dataclasses.fields(options)}
    dataset, sources, out = (asked.pop(key) for key in ("dataset", "source", "out"))

    from data_pipelines.prepare import prepare
    from data_pipelines.processes import usual_count

    with Console(stderr=True).status(f"preparing {asked['name'] or dataset} ..."):
        done = prepare(dataset, sources, out, processes=usual_count(), **asked)
    print_prepared(done, Console())
    return 0


def _verify(argv: list[str]) -> int:
    options = tyro.cli(FoldersOptions, args=argv, prog="lcjax data verify")
    from data_pipelines.shards.manifest import MANIFEST, find_datasets, read_manifest, verify

    damage = []
    folders = find_datasets(options.data)
    for folder in folders:
        found = verify(folder)
        damage += found
        if not found:
            manifest = read_manifest(folder)
            records = sum(s.records for s in manifest.shards)
            print(f"{folder}: {len(manifest.shards)} shards, {records:,} records, all as written")
    if damage:
        listed = "\n  ".join(str(d) for d in damage)
        raise DataError(
            f"{len(damage)} damaged file(s); restore them or prepare the data again ({MANIFEST} says what was written):\n  {listed}"
        )
    return 0


def _describe(argv: list[str]) -> int:
    options = tyro.cli(DescribeOptions, args=argv, prog="lcjax data describe")
    from data_pipelines.kinds import describe_all
    from data_pipelines.kinds.description import write_pictures

    console = Console()
    for description in describe_all(options.data):
        print_description(description, console)
        if options.out:
            out = options.out / description.manifest.name
            write_pictures(description, out)
            console.print(f"pictures and description.json: {out}", highlight=False, soft_wrap=True)
    return 0


def _shapes(argv: list[str]) -> int:
    # Columns are named as in `prepare`.
    from data_pipelines.kinds.light_curves.columns import ColumnNames

    fields = [("columns", ColumnNames, dataclasses.field(default_factory=ColumnNames))]
    parser = dataclasses.make_dataclass("ShapesOptions", fields, bases=(ShapesOptions,), frozen=True)
    parser.__doc__ = ShapesOptions.__doc__
    options = tyro.cli(parser, args=argv, prog="lcjax data shapes")
    from data_pipelines.simulate.fourier_fits import fits_of_curves, write_fits
    from data_pipelines.sources import read_light_curves

    console = Console()
    if not 1 <= options.harmonics <= 20:
        raise ConfigError(f"--harmonics is {options.harmonics}: a fit has 1 to 20")
    with Console(stderr=True).status("fitting ..."):
        bad_files: dict[str, str] = {}
        curves = read_light_curves(
            options.stars, options.columns, on_bad_file=lambda p, why: bad_files.setdefault(str(p), why)
        )
        fits, unused = fits_of_curves(curves, options.harmonics)
    for path, reason in bad_files.items():
        console.print(f"{path} not used: {reason}", highlight=False, soft_wrap=True)
    for reason, count in unused.items():
        console.print(f"{count:,} stars not used: {reason}", highlight=False, soft_wrap=True)
    if not fits:
        raise DataError("no star could be fitted: light curves need a class, a period (d) and enough points in a band")
    write_fits(fits, options.out)
    counts = Counter(star.label for star in fits)
    console.print(
        ", ".join(f"{count:,} {name}" for name, count in counts.most_common()), highlight=False, soft_wrap=True
    )
    console.print(f"{len(fits):,} stars: {options.out}", highlight=False, soft_wrap=True)
    return 0
