"""A workdir's `config.json`: resolved settings, their hash, versions, data fingerprint; and whether a run may go on in it."""

import dataclasses
import hashlib
import importlib.metadata
import json
import os
import sys
from pathlib import Path
from typing import Any

from lcjax.configs import Experiment
from lcjax.errors import ConfigError
from lcjax.training.checkpoint import storage_guard
from lcjax.version import __version__

_FREE = {
    "training.log_every",
    "training.keep_checkpoints",
    "training.debug_nans",
    "training.max_bad_steps",
    "training.initial_weights",
}
"""Settings that may differ when a run is resumed: they change nothing that is computed."""


def experiment_record(experiment: Experiment, **more: Any) -> dict[str, Any]:
    """What `config.json` holds: settings, hash, versions, and whatever the caller adds (data, preset, ...)."""
    settings = json.loads(json.dumps(dataclasses.asdict(experiment)))
    text = json.dumps(settings, sort_keys=True)
    packages = ("jax", "jaxlib", "flax", "optax", "orbax-checkpoint", "numpy")
    return {
        "system": experiment.system,
        "experiment": settings,
        "config_hash": hashlib.sha256(text.encode()).hexdigest()[:16],
        "versions": {
            "lcjax": __version__,
            "python": sys.version.split()[0],
            **{name: importlib.metadata.version(name) for name in packages},
        },
        **more,
    }


def write_config(workdir: Path, record: dict[str, Any]) -> None:
    """Writes `config.json` whole."""
    path = Path(workdir) / "config.json"
    with storage_guard(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_suffix(".partial")
        temporary.write_text(json.dumps(record, indent=1))
        os.replace(temporary, path)


def check_same_run(workdir: Path, record: dict[str, Any]) -> None:
    """Refuses to resume a run under other settings or on other data.

    The number of steps may grow only where the learning rate does not depend on it.

    Raises:
      ConfigError: names the settings that differ.
    """
    path = Path(workdir) / "config.json"
    if not path.exists():
        return
    try:
        old = json.loads(path.read_text())
        before, now = (dict(_dotted(r["experiment"])) for r in (old, record))
    except (ValueError, KeyError, OSError) as error:
        raise ConfigError(f"'{path}' cannot be read ({error}): choose another --workdir") from error
    free = set(_FREE)
    if now.get("optimizer.schedule") != "cosine":
        free.add("training.steps")
    names = [k for k in sorted(before.keys() | now.keys()) if before.get(k) != now.get(k) and k not in free]
    if names:
        shown = ", ".join(f"{k} ({before.get(k)} then, {now.get(k)} now)" for k in names[:4])
        raise ConfigError(
            f"'{workdir}' holds a run with other settings: {shown}; use those, or choose another --workdir "
            "(--training.initial-weights takes the old weights along)"
        )
    if old.get("data", {}).get("fingerprint") != record.get("data", {}).get("fingerprint"):
        raise ConfigError(f"'{workdir}' holds a run on other data: give the same --data, or choose another --workdir")


def _dotted(tree: dict[str, Any], prefix: str = "") -> list[tuple[str, Any]]:
    rows: list[tuple[str, Any]] = []
    for key, value in tree.items():
        rows += _dotted(value, f"{prefix}{key}.") if isinstance(value, dict) else [(prefix + key, value)]
    return rows


def read_experiment(settings: dict[str, Any], kind: type[Experiment]) -> Experiment:
    """Settings of a `config.json` as the dataclass of their system.

    Raises:
      ConfigError: a setting this version does not know.
    """

    def build(cls: type, values: dict[str, Any]) -> Any:
        fields = {f.name: f for f in dataclasses.fields(cls)}
        unknown = sorted(set(values) - set(fields))
        if unknown:
            raise ConfigError(f"saved settings hold '{unknown[0]}', which this version of lcjax does not know")
        ready = {}
        for name, value in values.items():
            kind_of = fields[name].type
            if isinstance(value, dict) and dataclasses.is_dataclass(kind_of):
                value = build(kind_of, value)
            elif isinstance(value, list):
                value = tuple(value)
            ready[name] = value
        return cls(**ready)

    return build(kind, settings)
