"""Held-out scores, health and the HTML report of a classifier of alert stamps."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from lcjax.errors import DataError
from lcjax.evaluation import report
from lcjax.evaluation.classification import ClassificationScores, score_classes
from lcjax.evaluation.reconstruction import Score
from lcjax.systems.classifier.health import WHOLE, StampAnswers, answer_alerts
from lcjax.systems.loading import Loaded
from lcjax.training.progress import read_metrics

_RULES = "answers of the network alone, without the service's rules"


@dataclass(frozen=True)
class HeldOutAlerts:
    """What one pass over held-out alerts gives."""

    scores: dict[str, ClassificationScores]
    """`all inputs` and, where the system can tell, `without image`, `without metadata`, ..."""
    answers: StampAnswers
    warnings: list[str]
    unlabelled: int
    """Alerts without a label of the model's classes, not scored."""


def evaluate_held_out(loaded: Loaded, source: Any) -> HeldOutAlerts:
    """Answers every alert of a source and scores the labelled ones.

    Raises:
      DataError: there are no alerts, or none has a label of the model's classes.
    """
    names = loaded.experiment.inputs.class_names  # type: ignore[attr-defined]
    if "answer" in loaded.task.extras:
        answers = answer_alerts(loaded.task, loaded.variables, source.evaluation_batches())
    else:
        answers = _plain_answers(loaded, source)
    scores = {
        name: score_classes(p, answers.label, answers.object_id, names) for name, p in answers.probabilities.items()
    }
    limits = getattr(loaded.experiment, "health", None)
    warnings = answers.warnings(limits) if limits else []
    return HeldOutAlerts(scores, answers, warnings, int((answers.label < 0).sum()))


def _plain_answers(loaded: Loaded, source: Any) -> StampAnswers:
    """Answers of a system that tells nothing of its parts."""
    import jax

    from lcjax.training.source import device_part

    predict = jax.jit(loaded.task.predict)
    probabilities, labels, objects = [], [], []
    for batch in source.evaluation_batches():
        real = np.asarray(batch["weight"]) > 0
        probabilities.append(np.asarray(predict(loaded.variables, device_part(batch))["probabilities"])[real])
        labels.append(np.asarray(batch["label"])[real])
        objects.append(np.asarray(batch["object_id"], dtype=str)[real])
    if not labels:
        raise DataError("there are no alerts in this split: choose another with --split")
    return StampAnswers({WHOLE: np.concatenate(probabilities)}, np.concatenate(labels), np.concatenate(objects), {})


def cell(score: Score) -> str:
    """A score and its interval, short.

    >>> cell(Score(0.6912, 0.563, 0.807)), cell(Score(float("nan"), 0.0, 0.0))
    ('0.69 [0.56, 0.81]', '-')
    """
    return f"{score.value:.2f} [{score.low:.2f}, {score.high:.2f}]" if np.isfinite(score.value) else "-"


def score_table(held_out: HeldOutAlerts) -> tuple[list[str], list[list[str]]]:
    """Header and cells: one row for all inputs and one for each part taken away."""
    effects = held_out.answers.effects
    rows = []
    for name, s in held_out.scores.items():
        effect = effects.get(name.removeprefix("without "))
        rows.append([name, cell(s.accuracy), cell(s.macro_f1), "-" if effect is None else f"{effect:.4f}"])
    return ["inputs", "accuracy", "macro F1", "change"], rows


def class_table(scores: ClassificationScores) -> tuple[list[str], list[list[str]]]:
    """Header and cells: one row a class that has labels."""
    header = ["class", "alerts", "recall", "precision", "F1"]
    count = scores.confusion.sum(1)
    rows = [
        [name, f"{count[k]:,}", cell(scores.recall[name]), cell(scores.precision[name]), cell(scores.f1[name])]
        for k, name in enumerate(scores.class_names)
        if count[k]
    ]
    return header, rows


def print_scores(held_out: HeldOutAlerts) -> None:
    """Score tables and warnings on the terminal."""
    from rich.console import Console
    from rich.table import Table

    console, whole = Console(), held_out.scores[WHOLE]
    title = f"{whole.alerts:,} labelled alerts of {whole.objects:,} objects, 95 % intervals over objects"
    for heading, (header, cells) in ((title, score_table(held_out)), ("", class_table(whole))):
        table = Table(*header, box=None, header_style="bold", title=heading, title_justify="left")
        for row in cells:
            table.add_row(*row)
        console.print(table)
    if held_out.unlabelled:
        console.print(f"{held_out.unlabelled:,} alerts without a label of the model's classes are not scored")
    for text in held_out.warnings:
        console.print(f"[yellow]warning[/] {text}", highlight=False)


def save_scores(path: Path, held_out: HeldOutAlerts) -> None:
    """Scores, live units, effects and warnings as JSON."""
    answers = held_out.answers
    plain = {
        "scores": {name: s.as_dict() for name, s in held_out.scores.items()},
        "live_units": answers.live,
        "effects": answers.effects,
        "warnings": held_out.warnings,
        "unlabelled": held_out.unlabelled,
    }
    path.write_text(json.dumps(plain, indent=1).replace("NaN", "null"))


def write_report(folder: Path, loaded: Loaded, held_out: HeldOutAlerts, model: Path | str | None = None) -> Path:
    """The page: headline numbers, scores with and without parts of the inputs, confusion, health, curves, settings."""
    from lcjax.evaluation import figures
    from lcjax.evaluation.classification_figures import classifier_figure
    from lcjax.systems.astromer.evaluation import settings_section

    model = folder if model is None else model
    history, whole, record = read_metrics(model), held_out.scores[WHOLE], loaded.record
    cards = [
        (f"{whole.accuracy.value:.1%}", "accuracy"),
        (f"{whole.macro_f1.value:.3f}", "macro F1"),
        (f"{whole.balanced_accuracy.value:.1%}", "mean recall"),
        (f"{whole.calibration_error:.3f}", "calibration error"),
        (f"{whole.alerts:,}", "labelled alerts"),
    ]
    sections = [
        report.section("Warnings", *map(report.paragraph, held_out.warnings)) if held_out.warnings else "",
        report.section(
            "Scores on held-out alerts",
            report.table(*score_table(held_out)),
            report.paragraph(
                "A part is taken away by giving every alert that of another one. Change: mean total "
                "variation of the probabilities; 0 means that the network ignores the part. Intervals are 95 % over "
                f"objects; {_RULES}."
            ),
            report.table(*class_table(whole)),
            report.picture(
                classifier_figure(whole, held_out.answers.live),
                "Left: shares of each true class and counts. Right: units that fire on at least one alert.",
            ),
        ),
        report.section(
            "Training",
            report.picture(figures.loss_curves(history, "macro_f1", "Macro F1"), "Training and validation."),
        )
        if history
        else "",
        report.section("Settings", settings_section(record)),
        report.section("What to try next", report.commands(_next_steps(model))),
    ]
    versions = record["versions"]
    lead = f"{record['system']}, preset {record.get('preset', '-')}, lcjax {versions['lcjax']}, jax {versions['jax']}"
    page = folder / "report" / "index.html"
    return report.write_page(page, "Classification report", lead, cards, [s for s in sections if s])


def _next_steps(model: Path | str) -> str:
    return f"""
lcjax evaluate {model} --data D                         # scores on other prepared alerts
lcjax predict {model} ALERTS... --out F.parquet         # class probabilities of your alerts
lcjax train alerce-stamps --inputs.without sky history --data D --workdir W2
"""
