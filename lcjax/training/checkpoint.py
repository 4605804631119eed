"""Checkpoints: written whole or not at all, checked on reading, named by the number of finished updates.

A checkpoint is a folder `checkpoints/<step>` with orbax arrays under flat names (`params/block_0/query/kernel`) and
`progress.json`, which holds the reader's position, host counters and the sha256 of every array file. A folder appears
under its name only when complete; a damaged one is passed over, loudly, for the one before.
"""

import hashlib
import json
import os
import shutil
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import jax
import numpy as np
import orbax.checkpoint as ocp

from lcjax.errors import CheckpointError, StorageError
from lcjax.training.parallel import path_name
from lcjax.typing import PyTree

_ARRAYS, _PROGRESS = "arrays", "progress.json"


@contextmanager
def storage_guard(where: Path) -> Iterator[None]:
    """Turns refused writes under `where` into one sentence."""
    try:
        yield
    except OSError as error:
        raise StorageError(
            f"cannot write '{where}': {error.strerror or error}; free space or choose another --workdir, then run the "
            "same command again to resume from the last checkpoint"
        ) from error
    except ValueError as error:
        # tensorstore reports a full or read-only disk as ValueError.
        if any(word in str(error) for word in ("No space left", "RESOURCE_EXHAUSTED", "PERMISSION_DENIED", "File too large")):
            raise StorageError(f"cannot write '{where}': {str(error).splitlines()[0][:200]}") from error
        raise


def flatten(tree: PyTree) -> dict[str, Any]:
    """Tree -> {path: leaf}."""
    return {path_name(path): leaf for path, leaf in jax.tree_util.tree_flatten_with_path(tree)[0]}


def unflatten_like(template: PyTree, flat: dict[str, np.ndarray], where: Path) -> PyTree:
    """{path: leaf} -> a tree like `template`.

    Raises:
      CheckpointError: names, shapes or dtypes differ from the template.
    """
    paths, treedef = jax.tree_util.tree_flatten_with_path(template)
    names = [path_name(path) for path, _ in paths]
    if set(names) != set(flat):
        odd = sorted(set(names) ^ set(flat))
        raise CheckpointError(
            f"checkpoint '{where}' belongs to another model: it differs in {len(odd)} arrays, first '{odd[0]}'"
        )
    leaves = []
    for name, (_, leaf) in zip(names, paths, strict=True):
        value = flat[name]
        if tuple(value.shape) != tuple(leaf.shape) or value.dtype != leaf.dtype:
            raise CheckpointError(
                f"array '{name}' of checkpoint '{where}' is {value.dtype}{value.shape}; the model has {leaf.dtype}{leaf.shape}"
            )
        leaves.append(value)
    return jax.tree_util.tree_unflatten(treedef, leaves)


def _hashes(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != _PROGRESS
    }


def write_folder(target: Path, tree: PyTree, record: dict[str, Any]) -> None:
    """Writes `tree` (host arrays) and `record` as `target`, replacing it only when complete. Process 0 only."""
    with storage_guard(target):
        temporary = target.parent / f".{target.name}.{os.getpid()}.partial"
        try:
            temporary.mkdir(parents=True)
            flat = {name: np.asarray(leaf) for name, leaf in flatten(tree).items()}
            # Process 0 alone holds and writes host arrays: no collective inside orbax.
            options = ocp.options.MultiprocessingOptions(
                primary_host=jax.process_index(), active_processes={jax.process_index()}, barrier_sync_key_prefix="lcjax"
            )
            handler = ocp.PyTreeCheckpointHandler(multiprocessing_options=options)
            with ocp.Checkpointer(handler, multiprocessing_options=options) as checkpointer:
                checkpointer.save(temporary.resolve() / _ARRAYS, args=ocp.args.PyTreeSave(flat))
            text = json.dumps({**record, "sha256": _hashes(temporary)}, indent=1)
            with open(temporary / _PROGRESS, "w") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            if target.exists():
                shutil.rmtree(target)
            temporary.rename(target)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)


def read_folder(folder: Path) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """The flat arrays and record of a checkpoint, every file checked.

    Raises:
      CheckpointError: a file is missing, has changed since it was written, or cannot be read.
    """
    try:
        record = json.loads((folder / _PROGRESS).read_text())
        expected = record.pop("sha256")
        found = _hashes(folder)
    except (OSError, ValueError, KeyError) as error:
        raise CheckpointError(f"checkpoint '{folder}' has no readable {_PROGRESS} ({error})") from error
    damaged = sorted(name for name in expected if found.get(name) != expected[name])
    if damaged:
        how = "is missing" if damaged[0] not in found else "has changed since it was written"
        raise CheckpointError(f"checkpoint '{folder}' is damaged: '{damaged[0]}' {how}")
    try:
        options = ocp.options.MultiprocessingOptions(
            primary_host=jax.process_index(), active_processes={jax.process_index()}, barrier_sync_key_prefix="lcjax"
        )
        handler = ocp.PyTreeCheckpointHandler(multiprocessing_options=options)
        with ocp.Checkpointer(handler, multiprocessing_options=options) as checkpointer:
            path = folder.resolve() / _ARRAYS
            names = checkpointer.metadata(path).item_metadata.tree
            # As numpy: no memory of the mesh that wrote it, so any device count may read it.
            as_numpy = jax.tree.map(lambda _: ocp.RestoreArgs(restore_type=np.ndarray), names)
            flat = checkpointer.restore(path, args=ocp.args.PyTreeRestore(restore_args=as_numpy))
    except Exception as error:
        raise CheckpointError(f"checkpoint '{folder}' cannot be read: {error}") from error
    return {name: np.asarray(value) for name, value in flat.items()}, record


class CheckpointStore:
    """The `checkpoints/` folder of a workdir: save, prune, and restore the newest sound one."""

    def __init__(self, workdir: Path, keep: int = 3) -> None:
        """`keep`: how many to leave on disk."""
        self.folder = Path(workdir) / "checkpoints"
        self.keep = keep

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

    def restore_newest(self, template: PyTree) -> tuple[PyTree, dict[str, Any]] | None:
        """The newest sound checkpoint as (host state, record); None if the workdir has none.

        Raises:
          CheckpointError: there are checkpoints and none can be read. Never starts over silently.
        """
        steps = self.steps()
        problems = []
        for step in reversed(steps):
            try:
                flat, record = read_folder(self.path(step))
                state = unflatten_like(template, flat, self.path(step))
            except CheckpointError as error:
                problems.append(str(error))
                warnings.warn(f"{error}; falling back to the checkpoint before it", stacklevel=2)
                continue
            for later in (s for s in steps if s > step):
                broken = self.folder / f"{later:08d}.damaged"
                shutil.rmtree(broken, ignore_errors=True)
                self.path(later).rename(broken)
            return state, record
        if steps:
            raise CheckpointError(
                f"none of the {len(steps)} checkpoints in '{self.folder}' can be read ({problems[0]}); restore a copy, or "
                "choose a new --workdir to start over"
            )
        return None


def save_variables(folder: Path, variables: PyTree, record: dict[str, Any] | None = None) -> None:
    """Writes variables alone (best weights, imported weights) as one checked folder."""
    write_folder(Path(folder), variables, record or {})


def restore_variables(workdir: Path | str, which: str = "best") -> tuple[dict[str, Any], PyTree]:
    """Settings record and variables of a workdir, as numpy arrays.

    Args:
      workdir: a folder `lcjax train` wrote.
      which: `best` (falls back to the newest checkpoint if no evaluation was made), `latest`, or `ema`.

    Raises:
      CheckpointError: not a workdir, or nothing sound in it.
    """
    workdir = Path(workdir)
    try:
        config = json.loads((workdir / "config.json").read_text())
    except (OSError, ValueError) as error:
        raise CheckpointError(f"'{workdir}' is not a workdir: no readable config.json ({error})") from error
    if which == "best" and (workdir / "best").is_dir():
        try:
            return config, nest(read_folder(workdir / "best")[0])
        except CheckpointError as error:
            warnings.warn(f"{error}; taking the newest checkpoint instead", stacklevel=2)
    store = CheckpointStore(workdir)
    for step in reversed(store.steps()):
        try:
            flat, _ = read_folder(store.path(step))
        except CheckpointError as error:
            warnings.warn(f"{error}; falling back to the checkpoint before it", stacklevel=2)
            continue
        averaged = {k.removeprefix("ema/"): v for k, v in flat.items() if k.startswith("ema/")}
        params = {k.removeprefix("params/"): v for k, v in flat.items() if k.startswith("params/")}
        state = nest({k.removeprefix("model_state/"): v for k, v in flat.items() if k.startswith("model_state/")})
        chosen = averaged if averaged and which != "latest" else params
        return config, {"params": nest(chosen), **state}
    raise CheckpointError(f"'{workdir}' holds no checkpoint that can be read: train it first")


def nest(flat: dict[str, Any], separator: str = "/") -> dict[str, Any]:
    """{"a/b": x} -> {"a": {"b": x}}.

    >>> nest({"a/b": 1, "a/c": 2})
    {'a': {'b': 1, 'c': 2}}
    """
    tree: dict[str, Any] = {}
    for name, value in flat.items():
        node = tree
        *parents, leaf = name.split(separator)
        for part in parents:
            node = node.setdefault(part, {})
        node[leaf] = value
    return tree
