"""Objects of a table whose class is in doubt: as a table to print and as columns to write."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from lcjax.errors import ConfigError, DataError
from lcjax.evaluation.embedded import EmbeddedObjects
from lcjax.evaluation.mislabels import Doubts, check_with_planted, find_doubts
from lcjax.evaluation.scores import Scores, Table, Text


@dataclass(frozen=True)
class DoubtSettings:
    """How doubts are found, and what of them is shown."""

    neighbours: int = 10
    top: int = 20
    """Objects shown."""
    check: float | None = None
    """Change this share of the classes first and say how many are found, such as 0.05."""

    def check_ranges(self) -> None:
        """Makes sure that the numbers make sense.

        Raises:
          ConfigError: they do not.
        """
        if self.neighbours < 1 or self.top < 1:
            raise ConfigError("--neighbours and --top are 1 or more")
        if self.check is not None and not 0 < self.check < 0.5:
            raise ConfigError(f"--check is {self.check:g}: give a share between 0 and 0.5")


def find_doubtful(
    objects: EmbeddedObjects, settings: DoubtSettings, where: Path, say: Callable[[str], None]
) -> "tuple[DoubtfulObjects, Scores]":
    """Objects whose class is in doubt, and what is printed of them.

    Args:
      where: of the objects. say: told what is left out.

    Raises:
      DataError: no object has a class.
    """
    objects = labelled(objects, where, say)
    found = DoubtfulObjects(objects, find_doubts(objects.embedding, objects.label, settings.neighbours))
    scores = found.scores(settings.top)
    if settings.check is not None:
        planted = Text(planted_sentence(objects, settings.check, settings.neighbours))
        scores = replace(scores, printed=[planted, *scores.printed])
    return found, scores


def labelled(objects: EmbeddedObjects, where: Path, say: Callable[[str], None]) -> EmbeddedObjects:
    """Those with a class; the others are counted.

    Raises:
      DataError: none has one. `where`: of the objects.
    """
    if not len(objects.class_names):
        raise DataError(f"'{where}' has no classes: give a table of classes with --labels")
    if not (unlabelled := int((objects.label < 0).sum())):
        return objects
    say(f"left out: {unlabelled:,} objects without a class")
    return objects.taken(np.flatnonzero(objects.label >= 0))


def planted_sentence(objects: EmbeddedObjects, share: float, neighbours: int) -> str:
    """How well classes are found of which a share was changed on purpose."""
    found = check_with_planted(objects.embedding, objects.label, share, neighbours)
    return (
        f"{found.planted:,} of {len(objects):,} classes changed on purpose: AUROC {found.auroc:.3f}, average precision "
        f"{found.average_precision:.3f}; among as many most doubtful objects {found.found_among:.0%} are changed ones, and "
        f"{found.right_class:.0%} of them get their true class back"
    )


@dataclass(frozen=True)
class DoubtfulObjects:
    """N objects with a class."""

    objects: EmbeddedObjects
    doubts: Doubts

    @property
    def order(self) -> np.ndarray:
        """(N,) rows, the most doubtful first; equal ones as they came."""
        return np.argsort(-self.doubts.doubt, kind="stable")

    def scores(self, top: int) -> Scores:
        """The first ones, to be printed."""
        rows = [
            (
                self.objects.object_id[i],
                self.objects.class_of(i),
                self.objects.class_names[self.doubts.suggested[i]],
                f"{self.doubts.doubt[i]:.3f}",
                self._said(i),
            )
            for i in self.order[:top]
        ]
        title = f"{int(self.doubts.candidates.sum()):,} of {len(self.objects):,} objects are likely misclassified"
        return Scores("", [Table(("object", "class", "neighbours say", "doubt", ""), rows, title)], {})

    def _said(self, row: int) -> str:
        if self.doubts.candidates[row]:
            return "likely misclassified"
        return "unusual of its class" if self.doubts.doubt[row] > 0 else ""

    def columns(self) -> dict[str, Any]:
        """All: object_id, class, suggested, doubt, candidate."""
        order = self.order
        return {
            "object_id": [self.objects.object_id[i] for i in order],
            "class": [self.objects.class_of(i) for i in order],
            "suggested": [self.objects.class_names[self.doubts.suggested[i]] for i in order],
            "doubt": self.doubts.doubt[order],
            "candidate": self.doubts.candidates[order],
        }
