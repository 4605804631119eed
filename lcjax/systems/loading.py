"""From a name or a folder to a model that runs: workdirs, weights folders and published names alike."""

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from lcjax.configs import Experiment
from lcjax.errors import CheckpointError, WeightsError
from lcjax.pretrained.download import Progress
from lcjax.systems.catalogue import CATALOGUE, published
from lcjax.systems.fetching import fetch
from lcjax.systems.importing import SYSTEMS, imported_here
from lcjax.typing import PyTree


class Loaded(NamedTuple):
    """A trained system, ready to run."""

    folder: Path
    record: dict[str, Any]
    """What its `config.json` holds."""
    experiment: Experiment
    task: Any
    """`lcjax.training.task.Task`."""
    variables: PyTree


def load(path_or_name: Path | str, which: str = "best") -> tuple[Any, PyTree]:
    """The linen module and variables of a trained model.

    Args:
      path_or_name: a workdir of `lcjax train`, a weights folder, a published name (`lcjax weights list`), or a system
        whose weights were imported without `--out`.
      which: of a workdir: `best`, `latest` or `ema`.

    Returns:
      (model, variables): `model.apply(variables, batch)` works on standardised windows.

    Raises:
      WeightsError, CheckpointError: nothing there, or nothing sound.
    """
    loaded = load_system(path_or_name, which)
    return loaded.task.model, loaded.variables


def load_system(
    path_or_name: Path | str,
    which: str = "best",
    say: Callable[[str], None] = print,
    progress: Progress | None = None,
) -> Loaded:
    """As `load`, with settings and Task. `say` and `progress` are told of downloads."""
    from lcjax.systems import build_task, experiment_type
    from lcjax.training.workdir import read_experiment

    folder = locate(path_or_name, say, progress)
    record, variables = _restore(folder, which)
    try:
        experiment = read_experiment(record["experiment"], experiment_type(record["system"]))
    except (KeyError, TypeError) as error:
        raise WeightsError(f"'{folder / 'config.json'}' is not of this program: {error} is missing or odd") from error
    task = build_task(_in_float32(experiment))
    _check_fit(task, variables, folder)
    return Loaded(folder, record, experiment, task, variables)


def _in_float32(experiment: Experiment) -> Experiment:
    """The same system computed in float32, with an attention kernel that every device has."""
    training = dataclasses.replace(experiment.training, precision="float32")
    experiment = dataclasses.replace(experiment, training=training)
    model = getattr(experiment, "model", None)
    if getattr(model, "attention", "xla") != "xla":
        experiment = dataclasses.replace(experiment, model=dataclasses.replace(model, attention="xla"))
    return experiment


def _check_fit(task: Any, variables: PyTree, folder: Path) -> None:
    """Makes sure that names and shapes are those of the model that `config.json` describes."""
    import jax

    from lcjax.training.checkpoint_io import flatten

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
    if str(path_or_name) in CATALOGUE:
        return fetch(str(path_or_name), say, progress)
    if str(path_or_name) in SYSTEMS and not path.exists():
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
                f"'{path}' is a TensorFlow checkpoint: make it ours with  lcjax weights import SYSTEM {path} --out W"
            )
        raise WeightsError(f"'{path}' holds no model: no config.json there; give a workdir or weights folder")
    if path.exists():
        raise WeightsError(f"'{path}' is a file: give the workdir or weights folder it belongs to")
    if len(path.parts) > 1:
        raise WeightsError(f"there is no folder '{path}': give a workdir, a weights folder or a published name")
    published(str(path_or_name))
    raise WeightsError(f"there is no model '{path}'")


def _restore(folder: Path, which: str) -> tuple[dict[str, Any], PyTree]:
    from lcjax.pretrained.weights_folder import ARRAYS, read_weights
    from lcjax.training.checkpoint import restore_variables

    trained = any((folder / "checkpoints").glob("[0-9]*")) or not (folder / ARRAYS).exists()
    if not trained:
        return read_weights(folder)
    return restore_variables(folder, which)


def describe(folder: Path) -> str:
    """One line about a model for people: system, settings hash, where it came from."""
    try:
        record = json.loads((folder / "config.json").read_text())
    except (OSError, ValueError) as error:
        raise CheckpointError(f"'{folder}' has no readable config.json ({error})") from error
    origin = record.get("preset") or record.get("weights", {}).get("name") or "own settings"
    return f"{record.get('system', 'unknown system')} ({origin}, settings {record.get('config_hash', '?')})"
