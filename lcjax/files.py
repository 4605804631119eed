"""Files and folders that are whole or not there, and where downloads are kept."""

import contextlib
import os
import re
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

from lcjax.errors import StorageError

ROOM = "make room or choose another --out"
"""What to do when nothing can be written."""

_LEFT_OVER = re.compile(r"\..+\.\d+\.(partial|old)")


@contextlib.contextmanager
def storage_errors(path: Path | str, advice: str = ROOM) -> Iterator[None]:
    """Turns refused writes into one sentence.

    Raises:
      StorageError: the block raised an OSError.
    """
    try:
        yield
    except OSError as error:
        raise StorageError(f"cannot write '{path}': {error.strerror or error}; {advice}") from error


def partial(path: Path) -> Path:
    """Where a file or folder grows before it takes its name; hidden, and of this process alone."""
    return path.with_name(f".{path.name}.{os.getpid()}.partial")


def is_left_over(path: Path) -> bool:
    """Whether a path lies in what an interrupted process was writing, or about to replace.

    >>> [is_left_over(Path(name)) for name in ("D/.survey.12.partial/1.0.0", ".cache/D")]
    [True, False]
    """
    return any(_LEFT_OVER.fullmatch(part) for part in path.parts)


@contextlib.contextmanager
def new_file(path: Path | str, advice: str = ROOM) -> Iterator[Path]:
    """A temporary file beside `path` to write to; it takes the name when the block ends well and is gone otherwise.

    Raises:
      StorageError: the block, or the renaming, raised an OSError.
    """
    path = Path(path)
    temporary = partial(path)
    with storage_errors(path, advice):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            yield temporary
            os.replace(temporary, path)
        finally:
            temporary.unlink(missing_ok=True)


def write_text(path: Path | str, text: str, advice: str = ROOM) -> None:
    """Writes a text file whole.

    Raises:
      StorageError: it cannot be written.
    """
    with new_file(path, advice) as temporary:
        temporary.write_text(text)


@contextlib.contextmanager
def new_folder(path: Path | str, advice: str = ROOM) -> Iterator[Path]:
    """A temporary folder beside `path` to fill; it takes the name, in place of an older one, when the block ends well.

    Raises:
      StorageError: the block, or the renaming, raised an OSError.
    """
    path = Path(path).resolve()
    temporary, old = partial(path), path.with_name(f".{path.name}.{os.getpid()}.old")
    with storage_errors(path, advice):
        try:
            temporary.mkdir(parents=True)
            yield temporary
            if path.exists():
                path.rename(old)
            try:
                temporary.rename(path)
            except OSError:
                if old.exists():
                    old.rename(path)
                raise
        finally:
            shutil.rmtree(temporary, ignore_errors=True)
            if path.exists():
                shutil.rmtree(old, ignore_errors=True)


def cache_folder() -> Path:
    """Where downloads and compiled programs are kept: `$LCJAX_CACHE`, or the user's cache folder of this platform."""
    if folder := os.environ.get("LCJAX_CACHE"):
        return Path(folder)
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "lcjax"
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local") / "lcjax"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "lcjax"
