"""A workdir's `config.json`: resolved settings, their hash, versions, data fingerprint; and who may go on in it."""

import contextlib
import dataclasses
import hashlib
import importlib.metadata
import json
import sys
from pathlib import Path
from typing import Any

from lcjax.configs import Experiment
from lcjax.errors import CheckpointError, ConfigError
from lcjax.files import write_text
from lcjax.schema import parsed
from lcjax.training.checkpoint_io import ADVICE, read_folder_record
from lcjax.version import __version__

_FREE = {
    "training.log_every",
    "training.keep_checkpoints",
    "training.debug_nans",
    "training.max_bad_steps",
    "training.patience",
    "training.initial_weights",
    "training.parallel",
    "training.mesh",
    "inputs.surveys",
    "encoder",
}
"""Settings that may differ when a run is resumed: they say when to report or stop, where to compute, what may be asked and where
things lie (an encoder is known by the hash of its weights), not what is learned.

On another topology sums round differently, so only the same `parallel` and `mesh` go on bit for bit.
"""


def versions() -> dict[str, str]:
    """Of this package, those it computes with, and Python."""
    packages = ("jax", "jaxlib", "flax", "optax", "orbax-checkpoint", "numpy")
    return {
        "lcjax": __version__,
        "python": sys.version.split()[0],
        **{name: importlib.metadata.version(name) for name in packages},
    }


def experiment_record(experiment: Experiment, **more: Any) -> dict[str, Any]:
    """What `config.json` holds: settings, hash, versions, and what the caller adds (data, preset, ...)."""
    settings = json.loads(json.dumps(dataclasses.asdict(experiment)))
    return {
        "system": experiment.system,
        "experiment": settings,
        "config_hash": settings_hash(settings),
        "versions": versions(),
        **more,
    }


def settings_hash(settings: dict[str, Any]) -> str:
    """By which `config.json` is known to be as it was written."""
    return hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()[:16]


def read_record(folder: Path | str) -> dict[str, Any]:
    """What `config.json` of a workdir or weights folder holds, its settings as they were written.

    Raises:
      CheckpointError: it cannot be read, is no such record, or its settings have changed since they were written.
    """
    path = Path(folder) / "config.json"
    try:
        record = json.loads(path.read_text())
    except (OSError, ValueError, RecursionError) as error:
        raise CheckpointError(f"'{folder}' is not a workdir: no readable config.json ({error})") from error
    for name, kind in (("system", str), ("experiment", dict), ("config_hash", str)):
        found = record.get(name) if isinstance(record, dict) else None
        if not isinstance(found, kind):
            raise CheckpointError(f"'{path}' is not of this program: it has no '{name}' of the right kind")
    if record["config_hash"] != settings_hash(record["experiment"]):
        raise CheckpointError(
            f"'{path}' has changed since it was written (its settings have another hash than it says), so the answers "
            "would be others: restore a copy, or train, import or download again"
        )
    return record


def write_config(workdir: Path, record: dict[str, Any]) -> None:
    """Writes `config.json` whole.

    Raises:
      StorageError: it cannot be written.
    """
    write_text(Path(workdir) / "config.json", json.dumps(record, indent=1), ADVICE)


def check_same_run(workdir: Path, record: dict[str, Any]) -> None:
    """Refuses to resume a run under other settings or on other data; a workdir without checkpoints accepts anything.

    `training.steps` may change only where the learning rate does not depend on it (every schedule but cosine).

    Raises:
      ConfigError: names the settings that differ.
    """
    old = _saved_record(Path(workdir))
    if old is None:
        return
    before, now = (dict(_dotted(r.get("experiment", {}))) for r in (old, record))
    free = set(_FREE)
    if now.get("optimizer.schedule") != "cosine":
        free.add("training.steps")
    names = [k for k in sorted(before.keys() | now.keys()) if before.get(k) != now.get(k) and k not in free]
    if names:
        shown = ", ".join(f"{k} ({before.get(k)} then, {now.get(k)} now)" for k in names[:4])
        shown += f" and {len(names) - 4} more" if len(names) > 4 else ""
        why = " (a cosine schedule depends on the number of steps)" if "training.steps" in names else ""
        raise ConfigError(
            f"'{workdir}' holds a run with other settings: {shown}{why}; use those, or choose another --workdir "
            "(--training.initial-weights takes the old weights along)"
        )
    prints = [{k: v for k, v in r.get("data", {}).items() if k.endswith("fingerprint")} for r in (old, record)]
    if prints[0] != prints[1]:
        raise ConfigError(f"'{workdir}' holds a run on other data: give the same --data, or choose another --workdir")


def _saved_record(workdir: Path) -> dict[str, Any] | None:
    """The settings of the run whose checkpoints lie in `workdir`; None if there are no checkpoints."""
    checkpoints = sorted((workdir / "checkpoints").glob("[0-9]*"), reverse=True)
    if not checkpoints:
        return None
    with contextlib.suppress(CheckpointError):
        return read_record(workdir)
    for folder in checkpoints:
        with contextlib.suppress(CheckpointError, KeyError):
            return read_folder_record(folder)["config"]
    raise CheckpointError(
        f"'{workdir}' holds checkpoints, but neither config.json nor any of them can be read: restore a copy, or "
        "choose another --workdir"
    )


def _dotted(tree: dict[str, Any], prefix: str = "") -> list[tuple[str, Any]]:
    rows: list[tuple[str, Any]] = []
    for key, value in tree.items():
        rows += _dotted(value, f"{prefix}{key}.") if isinstance(value, dict) else [(prefix + key, value)]
    return rows


def read_experiment(settings: dict[str, Any], kind: type[Experiment]) -> Experiment:
    """Settings of a `config.json` as the dataclass of their system.

    Raises:
      ConfigError: a setting this version does not know, or of the wrong type.
    """
    return parsed(kind, settings)
