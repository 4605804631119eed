"""From a name or a folder to a model that runs: workdirs, weights folders and published names alike."""

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import numpy as np

from lcjax.errors import WeightsError
from lcjax.inference.loaded import Loaded
from lcjax.pretrained.download import Progress
from lcjax.pretrained.weights_folder import ARRAYS, read_weights
from lcjax.systems import find_system
from lcjax.systems.catalogue import catalogue, published
from lcjax.systems.fetching import fetch
from lcjax.systems.importing import imported_here, importers
from lcjax.training.checkpoint import restore_variables
from lcjax.training.checkpoint_io import flatten
from lcjax.training.task import Task
from lcjax.training.workdir import read_experiment
from lcjax.typing import PyTree


def load(
    path_or_name: Path | str,
    which: str = "best",
    say: Callable[[str], None] = print,
    progress: Progress | None = None,
) -> Loaded:
    """A trained system with its preprocessing, whatever the system: `.predict(batch)` takes raw arrays as files have them.

    Also `.variables`, `.experiment`, `.task`, and `.model`, the bare network without preprocessing.

    Args:
      path_or_name: a workdir of `lcjax train`, a weights folder, a published name (`lcjax weights list`), or a family
        whose weights were imported without `--out`.
      which: of a workdir: `best`, `latest` or `ema`. say: told of downloads, and of weights that
        are not what `which` names. progress: of downloads.

    Raises:
      WeightsError, CheckpointError: nothing there, or nothing sound. ConfigError: a system that is not installed.
    """
    folder = locate(path_or_name, say, progress)
    record, variables = _restore(folder, which, say)
    system = find_system(record["system"])
    experiment = read_experiment(system.settings_of(record), system.experiment)
    training = dataclasses.replace(experiment.training, precision="float32")
    computed = system.for_predictions(dataclasses.replace(experiment, training=training))
    task = system.build_task(computed)
    _check_fit(task, variables, folder)
    return Loaded(computed, task, variables, folder, record)


def _check_fit(task: Task, variables: PyTree, folder: Path) -> None:
    """Makes sure that names and shapes are those of the model that `config.json` describes."""
    expected = flatten(jax.eval_shape(task.init, jax.random.key(0), task.batch_spec))
    found = flatten(variables)
    odd = sorted(set(expected) ^ set(found))
    if odd:
        raise WeightsError(
            f"the weights in '{folder}' are not of the model in config.json: {len(odd)} arrays differ, first '{odd[0]}'"
        )
    for name, leaf in expected.items():
        shape = tuple(np.shape(found[name]))
        if shape != tuple(leaf.shape):
            raise WeightsError(
                f"array '{name}' in '{folder}' has shape {shape} where the model in config.json has {tuple(leaf.shape)}"
            )


def locate(path_or_name: Path | str, say: Callable[[str], None] = print, progress: Progress | None = None) -> Path:
    """The folder that holds a model; published names are downloaded to the cache.

    Raises:
      WeightsError: neither a folder with a model nor a published name.
    """
    path = Path(path_or_name)
    if (path / "config.json").is_file():
        return path
    if str(path_or_name) in catalogue():
        return fetch(str(path_or_name), say, progress)
    if str(path_or_name) in importers() and not path.exists():
        folder = imported_here(str(path_or_name))
        if (folder / "config.json").is_file():
            return folder
        raise WeightsError(
            f"no weights of '{path_or_name}' are at hand and none can be fetched by that name: import a published "
            f"checkpoint once with  lcjax weights import {path_or_name} SRC  and the name will do"
        )
    if path.is_dir():
        if list(path.glob("*.index")):
            raise WeightsError(
                f"'{path}' is a TensorFlow checkpoint: make it ours with  lcjax weights import FAMILY {path} --out W"
            )
        raise WeightsError(f"'{path}' holds no model: no config.json there; give a workdir or weights folder")
    if path.exists():
        raise WeightsError(f"'{path}' is a file: give the workdir or weights folder it belongs to")
    if len(path.parts) > 1:
        raise WeightsError(f"there is no folder '{path}': give a workdir, a weights folder or a published name")
    published(str(path_or_name))
    raise WeightsError(f"there is no model '{path}'")


def _restore(folder: Path, which: str, say: Callable[[str], None]) -> tuple[dict[str, Any], PyTree]:
    trained = any((folder / "checkpoints").glob("[0-9]*")) or not (folder / ARRAYS).exists()
    if not trained:
        return read_weights(folder)
    return restore_variables(folder, which, say)
