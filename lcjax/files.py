"""Files and folders that are whole or not there, and where downloads are kept."""

import contextlib
import os
import re
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

from lcjax.errors import StorageError


def room(option: str) -> str:
    """What to do when nothing can be written where an option of the command line says.

    >>> room("--json")
    'make room or choose another --json'
    """
    return f"make room or choose another {option}"


ROOM = room("--out")

_LEFT_OVER = re.compile(r"\..+\.(\d+\.(partial|old)|parts)")


def printable(name: Path | str) -> str:
    r"""A name of a file as text that can be written anywhere: bytes of it that are not UTF-8 are spelt out.

    >>> printable(os.fsdecode(b"caf\xe9.fits"))
    'caf\\xe9.fits'
    """
    return str(name).encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


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


def is_device(path: Path | str) -> bool:
    """Whether a name leads to what is there and neither a file nor a folder: a device, a pipe, a terminal."""
    path = Path(path)
    return path.exists() and not path.is_file() and not path.is_dir()


def written_file(path: Path | str) -> Path:
    """The file that is written under a name: where links lead, so that they stay links.

    Raises:
      StorageError: that is a device or a pipe, which no file may replace.
    """
    if is_device(path):
        raise StorageError(f"'{path}' is a device or a pipe: give the name of a file")
    return Path(os.path.realpath(path)) if Path(path).is_symlink() else Path(path)


def partial(path: Path) -> Path:
    """Where a file or folder grows before it takes its name; hidden, and of this process alone."""
    return path.with_name(f".{path.name}.{os.getpid()}.partial")


def unfinished_parts(path: Path) -> Path:
    """The folder of the parts of a file that is written in parts; hidden, and there until the file is whole."""
    return path.with_name(f".{path.name}.parts")


def is_left_over(path: Path) -> bool:
    """Whether a path lies in what an interrupted process was writing, or about to replace.

    >>> [is_left_over(Path(name)) for name in ("D/.survey.12.partial/1.0.0", ".z.parquet.parts/a", ".cache/D")]
    [True, True, False]
    """
    return any(_LEFT_OVER.fullmatch(part) for part in path.parts)


@contextlib.contextmanager
def new_file(path: Path | str, advice: str = ROOM) -> Iterator[Path]:
    """A temporary file beside `path` to write to; it takes the name when the block ends well and is gone otherwise.

    Where `path` is a link, the file that it leads to is written.

    Raises:
      StorageError: the block, or the renaming, raised an OSError; `path` is a device.
    """
    path = written_file(path)
    temporary = partial(path)
    with storage_errors(path, advice):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            yield temporary
            os.replace(temporary, path)
        finally:
            temporary.unlink(missing_ok=True)


def write_text(path: Path | str, text: str, advice: str = ROOM) -> None:
    """Writes a text file whole; to a device or a pipe (`/dev/stdout`) as it comes.

    Raises:
      StorageError: it cannot be written.
    """
    if is_device(path):
        with storage_errors(path, advice), open(path, "w") as device:
            device.write(text)
        return
    with new_file(path, advice) as temporary:
        temporary.write_text(text)


@contextlib.contextmanager
def new_folder(path: Path | str, advice: str = ROOM) -> Iterator[Path]:
    """A temporary folder beside `path` to fill; it takes the name, in place of an older one, when the block ends well.

    Raises:
      StorageError: the block, or the renaming, raised an OSError; there is something that is no folder.
    """
    if Path(path).exists() and not Path(path).is_dir():
        raise StorageError(f"'{path}' is there and is no folder: {advice}")
    path = Path(os.path.realpath(path))
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


def take_lock(descriptor: int) -> bool:
    """Takes the lock on an open file without waiting; False if another has it. Where files cannot be locked, nobody is kept out."""
    if sys.platform == "win32":
        import msvcrt

        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True
    import fcntl

    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:  # a file system without locks
        return True
    return True


def cache_folder() -> Path:
    """Where downloads and compiled programs are kept: `$LCJAX_CACHE`, or the user's cache folder of this platform."""
    if folder := os.environ.get("LCJAX_CACHE"):
        return Path(folder)
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "lcjax"
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local") / "lcjax"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "lcjax"
