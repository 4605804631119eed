"""One room per system, found by looking: settings, presets, task, evaluation, prediction, published weights.

>>> from lcjax.systems import PRESETS, find_system
>>> find_system(PRESETS["delight"]().system).kind
'host_fields'
"""

import sys
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from typing import TYPE_CHECKING

from lcjax.configs import Experiment
from lcjax.discovery import rooms
from lcjax.errors import ConfigError, unknown_name
from lcjax.systems.base import System

if TYPE_CHECKING:
    from lcjax.training.task import Task

__all__ = ["PRESETS", "System", "build_task", "find_preset", "find_system", "systems"]


@cache
def systems() -> dict[str, System]:
    """Every system by name, those of installed packages (entry points `lcjax.systems`) among them.

    Raises:
      ConfigError: two have one name.
    """
    found: dict[str, System] = {}
    for system in rooms(sys.modules[__name__], "SYSTEMS", "lcjax.systems"):
        if system.name in found:
            raise ConfigError(f"two systems are called '{system.name}': uninstall the package that brings the second")
        found[system.name] = system
    return found


def find_system(name: str) -> System:
    """The system of that name.

    Raises:
      ConfigError: there is none; names the nearest.
    """
    if name not in systems():
        raise unknown_name("system", name, systems())
    return systems()[name]


def build_task(experiment: Experiment) -> "Task":
    """The `lcjax.training.task.Task` of an experiment.

    Raises:
      ConfigError: the experiment names a system that is not there, or its settings do not fit each other.
    """
    return find_system(experiment.system).build_task(experiment)


class _Presets(Mapping[str, Callable[[], Experiment]]):
    """Preset name -> function that returns its settings; the docstring holds paper, command and expected score."""

    @staticmethod
    @cache
    def _all() -> dict[str, Callable[[], Experiment]]:
        found: dict[str, Callable[[], Experiment]] = {}
        for system in systems().values():
            if twice := sorted(found.keys() & system.presets.keys()):
                raise ConfigError(f"two presets are called '{twice[0]}': uninstall the package that brings the second")
            found |= system.presets
        return dict(sorted(found.items()))

    def __getitem__(self, name: str) -> Callable[[], Experiment]:
        return self._all()[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._all())

    def __len__(self) -> int:
        return len(self._all())


PRESETS: Mapping[str, Callable[[], Experiment]] = _Presets()


def find_preset(name: str) -> Callable[[], Experiment]:
    """The preset function of that name.

    Raises:
      ConfigError: there is none; names the nearest.
    """
    if name not in PRESETS:
        raise unknown_name("preset", name, PRESETS)
    return PRESETS[name]
