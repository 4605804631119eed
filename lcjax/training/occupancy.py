"""Who is at work in a workdir, and whether its run has come to an end.

`.lock` is held by the operating system for the process that trains (`flock`): it is free again however that process
ended. `unfinished.json` is there from the first update of a run to its end, whoever stopped it in between.
"""

import contextlib
import json
import os
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from lcjax.errors import ConfigError
from lcjax.files import storage_errors, take_lock, write_text
from lcjax.training.checkpoint_io import ADVICE

LOCK, UNFINISHED = ".lock", "unfinished.json"


@contextlib.contextmanager
def occupied(workdir: Path) -> Iterator[None]:
    """Holds the workdir for this training alone.

    Raises:
      ConfigError: another training is at work there. StorageError: the workdir cannot be written.
    """
    path = Path(workdir) / LOCK
    with storage_errors(workdir, ADVICE):
        path.parent.mkdir(parents=True, exist_ok=True)
        file = open(path, "a+")  # noqa: SIM115 (closed below; not in a `with`, whose errors would count as refused writes)
    with file:
        if not take_lock(file.fileno()):
            file.seek(0)
            who = file.read().strip() or "of unknown number"
            raise ConfigError(
                f"another training is at work in '{workdir}' (process {who}): wait for its end, stop it, or choose "
                "another --workdir"
            )
        file.truncate(0)
        file.write(f"{os.getpid()} on {socket.gethostname()}")
        file.flush()
        yield


def mark_unfinished(workdir: Path, step: int, last: int, why: str) -> None:
    """Writes `unfinished.json`: how far the run has come (as far as is saved), and why it is not at its end.

    Raises:
      StorageError: it cannot be written.
    """
    content: dict[str, Any] = {
        "status": why,
        "saved_updates": step,
        "of": last,
        "when": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "go_on": "the same command goes on from there",
    }
    write_text(Path(workdir) / UNFINISHED, json.dumps(content, indent=1), ADVICE)


def mark_finished(workdir: Path) -> None:
    """Removes `unfinished.json`."""
    (Path(workdir) / UNFINISHED).unlink(missing_ok=True)
