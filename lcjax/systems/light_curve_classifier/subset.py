"""Which labelled stars are learned from: so many of every class, drawn by star, the same for the same seed and data."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from lcjax.errors import ConfigError, unknown_name
from lcjax.systems.base import Data
from lcjax.systems.light_curve_classifier.config import LightCurveClassifierExperiment


class LabelledData(Data, Protocol):
    """One split of light curves, as classifiers see it."""

    split: str
    used: np.ndarray
    """Numbers of the records that may be learned from."""

    @property
    def object_ids(self) -> np.ndarray:
        """(R,) str, star of every record."""

    @property
    def dataset_of_record(self) -> np.ndarray:
        """(R,) str, survey of every record."""

    def relabelled(self, class_names: Sequence[str]) -> "LabelledData":
        """The same with labels numbered as in `class_names`; -1 for others."""


@dataclass(frozen=True)
class Stars:
    """The stars of a split that have a class."""

    class_names: tuple[str, ...]
    """Of the data."""
    key: np.ndarray
    """(S,) str, survey and name."""
    label: np.ndarray
    """(S,) int, index into `class_names`."""
    of_record: np.ndarray
    """(R,) int, star of every record, -1 none."""
    contradictory: int
    """Stars left out because their records have different classes."""

    def of_class(self, name: str) -> np.ndarray:
        """Numbers of the stars of a class."""
        return np.flatnonzero(self.label == self.class_names.index(name))

    def counts(self) -> dict[str, int]:
        """Class -> stars."""
        found = np.bincount(self.label, minlength=len(self.class_names))
        return dict(zip(self.class_names, found.tolist(), strict=True))


def labelled_stars(data: LabelledData) -> Stars:
    """The stars of a split with a class; a star is what one survey calls by one name, in however many bands."""
    labels = np.asarray(data.labels)
    usable = np.zeros(len(labels), bool)
    usable[data.used] = True
    usable &= labels >= 0
    names = np.array([f"{d}\t{o}" for d, o in zip(data.dataset_of_record, data.object_ids, strict=True)], object)
    key, first, star = np.unique(names[usable], return_index=True, return_inverse=True)
    label = labels[usable][first]
    sound = np.ones(len(key), bool)
    sound[star[labels[usable] != label[star]]] = False
    number = np.where(sound, np.cumsum(sound) - 1, -1)
    of_record = np.full(len(labels), -1)
    of_record[usable] = number[star]
    return Stars(tuple(data.class_names), key[sound], label[sound], of_record, int((~sound).sum()))


@dataclass(frozen=True)
class Subset:
    """Stars that were drawn."""

    class_names: tuple[str, ...]
    """Of the model, in order."""
    stars: Stars
    times: np.ndarray
    """(S,) int, how often each star counts."""
    left_out: dict[str, int]
    """Classes that have too few stars, and how many."""

    @property
    def label_of_record(self) -> np.ndarray:
        """(R,) int, class by the names of the model of every record that was drawn, -1 for the others."""
        number = {name: k for k, name in enumerate(self.class_names)}
        of_star = np.array([number.get(self.stars.class_names[k], -1) for k in self.stars.label], np.int64)
        of_star = np.where(self.times > 0, of_star, -1)
        return np.where(self.stars.of_record >= 0, np.append(of_star, -1)[self.stars.of_record], -1)

    @property
    def times_of_record(self) -> np.ndarray:
        """(R,) int, how often every record counts."""
        return np.append(self.times, 0)[self.stars.of_record]

    def ids(self) -> dict[str, list[str]]:
        """Class -> names of the stars drawn, `survey/name`; a star that counts twice is there twice."""
        found: dict[str, list[str]] = {name: [] for name in self.class_names}
        for star in np.flatnonzero(self.times):
            name = self.stars.class_names[self.stars.label[star]]
            found[name] += [self.stars.key[star].replace("\t", "/")] * int(self.times[star])
        return found


def classes_of(experiment: LightCurveClassifierExperiment, stars: Stars) -> tuple[tuple[str, ...], dict[str, int]]:
    """The classes to learn, and those left out for having fewer stars than are asked for.

    Raises:
      ConfigError: a class that the data does not have, or asked for by name without enough stars; fewer than two classes.
    """
    counts = stars.counts()
    for name in experiment.classes:
        if name not in counts:
            raise unknown_name("class", name, counts) if counts else ConfigError("this data has no labels")
    if len(set(experiment.classes)) < len(experiment.classes):
        raise ConfigError(f"--classes names a class twice: {', '.join(experiment.classes)}")
    distinct = experiment.subset.draw == "distinct"
    needed = experiment.samples_per_class if experiment.samples_per_class and distinct else 1
    asked = experiment.classes or tuple(name for name, count in counts.items() if count)
    few = {name: counts[name] for name in asked if counts[name] < needed}
    if few and experiment.classes:
        named = ", ".join(f"{name} ({count})" for name, count in few.items())
        raise ConfigError(
            f"fewer than {needed} training stars in {named}: leave the class out of --classes, lower --samples-per-class, "
            "or draw with replacement (--subset.draw published)"
        )
    names = tuple(name for name in asked if name not in few)
    if len(names) < 2:
        raise ConfigError(
            f"{len(names)} of {len(asked)} classes of this data have {needed} training stars or more, and a classifier needs "
            "two: lower --samples-per-class, or give data with labels"
        )
    return names, few


def draw_training(experiment: LightCurveClassifierExperiment, data: LabelledData) -> Subset:
    """So many stars of every class from the training split.

    Raises:
      ConfigError: see `classes_of`.
    """
    stars = labelled_stars(data)
    names, few = classes_of(experiment, stars)
    rng = np.random.default_rng((experiment.training.seed, experiment.subset.fold, 1))
    times = np.zeros(len(stars.key), np.int64)
    for name in names:
        members = stars.of_class(name)
        if experiment.samples_per_class is None:
            times[members] = 1
            continue
        replace = experiment.subset.draw == "published"
        np.add.at(times, rng.choice(members, experiment.samples_per_class, replace=replace), 1)
    return Subset(names, stars, times, few)


def draw_validation(experiment: LightCurveClassifierExperiment, data: LabelledData) -> Subset:
    """Stars that choose the best weights, from the validation split; classes there may have fewer than are asked for."""
    stars, names = labelled_stars(data), experiment.class_names
    members = {name: stars.of_class(name) for name in names if name in stars.class_names}
    together = np.concatenate([*members.values(), np.zeros(0, np.int64)]).astype(np.int64)
    times = np.zeros(len(stars.key), np.int64)
    if experiment.samples_per_class is None:
        times[together] = 1
        return Subset(names, stars, times, {})
    rng = np.random.default_rng((experiment.training.seed, experiment.subset.fold, 2))
    wanted = max(1, round(experiment.subset.validation_share * experiment.samples_per_class))
    if experiment.subset.validation == "published":
        times[rng.permutation(together)[:wanted]] = 1
    for rows in members.values() if experiment.subset.validation == "per_class" else ():
        times[rng.permutation(rows)[:wanted]] = 1
    return Subset(names, stars, times, {n: len(rows) for n, rows in members.items() if len(rows) < wanted})
