"""A folder of named arrays and a JSON record that is either whole or noticed to be broken.

Orbax writes the arrays under flat names (`params/block_0/query/kernel`); `progress.json` holds the caller's record, the
sha256 of every other file and a seal over itself. The folder appears under its name only when complete. Process 0
writes whole host copies and every process reads: no collective hides in here, and any number of devices may read.
"""

import hashlib
import json
import logging
import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import jax
import numpy as np
import orbax.checkpoint as ocp

from lcjax.errors import CheckpointError
from lcjax.files import storage_errors
from lcjax.training.tree_paths import path_name
from lcjax.typing import PyTree

_ARRAYS, _PROGRESS = "arrays", "progress.json"
ADVICE = "make room or choose another --workdir (what was saved before is intact: the same command goes on from there)"
"""What to do when a workdir cannot be written."""


def _one_process() -> ocp.options.MultiprocessingOptions:
    me = jax.process_index()
    return ocp.options.MultiprocessingOptions(
        primary_host=me, active_processes={me}, barrier_sync_key_prefix=f"lcjax{me}"
    )


@contextmanager
def _checkpointer() -> Iterator[ocp.Checkpointer]:
    options = _one_process()
    handler = ocp.PyTreeCheckpointHandler(multiprocessing_options=options)
    log = logging.getLogger("absl")
    before = log.level
    log.setLevel(logging.CRITICAL)  # orbax logs whole tracebacks of errors that it raises as well
    try:
        with ocp.Checkpointer(handler, multiprocessing_options=options) as checkpointer:
            yield checkpointer
    finally:
        log.setLevel(before)


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
                f"array '{name}' of checkpoint '{where}' is {value.dtype}{value.shape}; the model has "
                f"{leaf.dtype}{leaf.shape}"
            )
        leaves.append(value)
    return jax.tree_util.tree_unflatten(treedef, leaves)


def _hashes(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != _PROGRESS
    }


def _seal(record: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(record, sort_keys=True).encode()).hexdigest()


def replaced(target: Path) -> Path:
    """Where the old folder waits for the instant between the two renames that put a new one in its place."""
    return target.parent / f".{target.name}.replaced"


def _reserve(folder: Path, size: int) -> None:
    """Reserves `size` bytes in a folder and gives them back: a full disk shows here, not in the threads of orbax.

    Raises:
      OSError: there is no room, or the folder cannot be written.
    """
    path = folder / f".room.{os.getpid()}"
    try:
        with open(path, "wb") as file:
            if sys.platform.startswith("linux"):
                os.posix_fallocate(file.fileno(), 0, size)
            else:
                file.write(bytes(size))
    finally:
        path.unlink(missing_ok=True)


def write_folder(target: Path, tree: PyTree, record: dict[str, Any]) -> None:
    """Writes `tree` (host arrays) and `record` as `target`, replacing it only when complete. Process 0 only.

    Raises:
      StorageError: there is no room, or the folder cannot be written.
    """
    temporary = target.parent / f".{target.name}.{os.getpid()}.partial"
    flat = {name: np.asarray(leaf) for name, leaf in flatten(tree).items()}
    size = sum(leaf.nbytes for leaf in flat.values()) + 2**16
    with storage_errors(target, ADVICE):
        try:
            temporary.mkdir(parents=True)
            _reserve(temporary, size)
            try:
                _write_arrays(temporary.resolve() / _ARRAYS, flat)
            except Exception:
                # Orbax has errors of its own for a disk that filled up meanwhile; the disk itself says it clearly.
                _reserve(temporary, size)
                raise
            record = {**record, "sha256": _hashes(temporary)}
            with open(temporary / _PROGRESS, "w") as file:
                json.dump({**record, "seal": _seal(record)}, file, indent=1)
                file.flush()
                os.fsync(file.fileno())
            if target.exists():
                target.rename(replaced(target))
            temporary.rename(target)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)
            if target.exists():
                shutil.rmtree(replaced(target), ignore_errors=True)


def _write_arrays(path: Path, flat: dict[str, np.ndarray]) -> None:
    with _checkpointer() as checkpointer:
        checkpointer.save(path, args=ocp.args.PyTreeSave(flat))


def read_folder_record(folder: Path) -> dict[str, Any]:
    """The record of a checkpoint with the hashes of its files under `sha256`; its seal is checked, the files are not.

    Raises:
      CheckpointError: it cannot be read, or has changed since it was written.
    """
    try:
        record = json.loads((folder / _PROGRESS).read_text())
        intact = record.pop("seal") == _seal(record)
        if not isinstance(record["sha256"], dict):
            raise ValueError("its hashes are no table")
    except (OSError, ValueError, KeyError, AttributeError, TypeError, RecursionError) as error:
        raise CheckpointError(f"checkpoint '{folder}' has no readable {_PROGRESS} ({error})") from error
    if not intact:
        raise CheckpointError(f"checkpoint '{folder}' is damaged: '{_PROGRESS}' has changed since it was written")
    return record


def read_folder(folder: Path) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """The flat arrays and record of a checkpoint, every file checked.

    Raises:
      CheckpointError: a file is missing, has changed since it was written, or cannot be read.
    """
    if not folder.exists() and replaced(folder).exists():
        folder = replaced(folder)  # killed between the two renames of `write_folder`
    record = read_folder_record(folder)
    expected = record.pop("sha256")
    try:
        found = _hashes(folder)
    except OSError as error:
        raise CheckpointError(f"checkpoint '{folder}' cannot be read ({error})") from error
    damaged = sorted(name for name in expected if found.get(name) != expected[name])
    if damaged:
        how = "is missing" if damaged[0] not in found else "has changed since it was written"
        raise CheckpointError(f"checkpoint '{folder}' is damaged: '{damaged[0]}' {how}")
    try:
        with _checkpointer() as checkpointer:
            path = folder.resolve() / _ARRAYS
            names = checkpointer.metadata(path).item_metadata.tree
            # As numpy: no memory of the mesh that wrote it.
            as_numpy = jax.tree.map(lambda _: ocp.RestoreArgs(restore_type=np.ndarray), names)
            flat = checkpointer.restore(path, args=ocp.args.PyTreeRestore(restore_args=as_numpy))
    except Exception as error:
        raise CheckpointError(f"checkpoint '{folder}' cannot be read: {error}") from error
    return {name: np.asarray(value) for name, value in flat.items()}, record


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
