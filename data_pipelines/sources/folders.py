"""What lies in a folder: files, linked ones too, each folder once."""

import os
from collections.abc import Iterator
from pathlib import Path

from lcjax.errors import DataError


def files_below(top: Path) -> Iterator[Path]:
    """Files of a folder and its subfolders, linked ones too, each folder once; and, for their reasons to be said when they are
    opened, links that lead nowhere and folders that cannot be listed.
    """
    lost: list[Path] = []
    seen: set[str] = set()
    for folder, names, files in os.walk(top, followlinks=True, onerror=lambda e: lost.append(Path(e.filename))):
        real = os.path.realpath(folder)
        if real in seen:
            names.clear()
            continue
        seen.add(real)
        for path in map(Path(folder).joinpath, files):
            if path.is_file() or (path.is_symlink() and not path.exists()):
                yield path
    yield from lost


def check_there(path: Path) -> None:
    """Raises DataError: there is neither a file nor a folder of this name."""
    if not path.exists():
        raise DataError(f"there is no file or folder '{path}'")
