"""Checkpoints: named by the number of finished updates, checked on reading, replaced by the one before when damaged."""

import shutil
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from lcjax.errors import CheckpointError, ConfigError
from lcjax.files import storage_errors
from lcjax.training.checkpoint_io import ADVICE, nest, read_folder, replaced, unflatten_like, write_folder
from lcjax.training.workdir import read_record
from lcjax.typing import PyTree


def warn(text: str) -> None:
    """Tells of damage where there is no progress display."""
    warnings.warn(text, stacklevel=3)


class CheckpointStore:
    """The `checkpoints/` folder of a workdir: save, prune, and restore the newest sound one."""

    def __init__(self, workdir: Path, keep: int = 3) -> None:
        """`keep`: how many to leave on disk."""
        self.folder = Path(workdir) / "checkpoints"
        self.keep = max(keep, 1)

    def steps(self) -> list[int]:
        """Finished updates of the checkpoints on disk, ascending."""
        if not self.folder.is_dir():
            return []
        return sorted(int(p.name) for p in self.folder.iterdir() if p.is_dir() and p.name.isdigit())

    def path(self, step: int) -> Path:
        """Folder of one checkpoint."""
        return self.folder / f"{step:08d}"

    def save(self, step: int, state: PyTree, record: dict[str, Any]) -> None:
        """Writes a checkpoint and removes the oldest beyond `keep`. Process 0 only."""
        write_folder(self.path(step), state, {"step": step, **record})
        for old in self.steps()[: -self.keep]:
            shutil.rmtree(self.path(old), ignore_errors=True)

    def restore_newest(
        self, template: PyTree, say: Callable[[str], None] = warn
    ) -> tuple[PyTree, dict[str, Any]] | None:
        """The newest sound checkpoint as (host state, record); None if the workdir has none. Changes nothing on disk.

        Args:
          template: what the state must look like: names, shapes, dtypes. say: told of every damaged one.

        Raises:
          CheckpointError: there are checkpoints and none can be read. Never starts over silently.
        """
        for folder, flat, record in _sound(self, say):
            return unflatten_like(template, flat, folder), record
        return None

    def clean(self, step: int) -> None:
        """Before a run goes on from `step`: sets later, damaged checkpoints aside, sweeps up interrupted writes."""
        with storage_errors(self.folder, ADVICE):
            for later in (s for s in self.steps() if s > step):
                aside = self.folder / f"{later:08d}.damaged"
                shutil.rmtree(aside, ignore_errors=True)
                self.path(later).rename(aside)
            for parent in (self.folder, self.folder.parent):
                for leftover in parent.glob(".*.partial"):
                    shutil.rmtree(leftover) if leftover.is_dir() else leftover.unlink()
                for old in parent.glob(".*.replaced"):
                    target = parent / old.name.removeprefix(".").removesuffix(".replaced")
                    shutil.rmtree(old) if target.exists() else old.rename(target)


def _sound(store: CheckpointStore, say: Callable[[str], None]) -> Iterator[tuple[Path, dict, dict]]:
    """The newest checkpoint that can be read, if there are any.

    Raises:
      CheckpointError: there are some, and none can be read.
    """
    first = None
    for step in reversed(store.steps()):
        try:
            flat, record = read_folder(store.path(step))
        except CheckpointError as error:
            first = first or error
            say(f"{error}; falling back to the checkpoint before it")
            continue
        yield store.path(step), flat, record
        return
    if first:
        raise CheckpointError(
            f"none of the checkpoints in '{store.folder}' can be read ({first}): restore a copy, or choose a new "
            "--workdir to start over"
        )


def save_variables(folder: Path, variables: PyTree, record: dict[str, Any] | None = None) -> None:
    """Writes variables alone (best weights, imported weights) as one checked folder."""
    write_folder(Path(folder), variables, record or {})


def restore_variables(
    workdir: Path | str, which: str = "best", say: Callable[[str], None] = warn
) -> tuple[dict[str, Any], PyTree]:
    """Settings record and variables of a workdir, as numpy arrays.

    Args:
      workdir: a folder `lcjax train` wrote.
      which: `best` (averaged or else last weights if no evaluation was made), `latest`, or `ema` (averaged).
      say: told where `best` means the last weights, and of damaged checkpoints.

    Raises:
      ConfigError: no such `which`. CheckpointError: not a workdir, or nothing sound in it, or no averaged weights, or
        the best weights are damaged or gone.
    """
    if which not in ("best", "latest", "ema"):
        raise ConfigError(f"there are no '{which}' weights in a workdir: choose best, latest or ema")
    workdir = Path(workdir)
    config = read_record(workdir)
    best = workdir / "best"
    instead = "restore a copy of it, or ask for the newest weights, which are others, as 'latest' (--which latest)"
    if which == "best" and (best.is_dir() or replaced(best).is_dir()):
        try:
            return config, nest(read_folder(best)[0])
        except CheckpointError as error:
            raise CheckpointError(f"the best weights cannot be read ({error}): {instead}") from error
    for folder, flat, record in _sound(CheckpointStore(workdir), say):
        if which == "best":
            kept = record.get("progress", {}).get("best", {})
            if kept:
                raise CheckpointError(f"'{best}', the best weights (of step {kept.get('step')}), is gone: {instead}")
            say(
                f"no evaluation has chosen the best weights in '{workdir}' yet: these are the newest, of '{folder.name}'"
            )
        parts = {
            part: {k.removeprefix(f"{part}/"): v for k, v in flat.items() if k.startswith(f"{part}/")}
            for part in ("params", "ema", "model_state")
        }
        if which == "ema" and not parts["ema"]:
            raise CheckpointError(f"checkpoint '{folder}' has no averaged weights: the run had no --training.ema-decay")
        params = parts["ema"] if parts["ema"] and which != "latest" else parts["params"]
        return config, {"params": nest(params), **nest(parts["model_state"])}
    raise CheckpointError(f"'{workdir}' holds no checkpoint yet: train it first")
