"""`lcjax predict MODEL INPUT... --out F.parquet`: what a model gives for every star of survey files."""

import dataclasses
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Annotated, Any, Literal

import tyro
from rich.console import Console
from rich.markup import escape

from data_pipelines.cleaning import CleaningReport, CleaningSettings, CleanLightCurve, Rejection
from data_pipelines.columns import ColumnNames
from lcjax.errors import ConfigError, DataError


@dataclasses.dataclass(frozen=True)
class PredictOptions:
    """Writes one row per star, in input order: object_id, what the model gives (embedding), n_points.

    Stars with several bands have one row per band and a column `band`. Light curves that cannot be used (too few sound
    points, no id) are not in the output: they are counted, and named with the reason in F.rejected.parquet beside it.
    The embedding of a star is the mean over its windows, weighted by their number of points.
    """

    model: Annotated[str, tyro.conf.Positional]
    """Workdir, weights folder, or published name (lcjax weights list)."""
    inputs: Annotated[tuple[Path, ...], tyro.conf.Positional]
    """Parquet (flat or nested), CSV, ECSV or FITS files, folders of them, survey originals, or prepared shards."""
    out: Path
    """Parquet file to write."""
    columns: ColumnNames = dataclasses.field(default_factory=ColumnNames)
    cleaning: CleaningSettings = dataclasses.field(default_factory=CleaningSettings)
    batch_size: int | None = None
    """Windows computed at once; does not change results. Default: by device."""
    which: Literal["best", "latest", "ema"] = "best"
    """Which weights of a workdir."""


def main(argv: list[str]) -> int:
    """Loads the model, streams the stars through it, says what happened to each."""
    options = tyro.cli(PredictOptions, args=argv, prog="lcjax predict")
    if not options.inputs:
        raise ConfigError("there is nothing to predict: give one or more files after the model")
    out = options.out
    rejected = out.with_name(f"{out.stem}.rejected{out.suffix or '.parquet'}")
    if any(path.resolve() in (out.resolve(), rejected.resolve()) for path in options.inputs):
        raise ConfigError(f"'{out}' is also an input: choose another --out")
    console = Console(stderr=True)
    report = CleaningReport()
    started = time.monotonic()
    try:
        rows = _predict(options, out, report, console)
    finally:
        if report.rejected and out.parent.is_dir():
            from lcjax.cli.prediction_table import write_rejections

            write_rejections(rejected, report.rejected)
    if not rows:
        why = (
            f"all {len(report.rejected):,} were set aside, with reasons in '{rejected}'"
            if report.rejected
            else "none there"
        )
        raise DataError(f"no light curve in {', '.join(map(str, options.inputs))} could be used: {why}")
    if not report.rejected:
        rejected.unlink(missing_ok=True)
    _say_what_happened(report, rows, out, rejected, time.monotonic() - started)
    return 0


def _predict(options: PredictOptions, out: Path, report: CleaningReport, console: Console) -> int:
    """Writes the table; returns its number of rows."""
    from lcjax.cli.prediction_table import PredictionTable
    from lcjax.cli.star_inputs import read_stars
    from lcjax.cli.weights import download_progress
    from lcjax.inference import Predictor, load_system
    from lcjax.training.compilation import enable_compile_cache

    warn = lambda text: console.print(f"[yellow]{escape(text)}[/]", highlight=False, soft_wrap=True)
    enable_compile_cache()
    with download_progress(console, options.model) as progress:
        loaded = load_system(options.model, options.which, warn, progress)
    predictor = Predictor(loaded.task, loaded.variables, loaded.experiment.window, options.batch_size)

    def on_bad_file(path: Path, reason: str) -> None:
        report.bad_files[str(path)] = reason
        warn(f"set aside '{path}': {reason}")

    said: set[str] = set()

    def on_columns(found: dict[str, str]) -> None:
        text = ", ".join(f"{field} = {column}" for field, column in found.items())
        if text not in said:
            said.add(text)
            console.print(f"[dim]columns: {escape(text)}[/]", highlight=False, soft_wrap=True)

    stars = read_stars(options.inputs, options.columns, options.cleaning, report, on_columns, on_bad_file)
    with PredictionTable(out) as table, _counter(console) as count:
        for prediction in predictor.predict(_sound(stars)):
            curve = prediction.light_curve
            table.add(curve.object_id, curve.band, prediction.outputs, prediction.n_points)
            count(prediction.n_points)
        return table.rows


def _sound(stars: Iterable[CleanLightCurve | Rejection]) -> Iterator[CleanLightCurve]:
    """The light curves that passed cleaning; the report holds the others."""
    for star in stars:
        if isinstance(star, CleanLightCurve):
            yield star


class _counter:
    """A live line with stars, points and rate, where the output is a terminal."""

    def __init__(self, console: Console) -> None:
        self._status = console.status("reading ...") if console.is_terminal else None
        self._stars = self._points = 0
        self._started = self._shown = time.monotonic()

    def __enter__(self) -> Callable[[int], None]:
        if self._status:
            self._status.start()
        return self._add

    def _add(self, points: int) -> None:
        self._stars += 1
        self._points += points
        now = time.monotonic()
        if self._status and now - self._shown > 0.2:
            self._shown = now
            rate = self._points / (now - self._started)
            self._status.update(f"{self._stars:,} light curves, {self._points:,} points, {rate:,.0f} points/s")

    def __exit__(self, *unused: Any) -> None:
        if self._status:
            self._status.stop()


def _say_what_happened(report: CleaningReport, rows: int, out: Path, rejected: Path, seconds: float) -> None:
    console = Console()
    say = lambda text: console.print(escape(text), highlight=False, soft_wrap=True)
    counted = lambda counts: ", ".join(f"{n:,} {what}" for what, n in counts.items())
    say(f"{rows:,} light curves ({report.points_kept:,} points) in {seconds:.1f} s, written to {out}")
    if report.points_dropped:
        say(f"points dropped: {counted(report.points_dropped)}")
    if report.notes:
        say(f"mended: {counted(report.notes)}")
    if report.bad_files:
        say(f"files set aside: {len(report.bad_files):,} ({', '.join(report.bad_files)})")
    if report.rejected:
        reasons = Counter(r.reason.split(":")[0] for r in report.rejected)
        say(f"{len(report.rejected):,} light curves set aside ({counted(reasons)}): names and reasons in {rejected}")
