"""Held-out scores of an adapted classifier on source and target: balanced accuracy, recalls, calibration."""

from dataclasses import dataclass
from typing import Any

import jax
import numpy as np

from lcjax.errors import DataError
from lcjax.evaluation.classification import ClassificationScores, score_classes
from lcjax.evaluation.classification_figures import confusion_matrix
from lcjax.evaluation.scores import Picture, Scores, Section, Table, Text
from lcjax.inference.loaded import Loaded
from lcjax.systems.base import Data
from lcjax.systems.domain_pairs.calibration import (
    as_values,
    assumed,
    calibration_table,
    recalibrated,
    reliability_diagram,
)
from lcjax.training.source import device_part

DOMAINS = ("source", "target")


@dataclass(frozen=True)
class Answered:
    """Answers to the records of one domain."""

    probabilities: np.ndarray  #: (N, K)
    logits: np.ndarray  #: (N, K)
    label: np.ndarray  #: (N,) -1 unknown
    object_id: np.ndarray  #: (N,)


def answer_domains(loaded: Loaded, data: Data) -> dict[str, Answered]:
    """Answers every record, domain by domain; the windows of a light curve together, each weighing as many points as it has."""
    predict = jax.jit(loaded.task.predict)
    found: dict[str, list[tuple[Any, ...]]] = {}
    for batch in data.evaluation_batches():
        domain = str(batch["domain"][0]) if "domain" in batch else "target"
        keep = batch["weight"] > 0
        if not keep.any():
            continue
        ready = {name: value for name, value in device_part(batch).items() if name in loaded.task.batch_spec}
        out = predict(loaded.variables, ready)
        points = batch["mask"].sum(-1) if "mask" in batch else np.ones(len(keep))
        rows = (out["logits"], batch["label"], batch["object_id"], batch["record"], points)
        found.setdefault(domain, []).append(tuple(np.asarray(value)[keep] for value in rows))
    columns = {
        name: [np.concatenate(parts) for parts in zip(*found[name], strict=True)] for name in DOMAINS if name in found
    }
    return {name: of_records(*values) for name, values in columns.items()}


def of_records(
    logits: np.ndarray, label: np.ndarray, object_id: np.ndarray, record: np.ndarray, points: np.ndarray
) -> Answered:
    """Answers to records from those to their parts: mean logits, each part weighing as many points as it has.

    Args:
      logits: (N, K). label, object_id, record, points: (N,).
    """
    _, first, number = np.unique(record, return_index=True, return_inverse=True)
    sums = np.zeros((len(first), logits.shape[1]))
    np.add.at(sums, number, logits.astype(np.float64) * points[:, None])
    mean = sums / np.maximum(np.bincount(number, points), 1)[:, None]
    shifted = np.exp(mean - mean.max(-1, keepdims=True))
    return Answered(shifted / shifted.sum(-1, keepdims=True), mean, label[first], object_id[first])


def evaluate(loaded: Loaded, data: Data, commands: str, unit: str = "images", about: str = "") -> Scores:
    """Scores of each domain, with 95 % intervals over objects.

    Args:
      unit: what the records are. about: a sentence about how the model learned.

    Raises:
      DataError: no record has a label of the model's classes.
    """
    names = loaded.experiment.inputs.class_names  # type: ignore[attr-defined]
    answers = answer_domains(loaded, data)
    scores = {
        domain: score_classes(own.probabilities, own.label, own.object_id, names)
        for domain, own in answers.items()
        if (own.label >= 0).any()
    }
    if not scores:
        raise DataError(f"none of these {unit} has a label of the model's classes: nothing can be scored")
    found = recalibrated(answers, training_shares(loaded))
    whole = domain_table(scores, unit)
    parts = [calibration_table(found, names)] if found else []
    classes = class_table(scores)
    notes = [
        Text(f"{int((own.label < 0).sum()):,} {unit} of the {domain} without a label are not scored")
        for domain, own in answers.items()
        if (own.label < 0).any()
    ]
    notes += [Text(text) for text in (*assumed(answers, found), about) if text]
    warnings = [Text(text, "warning") for domain, own in answers.items() for text in collapsed(domain, own)]
    pictures = [
        Picture(lambda s=s: confusion_matrix(s), f"Confusion matrix, {domain}.") for domain, s in scores.items()
    ]
    diagrams = []
    if found:
        caption = f"How often {names[-1]} is right by its probability, before and after recalibration."
        diagrams.append(Picture(lambda: reliability_diagram(answers, found, names[-1]), caption))
    return Scores(
        title="Domain adaptation report",
        printed=[whole, classes, *parts, *notes, *warnings],
        values={**{domain: s.as_dict() for domain, s in scores.items()}, "recalibrated": as_values(found)},
        cards=[(str(s.balanced_accuracy), f"balanced accuracy, {domain}") for domain, s in scores.items()],
        sections=[
            Section("Source and target", [whole, *notes, *warnings]),
            Section("Classes", [classes, *pictures]),
            Section("Probabilities", [*parts, *diagrams]),
        ],
        curve=("balanced_accuracy", "Balanced accuracy"),
        commands=commands,
        facts={"answers": answers, "scores": scores},
    )


def training_shares(loaded: Loaded) -> np.ndarray:
    """Shares of classes that the model learned with, (K,): equal ones where its source was balanced, or they are not known."""
    experiment: Any = loaded.experiment
    counts = loaded.record.get("data", {}).get("class_counts")
    classes = len(experiment.inputs.class_names)
    if experiment.domains.balance != "none" or not counts or len(counts) != classes:
        return np.full(classes, 1 / classes)
    return np.asarray(counts, np.float64) / max(sum(counts), 1)


def domain_table(scores: dict[str, ClassificationScores], unit: str = "images") -> Table:
    """A row a domain."""
    header = ("domain", unit, "balanced accuracy", "accuracy", "macro F1", "calibration error")
    rows = [
        (d, f"{s.alerts:,}", str(s.balanced_accuracy), str(s.accuracy), str(s.macro_f1), f"{s.calibration_error:.3f}")
        for d, s in scores.items()
    ]
    return Table(header, rows, "95 % intervals over objects")


def class_table(scores: dict[str, ClassificationScores]) -> Table:
    """A row a class, its recall and precision in each domain."""
    names = next(iter(scores.values())).class_names
    header = ("class", *(f"{what}, {d}" for d in scores for what in ("recall", "precision")))
    cells = lambda name: [str(part[name]) for s in scores.values() for part in (s.recall, s.precision)]
    return Table(header, [(name, *cells(name)) for name in names])


def collapsed(domain: str, own: Answered) -> list[str]:
    """A warning where labels are of several classes and all answers of one.

    >>> one = Answered(np.ones((3, 2)) * [0.9, 0.1], np.zeros((3, 2)), np.array([0, 1, 0]), np.array(["a", "b", "c"]))
    >>> collapsed("target", one)
    ['collapse: every image of the target gets one class']
    """
    best = np.unique(own.probabilities.argmax(-1))
    several = len(np.unique(own.label[own.label >= 0])) > 1
    return [f"collapse: every image of the {domain} gets one class"] if len(best) == 1 and several else []
