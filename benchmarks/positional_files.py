"""Finished runs of the positional study as files, by which an interrupted study goes on."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from benchmarks.harness import plain
from benchmarks.positional_scores import Runs
from lcjax.errors import ConfigError
from lcjax.files import write_text


def run_file(folder: Path, variant: str, seed: int) -> Path:
    """Where the run of a variant from a seed is, once it is finished."""
    return folder / f"{variant}-{seed}.json"


def keep(folder: Path, variant: str, record: Mapping[str, Any]) -> None:
    """Writes a finished run, whole or not at all.

    Raises:
      StorageError: it cannot be written.
    """
    write_text(run_file(folder, variant, record["seed"]), json.dumps(plain(record), indent=1))


def finished(folder: Path, variants: Iterable[str]) -> Runs:
    """All finished runs of the named variants.

    Raises:
      ConfigError: a file that cannot be read.
    """
    found: dict[str, dict[int, dict[str, Any]]] = {}
    for name in variants:
        for path in sorted(folder.glob(f"{name}-*.json")):
            try:
                record = json.loads(path.read_text())
                found.setdefault(name, {})[int(record["seed"])] = record
            except (ValueError, KeyError, TypeError) as error:
                raise ConfigError(f"'{path}' is no finished run ({error}): delete it, and it is run again") from error
    return found
