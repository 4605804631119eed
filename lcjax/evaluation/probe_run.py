"""A probe of embeddings on labelled stars of one or several datasets, from what there is to what is printed."""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Generic, Protocol, TypeVar

from lcjax.errors import ConfigError, DataError
from lcjax.evaluation.probe import ALL
from lcjax.evaluation.probe_scores import Judged, LabelledEmbeddings, judge, probe_scores
from lcjax.evaluation.scores import Scores

Embeddings = TypeVar("Embeddings", contravariant=True)


@dataclasses.dataclass(frozen=True)
class ProbeSettings:
    """Classes from frozen embeddings by nearest neighbours, logistic regression and random forest."""

    classes: tuple[str, ...] = ()
    """Only these; none: all with 20 stars to learn from and 5 to test."""
    shots: tuple[int, ...] = (20, 100, ALL)
    """Labelled stars of each class, at most; 0: all there are."""
    draws: int = 5
    """Of the labelled stars."""
    band: str | None = None
    """Of stars with embeddings in several bands."""

    def check(self, split: str) -> None:
        """Makes sure that the settings and the split to be scored on make sense.

        Raises:
          ConfigError: they do not.
        """
        if split == "train":
            raise ConfigError("a probe learns from the training split: give --split test or --split validation")
        if self.draws < 1 or min(self.shots, default=-1) < 0:
            raise ConfigError("--draws is 1 or more, and --shots are numbers of stars, 0 for all")


class LabelledStars(Protocol, Generic[Embeddings]):
    """Stars of one dataset whose class and split are known, such as `data_pipelines.labelled_stars.LabelledStars`."""

    @property
    def name(self) -> str:
        """Of the dataset."""

    @property
    def folder(self) -> Path:
        """Of the dataset."""

    @property
    def class_names(self) -> tuple[str, ...]:
        """Of all classes."""

    @property
    def label(self) -> Mapping[str, int]:
        """Id -> class."""

    def matched(self, table: Embeddings, band: str | None, where: str) -> tuple[LabelledEmbeddings, list[str]]:
        """Those that have an embedding, and sentences about the others."""


def probe_stars(
    every: Sequence[LabelledStars[Embeddings]],
    embeddings: Callable[[Path], Embeddings],
    where: str,
    settings: ProbeSettings,
    say: Callable[[str], None],
) -> Scores:
    """Scores on each dataset.

    Args:
      embeddings: those of a dataset in a folder. where: what to call them. say: told which of several datasets are of no use.

    Raises:
      DataError: there is nothing to judge by.
    """
    found: list[Judged] = []
    for stars in every:
        if not stars.label:
            say(f"{stars.name}: no star has a class, so there is nothing to judge by")
            continue
        matched, said = stars.matched(embeddings(stars.folder), settings.band, where)
        if len(matched.label):
            of = settings
            found.append(judge(stars.name, matched, stars.class_names, said, of.classes, of.shots, of.draws))
        elif len(every) > 1:
            say(f"{stars.name}: none of its stars is in '{where}'")
        else:
            raise DataError(f"'{where}' has none of the labelled stars of {stars.name}: are the ids the same?")
    return probe_scores(found, where)
