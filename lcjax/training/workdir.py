"""A workdir's `config.json`: resolved settings, their hash, versions, data fingerprint; and who may go on in it."""

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
from lcjax.training.checkpoint_io import ADVICE
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
}
"""Settings that may differ when a run is resumed: they say when to report or stop, where to compute and what may be asked, not
what is learned.

On another topology sums round differently, so only the same `parallel` and `mesh` go on bit for bit.
"""


def experiment_record(experiment: Experiment, **more: Any) -> dict[str, Any]:
    """What `config.json` holds: settings, hash, versions, and what the caller adds (data, preset, ...)."""
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
    for path in (workdir / "config.json", *(c / "progress.json" for c in checkpoints)):
        try:
            record = json.loads(path.read_text())
            return record if path.name == "config.json" else record["config"]
        except (ValueError, KeyError, OSError):
            continue
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
            ready[name] = _as_tuples(value)
        return cls(**ready)

    return build(kind, settings)


def _as_tuples(value: Any) -> Any:
    """Lists of JSON, nested ones too, as the tuples they were saved from."""
    return tuple(map(_as_tuples, value)) if isinstance(value, list) else value
