"""Downloads that survive interruptions and are checked: HTTP ranges, retries, size bounds, sha256, safe unpacking.

A download is `NAME.part` until it is complete and checked. A second process that wants the same file waits for it.
"""

import contextlib
import hashlib
import os
import stat
import time
import urllib.error
import urllib.request
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path, PurePosixPath
from typing import Any

from lcjax.errors import StorageError, WeightsError
from lcjax.files import new_folder
from lcjax.version import __version__

CHUNK = 1 << 16
Progress = Callable[[int, int | None], None]
"""Called with (bytes so far, bytes in all or None)."""


@dataclass(frozen=True)
class Patience:
    """When to try again and when to give up."""

    attempts: int = 5
    """Tries in a row that bring no new byte before giving up."""
    first_wait: float = 1.0
    """Seconds before the second try; doubles each time, 30 s at most."""
    timeout: float = 30.0
    """Seconds without a byte before a connection counts as lost."""


PATIENCE = Patience()


def sha256_of(path: Path) -> str:
    """Hash of a file, as hexadecimal."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def download(
    url: str,
    target: Path | str,
    sha256: str | None = None,
    max_bytes: int = 1 << 30,
    progress: Progress | None = None,
    patience: Patience = PATIENCE,
) -> Path:
    """Fetches a file unless `target` is there already, resuming what an earlier try left in `target.part`.

    Args:
      url: http or https. sha256: what the file must hash to; None accepts any content of the promised length.
      max_bytes: larger files are refused, whatever the server says.

    Raises:
      WeightsError: no such address, no connection, too large, or of another hash.
      StorageError: `target` cannot be written.
    """
    target = Path(target)
    if not url.startswith(("http://", "https://")):
        raise WeightsError(f"'{url}' is no web address: it must begin with https:// or http://")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with only_one_process(target):
            if target.exists():
                _check_hash(target, sha256, url)
                return target
            part = target.with_name(f"{target.name}.part")
            resumed = part.exists()
            _fetch(url, part, max_bytes, progress, patience)
            if resumed and sha256 and sha256_of(part) != sha256:
                # The left-over may have been of another file, or damaged: once more from the start.
                _forget(part)
                _fetch(url, part, max_bytes, progress, patience)
            try:
                _check_hash(part, sha256, url)
            except WeightsError:
                _forget(part)
                raise
            os.replace(part, target)
            _forget(part)
    except OSError as error:
        raise StorageError(
            f"cannot write '{target}': {error.strerror or error}; make room or set LCJAX_CACHE to another folder"
        ) from error
    return target


def _check_hash(path: Path, sha256: str | None, url: str) -> None:
    if sha256 is None:
        return
    found = sha256_of(path)
    if found != sha256.lower():
        raise WeightsError(
            f"'{path.name}' from {url} has sha256 {found[:16]}... where {sha256[:16]}... is expected: the file was "
            "changed or damaged on its way; remove it if it is in your cache, and do not use it"
        )


def _forget(part: Path) -> None:
    for path in (part, _tag_file(part)):
        path.unlink(missing_ok=True)


def _tag_file(part: Path) -> Path:
    return part.with_name(f"{part.name}.etag")


@contextlib.contextmanager
def only_one_process(target: Path) -> Iterator[None]:
    """Holds `target.lock` for the duration; others that want the same target wait."""
    try:
        import fcntl
    except ImportError:  # Windows: the final rename is atomic, so two downloads are only wasteful
        yield
        return
    with open(target.with_name(f".{target.name}.lock"), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _fetch(url: str, part: Path, max_bytes: int, progress: Progress | None, patience: Patience) -> None:
    """Brings `part` to its full length, over as many connections as that takes."""
    failures, wait = 0, patience.first_wait
    while True:
        before = part.stat().st_size if part.exists() else 0
        try:
            _one_connection(url, part, max_bytes, progress, patience.timeout)
            return
        except urllib.error.HTTPError as error:
            if error.code == 416:  # the range begins past the end: what we have is not a beginning of this file
                _forget(part)
            elif error.code not in (408, 425, 429) and error.code < 500:
                raise WeightsError(f"{url} answers {error.code} {error.reason}: is the address still right?") from error
            reason: Any = f"{error.code} {error.reason}"
        except (urllib.error.URLError, HTTPException, ConnectionError, TimeoutError) as error:
            reason = (error.reason if isinstance(error, urllib.error.URLError) else None) or error
        grown = part.exists() and part.stat().st_size > before
        failures, wait = (0, patience.first_wait) if grown else (failures + 1, wait)
        if failures >= patience.attempts:
            raise WeightsError(
                f"{url} could not be downloaded after {patience.attempts} tries ({reason}): check the connection and "
                "run the same command again, it goes on where it stopped"
            )
        time.sleep(wait)
        wait = min(2 * wait, 30.0)


def _one_connection(url: str, part: Path, max_bytes: int, progress: Progress | None, timeout: float) -> None:
    have = part.stat().st_size if part.exists() else 0
    headers = {"User-Agent": f"lcjax/{__version__}", "Accept-Encoding": "identity"}
    tag = _tag_file(part)
    if have:
        headers["Range"] = f"bytes={have}-"
        if tag.exists():
            headers["If-Range"] = tag.read_text()
    with urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=timeout) as answer:
        resumed = answer.status == 206 and _range_start(answer.headers.get("Content-Range")) == have
        if answer.status == 206 and not resumed:
            _forget(part)
            raise ConnectionError("the server sent another range than asked for")
        have = have if resumed else 0
        length = answer.headers.get("Content-Length")
        total = have + int(length) if length is not None and length.isdigit() else None
        if (total or have) > max_bytes:
            raise WeightsError(
                f"{url} is {total or have} bytes long where {max_bytes} are expected at most: not downloaded"
            )
        etag = answer.headers.get("ETag", "")
        if etag and not etag.startswith("W/"):
            tag.write_text(etag)
        elif not resumed:
            tag.unlink(missing_ok=True)
        with open(part, "ab" if resumed else "wb") as file:
            while chunk := answer.read(CHUNK):
                have += len(chunk)
                if have > max_bytes:
                    raise WeightsError(f"{url} is longer than the {max_bytes} bytes expected at most: download stopped")
                file.write(chunk)
                if progress:
                    progress(have, total)
    if total is not None and have < total:
        raise ConnectionError(f"the connection ended after {have} of {total} bytes")


def _range_start(header: str | None) -> int | None:
    """First byte of a Content-Range.

    >>> _range_start("bytes 100-199/200")
    100
    """
    try:
        return int((header or "").removeprefix("bytes ").split("-")[0])
    except ValueError:
        return None


def unpack_zip(archive: Path | str, folder: Path | str, max_bytes: int = 4 << 30, max_files: int = 10_000) -> Path:
    """Unpacks a zip archive into `folder`, which appears only when whole; an existing one is replaced.

    Nothing is written outside `folder`: names with `..`, absolute names and links are refused, as are archives of
    more than `max_bytes` or `max_files`, counted while unpacking.

    Raises:
      WeightsError: not a zip archive, damaged, or with such contents. StorageError: cannot write.
    """
    archive, folder = Path(archive), Path(folder)
    try:
        with new_folder(folder) as temporary, zipfile.ZipFile(archive) as bundle:
            members = bundle.infolist()
            if len(members) > max_files:
                raise WeightsError(f"'{archive}' holds {len(members)} files, more than {max_files}: not unpacked")
            left = max_bytes
            for member in members:
                left -= _unpack_member(bundle, member, temporary, archive, left)
    except (zipfile.BadZipFile, EOFError, NotImplementedError, RuntimeError, ValueError, zlib.error) as error:
        raise WeightsError(
            f"'{archive}' is not a sound zip archive ({error}): remove it and download it again"
        ) from error
    return folder


def _unpack_member(bundle: zipfile.ZipFile, member: zipfile.ZipInfo, folder: Path, archive: Path, left: int) -> int:
    """Bytes written for one entry."""
    name = PurePosixPath(member.filename.replace("\\", "/"))
    if name.is_absolute() or ".." in name.parts or ":" in member.filename or "\x00" in member.filename:
        raise WeightsError(f"'{archive}' holds the unsafe name '{member.filename}': not unpacked")
    if stat.S_ISLNK(member.external_attr >> 16):
        raise WeightsError(f"'{archive}' holds a link, '{member.filename}': not unpacked")
    target = folder.joinpath(*name.parts)
    if member.is_dir():
        target.mkdir(parents=True, exist_ok=True)
        return 0
    target.parent.mkdir(parents=True, exist_ok=True)
    written = 0
    with bundle.open(member) as packed, open(target, "wb") as file:
        while chunk := packed.read(CHUNK):
            written += len(chunk)
            if written > left:
                raise WeightsError(f"'{archive}' unpacks to more than the bytes expected at most: not unpacked")
            file.write(chunk)
    return written
