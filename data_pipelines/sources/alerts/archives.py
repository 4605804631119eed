"""Archives of alerts, tar (ZTF's nightly files are `.tar.gz`) and zip, read member by member with every size bounded."""

import stat
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from typing import Any, BinaryIO

from data_pipelines.sources.alerts.unpacking import UnpackError
from lcjax.files import printable

MAX_MEMBER_BYTES = 64 << 20
"""An alert packet has 60 to 150 kB; a member may also be a container of many."""
MAX_NAME_BYTES = 1 << 20
MAX_CHAIN = 16
"""A member has two or three: a long name, a long link, extended attributes."""
_LONG_HEADERS = {
    tarfile.XHDTYPE,
    tarfile.XGLTYPE,
    tarfile.SOLARIS_XHDTYPE,
    tarfile.GNUTYPE_LONGNAME,
    tarfile.GNUTYPE_LONGLINK,
}
_ZIP_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2)
_ZIP_TAIL = 22 + (1 << 16)
_ENCRYPTED = 1


class _Header(tarfile.TarInfo):
    """Refuses headers that claim to continue for gigabytes, which tarfile would read into memory, or that follow each other without
    end, and notes the damaged ones, which it passes over without a word.
    """

    notes: list[str]
    """Of the archive: what was wrong with the headers since this was last emptied."""
    ended: list[bool]
    """Of the archive: whether the last header was the end mark."""
    chain: list[bytes]
    """Of the archive: types of the headers that go before the next member's own; tarfile calls itself for each."""

    @classmethod
    def frombuf(cls, buf: bytes, encoding: str, errors: str) -> "tarfile.TarInfo":
        """As the base."""
        try:
            header = super().frombuf(buf, encoding, errors)
        except tarfile.EOFHeaderError:  # type: ignore[attr-defined]
            cls.ended[:] = [True]
            raise
        except (tarfile.InvalidHeaderError, tarfile.TruncatedHeaderError) as error:  # type: ignore[attr-defined]
            if not cls.notes:
                cls.notes.append(f"{error} of a member")
            raise
        cls.ended[:] = [False]
        return header

    def _proc_member(self, archive: Any) -> Any:
        if self.type in _LONG_HEADERS and self.size > MAX_NAME_BYTES:
            raise tarfile.ReadError(f"a header claims {self.size:,} bytes")
        self.chain[:] = [*self.chain, self.type] if self.type in _LONG_HEADERS else []
        if len(self.chain) > MAX_CHAIN:
            raise tarfile.ReadError(f"more than {MAX_CHAIN} headers of one member")
        return super()._proc_member(archive)


def is_tar(head: bytes) -> bool:
    """Whether the first bytes of a file are those of a tar archive."""
    return head[257:262] == b"ustar"


def is_zip(head: bytes) -> bool:
    """Whether the first bytes of a file are those of a zip archive."""
    return head[:4] in (b"PK\x03\x04", b"PK\x05\x06")


def read_tar(file: BinaryIO) -> Iterator[tuple[str, bytes | UnpackError]]:
    """Name and content of every regular file in an archive, in order; an error in place of what cannot be read.

    Behind a damaged header reading goes on at the next sound one; concatenated archives are one.

    Args:
      file: the unpacked stream. Nothing is written to disk; links and devices are passed over.
    """
    header: type[_Header] = type("Header", (_Header,), {"notes": [], "ended": [], "chain": []})
    last = ""
    behind = lambda: f" behind '{last}'" if last else ""
    try:
        with tarfile.open(fileobj=file, mode="r|", tarinfo=header, ignore_zeros=True) as archive:
            for member in archive:
                if header.notes:
                    yield last, UnpackError(f"damaged archive{behind()}: {header.notes.pop()}")
                last = printable(member.name)
                if not member.isfile():
                    continue
                if member.size > MAX_MEMBER_BYTES:
                    yield last, UnpackError(f"member too large: {member.size:,} bytes")
                    continue
                yield last, archive.extractfile(member).read()  # type: ignore[union-attr]
        if header.notes or header.ended != [True]:
            said = header.notes[0] if header.notes else "it ends without its end mark"
            yield last, UnpackError(f"damaged archive{behind()}: {said}")
    except (tarfile.TarError, UnpackError, OSError, EOFError, ValueError, OverflowError) as error:
        yield last, UnpackError(f"damaged archive{behind()}: {_said(error)}")


def read_zip(file: BinaryIO) -> Iterator[tuple[str, bytes | UnpackError]]:
    """As `read_tar`, of a zip archive; damage to a member costs that member."""
    try:
        archive = zipfile.ZipFile(file)
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
        yield "", UnpackError(f"damaged archive: {_said(error)}")
        return
    with archive:
        if (promised := _promised_members(file)) not in (None, len(archive.infolist())):
            found = len(archive.infolist())
            yield "", UnpackError(f"damaged archive: its directory has {found:,} members where {promised:,} are due")
        for member in archive.infolist():
            if member.is_dir() or stat.S_ISLNK(member.external_attr >> 16):
                continue
            try:
                yield member.filename, _zip_content(archive, member)
            except UnpackError as error:
                yield member.filename, error


def _promised_members(file: BinaryIO) -> int | None:
    """How many members the end of a zip archive says that there are; None: it does not (the field is full, in large ones)."""
    file.seek(0, 2)
    file.seek(max(file.tell() - _ZIP_TAIL, 0))
    tail = file.read()
    at = tail.rfind(b"PK\x05\x06")
    count = int.from_bytes(tail[at + 10 : at + 12], "little")
    return None if at < 0 or count == 0xFFFF else count


def _zip_content(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> bytes:
    if member.flag_bits & _ENCRYPTED:
        raise UnpackError("encrypted member: unpack the archive first")
    if member.compress_type not in _ZIP_METHODS:
        raise UnpackError(f"unknown compression: zip method {member.compress_type}, not stored, deflated or bzip2")
    if member.file_size > MAX_MEMBER_BYTES:
        raise UnpackError(f"member too large: {member.file_size:,} bytes")
    try:
        with archive.open(member) as stream:
            return stream.read(MAX_MEMBER_BYTES + 1)  # never more than the size that the archive's directory claims
    except (zipfile.BadZipFile, zlib.error, OSError, EOFError, ValueError, NotImplementedError) as error:
        raise UnpackError(f"damaged member: {_said(error)}") from None


def _said(error: Exception) -> str:
    return str(error).splitlines()[0] if str(error) else "it is cut off"
