"""One room per system: settings, presets and a Task. Presets are listed here; their code loads on first use."""

import importlib
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from lcjax.configs import Experiment
from lcjax.errors import ConfigError

_PRESETS = {
    "alerce-stamps": ("stamp_classifier.presets", "alerce_stamps"),
    "alerce-stamps-23": ("stamp_classifier.presets", "alerce_stamps_23"),
    "alerce-stamps-image": ("stamp_classifier.presets", "alerce_stamps_image"),
    "alerce-stamps-published": ("stamp_classifier.presets", "alerce_stamps_published"),
    "astromer1": ("astromer.presets", "astromer1"),
    "astromer2": ("astromer.presets", "astromer2"),
    "astromer2-small": ("astromer.presets", "astromer2_small"),
    "astromer2-survey": ("astromer.presets", "astromer2_survey"),
    "delight": ("delight.presets", "delight"),
    "delight-hosts": ("delight.presets", "delight_hosts"),
    "multiscale-stamps": ("multiscale_stamps.presets", "multiscale_stamps"),
    "multiscale-stamps-cropped": ("multiscale_stamps.presets", "multiscale_stamps_cropped"),
    "multiscale-stamps-low-res": ("multiscale_stamps.presets", "multiscale_stamps_low_res"),
    "multiscale-stamps-full": ("multiscale_stamps.presets", "multiscale_stamps_full"),
    "multiscale-stamps-rings": ("multiscale_stamps.presets", "multiscale_stamps_rings"),
    "multiscale-stamps-2025": ("multiscale_stamps.presets", "multiscale_stamps_2025"),
    "multiscale-stamps-rubin": ("multiscale_stamps.presets", "multiscale_stamps_rubin"),
}
_SYSTEMS = {
    "astromer1": "astromer.task",
    "astromer2": "astromer.task",
    "stamp_classifier": "stamp_classifier.task",
    "delight": "delight.task",
    "multiscale_stamps": "multiscale_stamps.task",
}


class _Presets(Mapping[str, Callable[[], Experiment]]):
    """Preset name -> function that returns its settings; the docstring holds paper, command and expected score."""

    def __getitem__(self, name: str) -> Callable[[], Experiment]:
        module, function = _PRESETS[name]
        return getattr(importlib.import_module(f"lcjax.systems.{module}"), function)

    def __iter__(self) -> Iterator[str]:
        return iter(_PRESETS)

    def __len__(self) -> int:
        return len(_PRESETS)


PRESETS: Mapping[str, Callable[[], Experiment]] = _Presets()


def build_task(experiment: Experiment) -> Any:
    """The `lcjax.training.task.Task` of an experiment.

    Raises:
      ConfigError: the experiment names a system this version does not have.
    """
    return _room(experiment.system).build_task(experiment)


def experiment_type(system: str) -> type[Experiment]:
    """The settings class of a system, to read a saved `config.json` back."""
    return _room(system).EXPERIMENT


def _room(system: str) -> Any:
    if system not in _SYSTEMS:
        raise ConfigError(f"this version has no system '{system}': it knows {', '.join(_SYSTEMS)}")
    return importlib.import_module(f"lcjax.systems.{_SYSTEMS[system]}")
