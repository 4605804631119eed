"""Held-out scores and health of a classifier of alert stamps."""

from dataclasses import dataclass

from lcjax.evaluation.classification import ClassificationScores, score_classes
from lcjax.evaluation.classification_figures import classifier_figure
from lcjax.evaluation.scores import Picture, Scores, Section, Table, Text
from lcjax.inference.loaded import Loaded
from lcjax.systems.classifier.health import WHOLE, StampAnswers, answer_alerts
from lcjax.systems.classifier.stamp_data import StampData

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


def _strange_surveys(known: tuple[str, ...], found: tuple[str, ...]) -> list[str]:
    """A warning where alerts are of surveys that the network has not learned from.

    >>> _strange_surveys(("ztf",), ("lsst", "ztf"))
    ['alerts of lsst are among these, and the network learned from ztf: its answers to them may mean nothing']
    >>> _strange_surveys(("ztf",), ())
    []
    """
    if not known or not (others := sorted(set(found) - set(known))):
        return []
    return [
        f"alerts of {', '.join(others)} are among these, and the network learned from {', '.join(known)}: its answers to "
        "them may mean nothing"
    ]


def held_out_alerts(loaded: Loaded, data: StampData) -> HeldOutAlerts:
    """Answers every alert of a source and scores the labelled ones.

    Raises:
      DataError: there are no alerts, or none has a label of the model's classes.
    """
    names = loaded.experiment.inputs.class_names  # type: ignore[attr-defined]
    answers = answer_alerts(loaded.task, loaded.variables, data.evaluation_batches())
    scores = {
        name: score_classes(p, answers.label, answers.object_id, names) for name, p in answers.probabilities.items()
    }
    warnings = _strange_surveys(loaded.experiment.inputs.surveys, data.surveys)  # type: ignore[attr-defined]
    warnings += answers.warnings(loaded.experiment.health)  # type: ignore[attr-defined]
    return HeldOutAlerts(scores, answers, warnings, int((answers.label < 0).sum()))


def evaluate(loaded: Loaded, data: StampData, commands: str) -> Scores:
    """Scores with all inputs and without parts of them, per class, and the health of the network.

    Raises:
      DataError: there are no alerts, or none has a label of the model's classes.
    """
    held_out = held_out_alerts(loaded, data)
    whole, answers = held_out.scores[WHOLE], held_out.answers
    title = f"{whole.alerts:,} labelled alerts of {whole.objects:,} objects, 95 % intervals over objects"
    parts, classes = part_table(held_out, title), class_table(whole)
    unlabelled = f"{held_out.unlabelled:,} alerts without a label of the model's classes are not scored"
    unanswered = (
        f"{answers.unanswered:,} alerts without a finite answer (a null among what the network takes) are not scored"
    )
    notes = [
        Text(text) for text, count in ((unlabelled, held_out.unlabelled), (unanswered, answers.unanswered)) if count
    ]
    warnings = [Text(text, "warning") for text in held_out.warnings]
    return Scores(
        title="Classification report",
        printed=[parts, classes, *notes, *warnings],
        values={
            "scores": {name: s.as_dict() for name, s in held_out.scores.items()},
            "live_units": answers.live,
            "effects": answers.effects,
            "warnings": held_out.warnings,
            "unlabelled": held_out.unlabelled,
            "unanswered": answers.unanswered,
        },
        cards=[
            (f"{whole.accuracy.value:.1%}", "accuracy"),
            (f"{whole.macro_f1.value:.3f}", "macro F1"),
            (f"{whole.balanced_accuracy.value:.1%}", "mean recall"),
            (f"{whole.calibration_error:.3f}", "calibration error"),
            (f"{whole.alerts:,}", "labelled alerts"),
        ],
        sections=[
            Section("Warnings", warnings),
            Section("Scores on held-out alerts", [parts, Text(_EXPLAINED), classes, _picture(whole, answers)]),
        ],
        curve=("macro_f1", "Macro F1"),
        commands=commands,
        facts={"held_out": held_out},
    )


_EXPLAINED = (
    "A part is taken away by giving every alert that of another one. Change: mean total variation of the probabilities; 0 "
    f"means that the network ignores the part. Intervals are 95 % over objects; {_RULES}."
)


def _picture(whole: ClassificationScores, answers: StampAnswers) -> Picture:
    return Picture(
        lambda: classifier_figure(whole, answers.live),
        "Left: shares of each true class and counts. Right: units that fire on at least one alert.",
    )


def part_table(held_out: HeldOutAlerts, title: str = "") -> Table:
    """One row for all inputs and one for each part taken away."""
    effects = held_out.answers.effects
    rows = []
    for name, s in held_out.scores.items():
        effect = effects.get(name.removeprefix("without "))
        rows.append([name, s.accuracy.short(), s.macro_f1.short(), "-" if effect is None else f"{effect:.4f}"])
    return Table(["inputs", "accuracy", "macro F1", "change"], rows, title)


def class_table(scores: ClassificationScores, unit: str = "alerts") -> Table:
    """One row a class that has labels; `unit`: plural, of what is counted."""
    count = scores.confusion.sum(1)
    rows = [
        [name, f"{count[k]:,}", *(part[name].short() for part in (scores.recall, scores.precision, scores.f1))]
        for k, name in enumerate(scores.class_names)
        if count[k]
    ]
    return Table(["class", unit, "recall", "precision", "F1"], rows)
