"""Scores of a DELIGHT on fields with known hosts: errors by size of the host, calibration, what the scatter tells."""

import dataclasses
from typing import Any

from lcjax.evaluation.scores import Picture, Scores, Section, Table, Text
from lcjax.inference.loaded import Loaded
from lcjax.systems.base import Data
from lcjax.systems.delight import figures
from lcjax.systems.delight.answers import HostAnswers, answer_fields

HEADER = ("radius of the host", "fields", "median error (arcsec)", "catastrophic (%)")


def evaluate(loaded: Loaded, data: Data, commands: str) -> Scores:
    """Scores on every field of a split.

    Raises:
      DataError: there are no fields.
    """
    answers = answer_fields(loaded.task, loaded.variables, data.evaluation_batches(), loaded.experiment)
    table, sentences = Table(HEADER, score_rows(answers)), [Text(text) for text in _sentences(answers)]
    scores = answers.scores()["all"]
    cards = [
        (f"{scores.median:.2f}", "median error, arcsec"),
        (f"{100 * scores.catastrophic:.1f} %", "catastrophic answers"),
        (f"{scores.fields:,}", "held-out hosts"),
    ]
    pictures = [
        Picture(
            lambda: figures.error_figure(answers),
            "Errors of held-out fields; red: half of the host's radius, beyond which they are catastrophic.",
        )
    ]
    if answers.has_probabilities:
        cards.append((f"{100 * answers.top2_recall():.1f} %", "found by one of two answers"))
        calibration = answers.calibration()
        pictures.append(
            Picture(
                lambda: figures.reliability_figure(calibration),
                "Probabilities in bins of equal counts against what happened.",
            )
        )
    return Scores(
        title="Hosts of transients",
        printed=[table, *sentences],
        values=summary(answers),
        cards=cards,
        sections=[Section("Scores", [table, *sentences]), Section("Pictures", pictures)],
        curve=("distance", "Distance (pixels)"),
        commands=commands,
        facts={"answers": answers},
    )


def score_rows(answers: HostAnswers) -> list[list[str]]:
    """Cells by size of the host: fields, median error and catastrophic share with 95 % intervals."""
    rows = []
    for name, s in answers.scores().items():
        median = f"{s.median:.2f} ({s.median_low:.2f} to {s.median_high:.2f})"
        share = f"{100 * s.catastrophic:.1f} ({100 * s.catastrophic_low:.1f} to {100 * s.catastrophic_high:.1f})"
        rows.append([name, f"{s.fields:,}", median, share])
    return rows


def summary(answers: HostAnswers) -> dict[str, Any]:
    """All scores as plain numbers."""
    found: dict[str, Any] = {"by_size": {name: dataclasses.asdict(s) for name, s in answers.scores().items()}}
    found["scatter_quarters"] = answers.scatter_flag()
    if answers.has_probabilities:
        found["top2_recall"] = answers.top2_recall()
        found["hostless_auroc"] = answers.hostless_auroc()
        found["calibration"] = {
            name: {"expected_calibration_error": c.error, "brier": c.brier} for name, c in answers.calibration().items()
        }
    return found


def _sentences(answers: HostAnswers) -> list[str]:
    quarters = ", ".join(f"{100 * q['catastrophic']:.1f} %" for q in answers.scatter_flag())
    said = [f"catastrophic answers by quarters of the scatter: {quarters}"]
    if answers.has_probabilities:
        calibration = answers.calibration()
        said += [
            f"the host is at one of two answers in {100 * answers.top2_recall():.1f} % of the fields",
            f"fields without host: area under the curve {answers.hostless_auroc():.3f}",
            "calibration error: " + ", ".join(f"{name} {c.error:.3f}" for name, c in calibration.items()),
        ]
    return said
