"""Scores of a probe: which classes are judged, what is printed, saved and reported."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from lcjax.errors import DataError
from lcjax.evaluation.probe import ProbeScore, probe, probe_classes
from lcjax.evaluation.scores import Scores, Section, Table, Text

_LEAST = (20, 5)
"""Stars of a class to learn from and to test, of classes that were not asked for by name."""


class LabelledEmbeddings(Protocol):
    """N labelled stars with an embedding each."""

    @property
    def object_id(self) -> np.ndarray:
        """(N,) str."""

    @property
    def embedding(self) -> np.ndarray:
        """(N, D), finite."""

    @property
    def label(self) -> np.ndarray:
        """(N,) int."""

    @property
    def train(self) -> np.ndarray:
        """Rows to learn from."""

    @property
    def test(self) -> np.ndarray:
        """Rows to be scored on."""


@dataclass(frozen=True)
class Judged:
    """What the classifiers make of the embeddings of one dataset."""

    name: str
    """Of the dataset."""
    notes: Sequence[str]
    scores: Sequence[ProbeScore]
    classes: Mapping[str, tuple[int, int]]
    """Stars to learn from and to be scored on."""


def judge(
    name: str,
    stars: LabelledEmbeddings,
    class_names: Sequence[str],
    notes: Sequence[str] = (),
    classes: Sequence[str] = (),
    shots: Sequence[int] = (20, 100),
    draws: int = 5,
) -> Judged:
    """Probes the embeddings of one dataset.

    Args:
      name: of the dataset. class_names: by label. notes: what is known of the stars already.
      classes: only these; none: all with 20 stars to learn from and 5 to test. shots, draws: see `probe`.

    Raises:
      DataError: a class that is asked for has no such stars, or there are fewer than two classes.
    """
    least = (1, 1) if classes else _LEAST
    counts = probe_classes(stars.label, stars.train, stars.test, *least)
    if unknown := [wanted for wanted in classes if wanted not in [class_names[c] for c in counts]]:
        raise DataError(
            f"{name} has no stars of class '{unknown[0]}' to learn from and to test: it has {', '.join(class_names)}"
        )
    kept = [c for c in counts if not classes or class_names[c] in classes]
    if len(kept) < 2:
        raise DataError(
            f"{name} has {len(kept)} classes with {least[0]} stars to learn from and {least[1]} to test: a probe needs two"
        )
    said = list(notes)
    left_out = [text for c, text in enumerate(class_names) if c not in kept and (stars.label == c).any()]
    if left_out and not classes:
        said.append(f"classes with too few stars, left out: {', '.join(left_out)}")
    number = np.full(len(class_names), -1)
    number[kept] = np.arange(len(kept))
    label = number[stars.label]
    rows = lambda some: some[label[some] >= 0]
    scores = probe(
        stars.embedding,
        label,
        rows(stars.train),
        rows(stars.test),
        [class_names[c] for c in kept],
        stars.object_id,
        shots,
        draws,
    )
    return Judged(name, said, scores, {class_names[c]: counts[c] for c in kept})


def probe_scores(judged: Sequence[Judged], where: str) -> Scores:
    """Of one or several datasets; `where`: what to call the embeddings.

    Raises:
      DataError: there is none.
    """
    if not judged:
        raise DataError(f"'{where}' could not be judged on any of these data: none has labelled stars that it embeds")
    printed: list[Table | Text] = []
    for one in judged:
        printed += [Text(f"{one.name}: {sentence}") for sentence in one.notes]
        classes = ", ".join(f"{name} {train:,}+{test:,}" for name, (train, test) in one.classes.items())
        printed.append(Text(f"{one.name}, classes (stars to learn from + to test): {classes}"))
        rows = [(s.classifier, s.shots or "all", f"{s.train:,}", f"{s.tested:,}", s.macro_f1) for s in one.scores]
        header = ("classifier", "stars a class", "labelled", "tested", "macro F1")
        printed.append(Table(header, rows, f"{one.name}: frozen embeddings, 95 % intervals over stars and draws"))
    values = [
        {
            "dataset": one.name,
            "notes": list(one.notes),
            "classes": dict(one.classes),
            "scores": [s.as_dict() for s in one.scores],
        }
        for one in judged
    ]
    best = max((s for one in judged for s in one.scores), key=lambda s: s.macro_f1.value)
    cards = [(f"{best.macro_f1.value:.2f}", f"macro F1, {best.classifier}, {best.shots or 'all'} stars a class")]
    return Scores("Probe of embeddings", printed, values, cards, [Section("Classes from frozen embeddings", printed)])
