"""The published protocol in every group of classes, such as transient, stochastic and periodic ones (arXiv 2308.05011, Table 1)."""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol, Self

import numpy as np

from lcjax.errors import ConfigError
from lcjax.systems.svdd.protocol import Found, ProtocolSettings, run_protocol


class FeatureObjects(Protocol):
    """N objects with a class, such as `data_pipelines.labelled_features.FeatureObjects`."""

    @property
    def label(self) -> np.ndarray:
        """(N,) int into `class_names`."""

    @property
    def class_names(self) -> tuple[str, ...]:
        """Of all classes."""

    @property
    def names(self) -> tuple[str, ...]:
        """Of the F features."""

    @property
    def features(self) -> np.ndarray:
        """(N, F) float32, NaN where missing."""

    @property
    def is_test(self) -> np.ndarray | None:
        """(N,) bool, where it is said."""

    @property
    def fold(self) -> np.ndarray | None:
        """(N,) int, where it is said."""

    def of_classes(self, classes: tuple[str, ...]) -> Self:
        """The objects of some classes, numbered as these."""


def run_groups(
    objects: FeatureObjects,
    groups: Mapping[str, tuple[str, ...]],
    settings: ProtocolSettings,
    never: Sequence[str] = (),
    say: Callable[[str], None] = lambda text: None,
) -> list[Found]:
    """Every class in turn the outlier among those of its group.

    Args:
      groups: name -> classes; without a name: all classes. never: classes that are learned and never held out.

    Raises:
      ConfigError: a class that is not there is to be held out or never to be, or none is left. See `run_protocol`.
    """
    for name in (*settings.outliers, *never):
        if name not in objects.class_names:
            raise ConfigError(f"there is no class '{name}' to hold out: there are {', '.join(objects.class_names)}")
    found: list[Found] = []
    for group, classes in groups.items():
        outliers = settings.outliers or tuple(c for c in classes if c not in never)
        own = dataclasses.replace(settings, outliers=tuple(c for c in outliers if c in classes))
        if not own.outliers:
            continue
        some = objects.of_classes(classes)
        say(f"{group + ': ' if group else ''}{len(some.label):,} objects of {', '.join(classes)}")
        found += run_protocol(some.features, some.label, some.names, classes, own, some.is_test, some.fold, say)
    if not found:
        raise ConfigError("no class is left to hold out: look at --outliers, --never and --groups")
    return found
