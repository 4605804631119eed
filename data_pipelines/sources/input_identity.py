"""Which input a command was given: whether files are those of before is told by their names, sizes and times."""

import hashlib
import os
from collections.abc import Sequence
from pathlib import Path

from data_pipelines.sources.folders import files_below
from lcjax.files import is_left_over, printable


def input_identity(inputs: Sequence[str], but: Sequence[Path]) -> str:
    """A digest of names, sizes and times of all files that a command reads; `but`: those that it writes."""
    digest = hashlib.sha256()
    own = {os.path.realpath(path) for path in but}  # `resolve` refuses links to themselves
    for path in map(Path, inputs):
        for file in sorted(files_below(path)) if path.is_dir() else [path]:
            if is_left_over(file) or os.path.realpath(file) in own:
                continue
            about = file.stat() if file.exists() else file.lstat()  # a link that leads nowhere
            digest.update(f"{printable(file)} {about.st_size} {about.st_mtime_ns}\n".encode())
    return digest.hexdigest()[:16]
