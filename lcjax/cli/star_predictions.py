"""`lcjax predict` for systems of light curves: one row per star and band."""

import time
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape

from data_pipelines.kinds.light_curves.cleaning import CleaningReport, CleanLightCurve
from data_pipelines.kinds.light_curves.reading import read_stars
from lcjax.cli.live_count import LiveCount
from lcjax.cli.prediction_table import PredictionTable, write_rejections
from lcjax.errors import DataError, Rejection
from lcjax.inference import Predictor
from lcjax.systems.loading import Loaded


def predict(options: Any, loaded: Loaded, out: Path, rejected: Path, console: Console) -> None:
    """Streams the stars through the model, says what happened to each.

    Args:
      options: of `lcjax predict`. out, rejected: tables to write.

    Raises:
      DataError: no light curve could be used.
    """
    report = CleaningReport()
    started = time.monotonic()
    try:
        rows = _write_rows(options, loaded, out, report, console)
    finally:
        if report.rejected and out.parent.is_dir():
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


def _write_rows(options: Any, loaded: Loaded, out: Path, report: CleaningReport, console: Console) -> int:
    predictor = Predictor(loaded.task, loaded.variables, loaded.experiment.window, options.batch_size)

    def on_bad_file(path: Path, reason: str) -> None:
        report.bad_files[str(path)] = reason
        text = escape(f"set aside '{path}': {reason}")
        console.print(f"[yellow]{text}[/]", highlight=False, soft_wrap=True)

    said: set[str] = set()

    def on_columns(found: dict[str, str]) -> None:
        text = ", ".join(f"{field} = {column}" for field, column in found.items())
        if text not in said:
            said.add(text)
            console.print(f"[dim]columns: {escape(text)}[/]", highlight=False, soft_wrap=True)

    paths = [Path(name) for name in options.inputs]
    stars = read_stars(paths, options.columns, options.cleaning, report, on_columns, on_bad_file)
    with PredictionTable(out) as table, LiveCount(console, "light curves", "points") as count:
        for prediction in predictor.predict(_sound(stars)):
            curve = prediction.light_curve
            table.add_star(curve.object_id, curve.band, prediction.outputs, prediction.n_points)
            count.add(1, prediction.n_points)
        return table.rows


def _sound(stars: Iterable[CleanLightCurve | Rejection]) -> Iterator[CleanLightCurve]:
    """The light curves that passed cleaning; the report holds the others."""
    for star in stars:
        if isinstance(star, CleanLightCurve):
            yield star


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
        reasons = Counter(r.fault for r in report.rejected)
        say(f"{len(report.rejected):,} light curves set aside ({counted(reasons)}): names and reasons in {rejected}")
