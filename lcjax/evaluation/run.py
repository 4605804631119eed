"""One way to print, save and report what an evaluation found, for every system."""

import json
import math
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from lcjax import files
from lcjax.configs import dotted
from lcjax.evaluation import report as page
from lcjax.evaluation.figures import loss_curves
from lcjax.evaluation.printing import print_parts
from lcjax.evaluation.scores import Part, Picture, Scores, Section, Table
from lcjax.training.progress import read_metrics

REPORT = Path("report") / "index.html"


def print_and_write(
    scores: Scores,
    record: dict[str, Any],
    model: Path | str,
    origin: Mapping[str, str],
    values: Path | None = None,
    report: Path | None = None,
    option: str | None = None,
) -> Path | None:
    """Prints what was found and writes what is asked for: what every command that judges ends with.

    Args:
      record, model, origin: see `write_report`. values: JSON file. report: folder of the report. option: that named both;
        None: `--json` the first, `--report` the second.

    Returns:
      The page, if there is one.

    Raises:
      StorageError: something cannot be written.
    """
    print_scores(scores)
    if values:
        save_scores(values, scores, option or "--json")
    return write_report(report, scores, record, model, origin, option or "--report") if report else None


def judged_on(data: Sequence[Path | str], split: str, command: str, fingerprint: str = "") -> dict[str, str]:
    """What a report says of its data and of the command that wrote it."""
    said = {"data": f"{', '.join(map(str, data))}, split {split}", "fingerprint": fingerprint, "command": command}
    return {name: text for name, text in said.items() if text}


def print_scores(scores: Scores) -> None:
    """Tables and sentences on the terminal."""
    print_parts(scores.printed)


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
    shown = [page.section(s.title, *map(_html, s.parts)) for s in sections if s.parts]
    shown.append(
        page.section("Where these numbers are from", page.table(("", ""), _origin(record, model, origin or {})))
    )
    shown.append(page.section("Settings", *_settings(record)))
    if scores.commands:
        shown.append(page.section("What to try next", page.commands(scores.commands)))
    versions = record.get("versions", {})
    lead = f"{record.get('system')}, preset {record.get('preset', '-')}, lcjax {versions.get('lcjax')}, jax {versions.get('jax')}"
    return page.write_page(Path(folder) / REPORT, scores.title, lead, scores.cards, shown, files.room(option))


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
        return page.table(part.header, part.rows)
    if isinstance(part, Picture):
        return page.picture(part.draw(), part.caption)
    return page.paragraph(part.text)


def _settings(record: dict[str, Any]) -> Iterable[str]:
    """All settings and versions, folded away."""
    for title, name in (("all settings", "experiment"), ("versions", "versions")):
        yield page.folded(title, page.table(("name", "value"), dotted(record.get(name, {}))))
