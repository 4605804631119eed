"""An encoder of light curves inside another model: which system and settings it has, so that the workdir stands alone."""

import dataclasses
import json
from typing import TYPE_CHECKING, Any

from lcjax.errors import ConfigError
from lcjax.schema import Settings
from lcjax.systems import find_preset, find_system

if TYPE_CHECKING:
    from lcjax.training.task import Task


@dataclasses.dataclass(frozen=True)
class OriginConfig(Settings):
    """The encoder inside the model; set from `--encoder` or `--architecture`, so that the workdir stands alone."""

    system: str = ""
    """Its system."""
    settings: str = ""
    """Its settings, JSON."""
    sha256: str = ""
    """Of the weights as they came; empty: random ones."""


def preset_origin(preset: str) -> OriginConfig:
    """Of an encoder with random weights.

    Raises:
      ConfigError: there is no such preset.
    """
    experiment = find_preset(preset)()
    return OriginConfig(experiment.system, json.dumps(dataclasses.asdict(experiment), sort_keys=True))


def trained_origin(name: str) -> OriginConfig:
    """Of a workdir, a weights folder or a published name; without the hash, which needs its weights.

    Raises:
      WeightsError, CheckpointError: there is no such model.
    """
    from lcjax.systems.loading import locate
    from lcjax.training.workdir import read_record

    record = read_record(locate(name))
    settings = find_system(record["system"]).settings_of(record)
    return OriginConfig(record["system"], json.dumps(settings, sort_keys=True))


def encoder_experiment(origin: OriginConfig) -> Any:
    """The encoder's own settings."""
    from lcjax.training.workdir import read_experiment

    return read_experiment(json.loads(origin.settings), find_system(origin.system).experiment)


def for_predictions(origin: OriginConfig) -> OriginConfig:
    """The encoder as its own system wants it for predictions."""
    inner = find_system(origin.system).for_predictions(encoder_experiment(origin))
    return dataclasses.replace(origin, settings=json.dumps(dataclasses.asdict(inner), sort_keys=True))


def encoder_task(origin: OriginConfig, precision: str = "float32") -> "Task":
    """The encoder's own task.

    Raises:
      ConfigError: its system is not installed, or encodes nothing.
    """
    experiment = encoder_experiment(origin)
    training = dataclasses.replace(experiment.training, precision=precision)
    task = find_system(origin.system).build_task(dataclasses.replace(experiment, training=training))
    if task.encode is None:
        raise ConfigError(
            f"'{origin.system}' is no encoder of light curves: give --encoder a model that is, such as an Astromer"
        )
    return task
