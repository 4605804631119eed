"""One way to print, save and report what an evaluation found, for every system."""

import json
import math
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from lcjax import files
from lcjax.configs import dotted
from lcjax.evaluation import report
from lcjax.evaluation.figures import loss_curves
from lcjax.evaluation.scores import Part, Picture, Scores, Section, Table
from lcjax.training.progress import read_metrics

REPORT = Path("report") / "index.html"


def print_scores(scores: Scores) -> None:
    """Tables and sentences on the terminal."""
    from rich import table as rich_table
    from rich.console import Console
    from rich.markup import escape

    console = Console()
    for part in scores.printed:
        if isinstance(part, Table):
            shown = rich_table.Table(
                *map(escape, part.header), box=None, header_style="bold", title=part.title, title_justify="left"
            )
            for row in part.rows:
                shown.add_row(*(escape(str(cell)) for cell in row))
            console.print(shown)
        else:
            mark = "[yellow]warning[/] " if part.style == "warning" else ""
            console.print(mark + escape(part.text), highlight=False, soft_wrap=True)


def save_scores(path: Path | str, scores: Scores, option: str = "--out") -> None:
    """The values as JSON; what is not finite is null. `option`: that named the path, for what is said where it cannot be written.

    Raises:
      StorageError: the file cannot be written.
    """
    files.write_text(path, json.dumps(_plain(scores.values), indent=1), files.room(option))


def _plain(value: Any) -> Any:
    """JSON has no NaN and no infinity."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def write_report(
    folder: Path | str,
    scores: Scores,
    record: dict[str, Any],
    model: Path | str,
    origin: Mapping[str, str] | None = None,
    option: str = "--out",
) -> Path:
    """The page: headline numbers, what the system found, training curves, where the numbers are from, settings, what to
    try next.

    Args:
      folder: receives `report/index.html`. record: the model's `config.json`. model: where its `metrics.jsonl` is, if anywhere.
      origin: what else says where the numbers are from, such as data and command; model, weights and date are known here.
      option: that named the folder, for what is said where the page cannot be written.

    Raises:
      StorageError: the page cannot be written.
    """
    history = read_metrics(model)
    sections = [*scores.sections]
    if history:
        curves = Picture(lambda: loss_curves(history, *scores.curve), "Training and validation.")
        sections.append(Section("Training", [curves]))
    shown = [report.section(s.title, *map(_html, s.parts)) for s in sections if s.parts]
    shown.append(
        report.section("Where these numbers are from", report.table(("", ""), _origin(record, model, origin or {})))
    )
    shown.append(report.section("Settings", *_settings(record)))
    if scores.commands:
        shown.append(report.section("What to try next", report.commands(scores.commands)))
    versions = record.get("versions", {})
    lead = f"{record.get('system')}, preset {record.get('preset', '-')}, lcjax {versions.get('lcjax')}, jax {versions.get('jax')}"
    return report.write_page(Path(folder) / REPORT, scores.title, lead, scores.cards, shown, files.room(option))


def _origin(record: dict[str, Any], model: Path | str, origin: Mapping[str, str]) -> list[tuple[str, str]]:
    trained = record.get("data", {})
    known = {
        "model": str(model),
        "settings": str(record.get("config_hash", "-")),
        "trained on": ", ".join(trained.get("paths", [])) or "-",
        "fingerprint of that data": str(trained.get("fingerprint", "-")),
        "evaluated": time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime()),
    }
    return [*known.items(), *origin.items()]


def _html(part: Part) -> str:
    if isinstance(part, Table):
        return report.table(part.header, part.rows)
    if isinstance(part, Picture):
        return report.picture(part.draw(), part.caption)
    return report.paragraph(part.text)


def _settings(record: dict[str, Any]) -> Iterable[str]:
    """All settings and versions, folded away."""
    for title, name in (("all settings", "experiment"), ("versions", "versions")):
        yield report.folded(title, report.table(("name", "value"), dotted(record.get(name, {}))))
