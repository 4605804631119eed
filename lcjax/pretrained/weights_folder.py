"""Imported weights and the folder that holds them.

A weights folder has `config.json` (as in a workdir, and where the weights came from), `weights.safetensors` (flat
dotted names) and `best/`, the same arrays as a checked checkpoint, so that the folder serves wherever a workdir does.
"""

import dataclasses
import hashlib
import json
from pathlib import Path
from typing import Any

import jax
import numpy as np
import safetensors
from safetensors.numpy import load as parse_safetensors
from safetensors.numpy import save as format_safetensors

from lcjax.configs import Experiment
from lcjax.errors import CheckpointError, StorageError, WeightsError
from lcjax.files import new_folder
from lcjax.training.checkpoint import save_variables
from lcjax.training.checkpoint_io import flatten, nest
from lcjax.training.workdir import experiment_record, read_record, write_config
from lcjax.typing import PyTree

ARRAYS = "weights.safetensors"
_OURS = {"config.json", ARRAYS, "best"}


@dataclasses.dataclass(frozen=True)
class ImportedWeights:
    """What an importer hands over."""

    experiment: Experiment
    variables: PyTree
    """As numpy arrays."""
    source: Path
    """Prefix or file they were read from."""
    settings_file: Path | None
    ignored: list[str]
    """Names in the source that are no weights."""
    notes: list[str]
    """Sentences the user should read."""
    rows: dict[str, str] = dataclasses.field(default_factory=dict)
    """What the command line shows of the network: name -> text."""

    @property
    def parameters(self) -> int:
        """Number of trained numbers."""
        return count_parameters(self.variables)

    def summary(self, family: str, out: Path) -> dict[str, str]:
        """What there is to say of it, name -> text, once it is written to `out`."""
        settings = self.settings_file.name if self.settings_file else "none found"
        return {
            "family": f"{family}, exactly as published (parity)",
            "read from": f"{self.source} (settings: {settings})",
            "parameters": f"{self.parameters:,}",
            **self.rows,
            "left out": _shortened(self.ignored),
            "written": f"{out / 'config.json'}, {ARRAYS}, best/",
        }


def _shortened(names: list[str], most: int = 6) -> str:
    """Names in a row, the first ones if they are many.

    >>> _shortened(["a", "b", "c"], 2), _shortened([])
    ('a, b and 1 more (config.json has all)', 'nothing')
    """
    more = f" and {len(names) - most} more (config.json has all)" if len(names) > most else ""
    return (", ".join(names[:most]) or "nothing") + more


def count_parameters(variables: PyTree) -> int:
    """Numbers under `params`.

    >>> count_parameters({"params": {"kernel": np.zeros((2, 3))}, "batch_stats": {"mean": np.zeros(9)}})
    6
    """
    return sum(int(np.size(leaf)) for leaf in jax.tree.leaves(variables["params"]))


def flat_names(variables: PyTree) -> dict[str, np.ndarray]:
    """Variables under flat dotted names, as `weights.safetensors` has them.

    >>> list(flat_names({"params": {"head": {"bias": np.zeros(1)}}}))
    ['params.head.bias']
    """
    return {name.replace("/", "."): np.asarray(leaf, order="C") for name, leaf in flatten(variables).items()}


def arrays_sha256(variables: PyTree) -> str:
    """Hash of names, shapes and float32 values, whatever file they came from.

    >>> arrays_sha256({"params": {"bias": np.zeros(1)}}) == arrays_sha256({"params": {"bias": np.zeros(1, np.float32)}})
    True
    """
    digest = hashlib.sha256()
    for name, value in sorted(flat_names(variables).items()):
        digest.update(f"{name} {value.shape}\n".encode())
        digest.update(value.astype("<f4").tobytes())
    return digest.hexdigest()


def write_weights(out: Path | str, imported: ImportedWeights, name: str | None = None) -> dict[str, Any]:
    """Writes a weights folder, whole or not at all, and returns its record. An earlier import there is replaced.

    Raises:
      StorageError: `out` cannot be written, or holds something else.
    """
    out = Path(out)
    check_free(out)
    arrays = format_safetensors(flat_names(imported.variables))
    record = experiment_record(
        imported.experiment,
        weights={
            "name": name,
            "file": ARRAYS,
            "sha256": hashlib.sha256(arrays).hexdigest(),
            "parameters": imported.parameters,
            "source": imported.source.name,
            "source_sha256": _source_hashes(imported.source),
            "ignored": imported.ignored,
            "notes": imported.notes,
        },
    )
    with new_folder(out) as temporary:
        (temporary / ARRAYS).write_bytes(arrays)
        save_variables(temporary / "best", imported.variables, {"config": record})
        write_config(temporary, record)
    return record


def check_free(out: Path) -> None:
    """Makes sure that writing weights to `out` destroys nothing but an earlier import.

    Raises:
      StorageError: it would.
    """
    check_free_of_others(out, _OURS)
    if out.is_dir() and any(out.iterdir()) and not _is_import(out):
        raise StorageError(f"folder '{out}' holds other things: give a folder that is new or empty")


def check_free_of_others(out: Path, ours: set[str]) -> None:
    """Makes sure that `out` is new, empty, or holds nothing but files of these names.

    Raises:
      StorageError: it holds something else.
    """
    if not out.exists():
        return
    if not out.is_dir():
        raise StorageError(f"'{out}' is a file: give a folder that is new or empty")
    other = min({path.name for path in out.iterdir()} - ours, default=None)
    if other:
        raise StorageError(f"folder '{out}' holds other things ('{other}'): give a folder that is new or empty")


def _is_import(folder: Path) -> bool:
    try:
        return "weights" in json.loads((folder / "config.json").read_text())
    except (OSError, ValueError, TypeError, RecursionError):
        return False


def _source_hashes(prefix: Path) -> dict[str, str]:
    files = [prefix] if prefix.is_file() else sorted(prefix.parent.glob(f"{prefix.name}.*"))
    return {f.name: hashlib.sha256(f.read_bytes()).hexdigest() for f in files if f.is_file()}


def read_weights(folder: Path | str) -> tuple[dict[str, Any], PyTree]:
    """Record and variables (numpy) of a weights folder, from `config.json` and `weights.safetensors` alone.

    Raises:
      WeightsError: a file is missing, unreadable or changed.
    """
    folder = Path(folder)
    try:
        record = read_record(folder)
    except CheckpointError as error:
        raise WeightsError(str(error)) from error
    try:
        data = (folder / ARRAYS).read_bytes()
    except OSError as error:
        raise WeightsError(f"'{folder}' is not a readable weights folder: {error}") from error
    about = record.get("weights", {})
    promised = about.get("sha256") if isinstance(about, dict) else None
    if promised is not None and hashlib.sha256(data).hexdigest() != promised:
        raise WeightsError(
            f"'{folder / ARRAYS}' has changed since it was written: import or download the weights again"
        )
    try:
        flat = parse_safetensors(data)
    except (safetensors.SafetensorError, ValueError) as error:
        raise WeightsError(
            f"'{folder / ARRAYS}' cannot be read: {error}; import or download the weights again"
        ) from error
    return record, nest(flat, ".")
