"""`lcjax data prepare|verify|describe`: survey files to shards, their integrity, their statistics."""

import dataclasses
from pathlib import Path
from typing import Annotated, Any

import tyro
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from data_pipelines.kinds.alerts.settings import AlertReport, AlertSettings
from data_pipelines.kinds.alerts.weak_labels import LabelSettings
from data_pipelines.kinds.light_curves.cleaning import CleaningSettings
from data_pipelines.kinds.light_curves.columns import ColumnNames
from lcjax.errors import ConfigError, DataError

USAGE = """usage: lcjax data COMMAND [options]

commands:
  prepare NAME --source PATH... --out D   survey files -> shards, manifest, report of cleaning
  verify D...                             exit 0 if every file is as written, 2 naming each damaged one
  describe D... [--out FOLDER]            counts, classes, cadence, magnitudes, errors; pictures with --out

datasets: {datasets}"""


@dataclasses.dataclass(frozen=True)
class PrepareOptions:
    """Writes survey files as a verified dataset D/NAME/VERSION: cleaned, split by object, in TFRecord shards."""

    name: tyro.conf.Positional[str]
    """Dataset; your own files: light_curve_files."""
    out: Path
    """Folder that receives the dataset."""
    source: tuple[Path, ...] = ()
    """Files or folders of the survey."""
    columns: ColumnNames = dataclasses.field(default_factory=ColumnNames)
    cleaning: CleaningSettings = dataclasses.field(default_factory=CleaningSettings)
    fractions: tuple[float, float, float] = (0.8, 0.1, 0.1)
    """Train, validation, test."""
    seed: int = 0
    """Of the splits (and of a simulated survey)."""
    shards: int = 8
    """Files per split: at least four times the processes that will train."""
    n_objects: int = 3000
    """Simulated datasets: how many objects."""
    alerts: AlertSettings = dataclasses.field(default_factory=AlertSettings)
    """ztf_alerts, lsst_alerts, atlas_alerts: which alerts and stamps."""
    labels: LabelSettings = dataclasses.field(default_factory=LabelSettings)
    """ztf_alerts, lsst_alerts, atlas_alerts: where labels come from."""


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


def main(argv: list[str]) -> int:
    """Runs one of the three commands."""
    commands = {"prepare": _prepare, "verify": _verify, "describe": _describe}
    if not argv or argv[0] in ("-h", "--help"):
        from data_pipelines.datasets import DATASETS

        print(USAGE.format(datasets=", ".join(DATASETS)))
        return 0
    if argv[0] not in commands:
        raise ConfigError(f"there is no command 'lcjax data {argv[0]}': use prepare, verify or describe")
    return commands[argv[0]](argv[1:])


def _prepare(argv: list[str]) -> int:
    options = tyro.cli(PrepareOptions, args=argv, prog="lcjax data prepare")
    from data_pipelines.datasets import DATASETS
    from data_pipelines.prepare import prepare
    from data_pipelines.processes import usual_count

    if options.name not in DATASETS:
        from data_pipelines.datasets import find_builder

        find_builder(options.name)
    console = Console(stderr=True)
    with console.status(f"preparing {options.name} ..."):
        done = prepare(
            options.name,
            options.source,
            options.out,
            columns=options.columns,
            cleaning=options.cleaning,
            fractions=options.fractions,
            seed=options.seed,
            shards=options.shards,
            n_objects=options.n_objects,
            alerts=options.alerts,
            labels=options.labels,
            processes=usual_count(),
        )
    _print_prepared(done, Console())
    return 0


def _print_prepared(done: Any, console: Console) -> None:
    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column(style="bold")
    table.add_column()
    rows = _alert_rows(done) if isinstance(done.report, AlertReport) else _light_curve_rows(done)
    rows["classes"] = escape(", ".join(done.manifest.class_names)) or "none"
    rows["bands"] = escape(", ".join(b or "(unnamed)" for b in done.manifest.bands))
    if others := list(done.report.other_files):
        shown = ", ".join(Path(p).name for p in others[:3]) + (", ..." if len(others) > 3 else "")
        rows["files left alone"] = f"{len(others):,} of no wanted format ({escape(shown)})"
    for name, text in rows.items():
        table.add_row(name, text)
    console.print(table, highlight=False)
    for reason in getattr(done.report, "bad_files", {}).values():  # paths are kept whole, to be copied and searched
        console.print(f"[red]file set aside[/]  {escape(reason)}", highlight=False, soft_wrap=True)
    console.print(f"[bold]written to[/]  {escape(str(done.manifest.folder))}", highlight=False, soft_wrap=True)
    if done.report.rejected:
        where = escape(str(done.manifest.folder / "rejected.parquet"))
        console.print(f"names and reasons: {where}", highlight=False, soft_wrap=True)


def _counted(counts: dict[str, int]) -> str:
    return ", ".join(f"{n:,} {escape(k)}" for k, n in counts.items() if n) or "none"


def _light_curve_rows(done: Any) -> dict[str, str]:
    report = done.report.as_dict()
    rows = {
        "light curves kept": f"{report['curves_kept']:,} ({_counted(done.objects)})",
        "rejected": f"{len(done.report.rejected):,} ({_counted(report['curves_rejected'])})",
        "points kept": f"{report['points_kept']:,} of {report['points_read']:,}",
        "points dropped": _counted(report["points_dropped"]),
        "mended": _counted(report["mended"]),
    }
    if report["columns"]:
        rows["columns"] = ", ".join(f"{k} = {escape(v)}" for k, v in report["columns"].items())
    return rows


def _alert_rows(done: Any) -> dict[str, str]:
    report: AlertReport = done.report
    return {
        "alerts kept": f"{report.alerts_kept:,} of {report.alerts_read:,}, {report.objects:,} objects "
        f"({_counted(done.objects)})",
        "rejected": f"{len(report.rejected):,} ({_counted(report.reasons())})",
        "left out": _counted(report.left_out),
        "missing pixels": f"in {report.with_missing_pixels:,} alerts, kept as NaN",
        "labels": _counted(report.labels),
    }


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
    from data_pipelines.kinds.light_curves.description import QUANTILES, describe_all, write_pictures

    console = Console()
    for description in describe_all(options.data):
        manifest = description.manifest
        sizes = ", ".join(f"{count:,} {what.replace('_', ' ')}" for what, count in description.sizes().items())
        console.print(
            f"\n[bold cyan]{manifest.name}[/] {manifest.version}: {sizes}, "
            f"bands {', '.join(b or '(unnamed)' for b in manifest.bands)}",
            highlight=False,
        )
        counts = Table("class", *description.counts, box=None, header_style="bold")
        for label in sorted({name for split in description.counts.values() for name in split}):
            cells = [f"{split.get(label, 0):,}" for split in description.counts.values()]
            counts.add_row(escape(label) or "(unlabelled)", *cells)
        console.print(counts)
        facts = Table(box=None, pad_edge=False, show_header=False)
        for name, said in description.facts.items():
            facts.add_row(f" [bold]{name}[/]", escape(said))
        console.print(facts)
        numbers = Table("", *(f"{q} %" for q in QUANTILES), box=None, header_style="bold")
        for key, name in description.quantities.items():
            numbers.add_row(escape(name), *(f"{v:.4g}" for v in description.quantiles[key]))
        console.print(numbers)
        if options.out:
            out = options.out / manifest.name
            write_pictures(description, out)
            console.print(f"pictures and description.json: {out}", highlight=False, soft_wrap=True)
    return 0
