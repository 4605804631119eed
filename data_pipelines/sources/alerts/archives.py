"""Archives of alerts: tar (ZTF's nightly files are `.tar.gz`), read as a stream with every size bounded."""

import gzip
import tarfile
from collections.abc import Iterator
from typing import Any, BinaryIO

MAX_MEMBER_BYTES = 64 << 20
"""An alert packet has 60 to 150 kB; a member may also be a container of many."""
MAX_NAME_BYTES = 1 << 20
_LONG_HEADERS = {
    tarfile.XHDTYPE,
    tarfile.XGLTYPE,
    tarfile.SOLARIS_XHDTYPE,
    tarfile.GNUTYPE_LONGNAME,
    tarfile.GNUTYPE_LONGLINK,
}


class ArchiveError(ValueError):
    """An archive, or one member, that cannot be read; the message is the reason."""


class _BoundedHeader(tarfile.TarInfo):
    """Refuses headers that claim to continue for gigabytes, which tarfile would read into memory."""

    def _proc_member(self, archive: Any) -> Any:
        if self.type in _LONG_HEADERS and self.size > MAX_NAME_BYTES:
            raise tarfile.ReadError(f"a header claims {self.size:,} bytes")
        return super()._proc_member(archive)


def is_tar(head: bytes) -> bool:
    """Whether the first bytes of a file are those of a tar archive."""
    return head[257:262] == b"ustar"


def open_maybe_gzip(file: BinaryIO) -> BinaryIO:
    """The stream, decompressed if it begins as gzip does; errors of decompression come when it is read."""
    return gzip.GzipFile(fileobj=file) if file.read(2) == b"\x1f\x8b" and file.seek(0) == 0 else _rewound(file)


def _rewound(file: BinaryIO) -> BinaryIO:
    file.seek(0)
    return file


def read_members(file: BinaryIO) -> Iterator[tuple[str, bytes | ArchiveError]]:
    """Name and content of every regular file in an archive, in order; an error in place of what cannot be read.

    Args:
      file: the (decompressed) stream. Nothing is written to disk; links and devices are passed over.
    """
    last = ""
    try:
        with tarfile.open(fileobj=file, mode="r|", tarinfo=_BoundedHeader) as archive:
            for member in archive:
                last = member.name
                if not member.isfile():
                    continue
                if member.size > MAX_MEMBER_BYTES:
                    yield member.name, ArchiveError(f"member too large: {member.size:,} bytes")
                    continue
                content = archive.extractfile(member).read()
                yield member.name, content
    except (tarfile.TarError, OSError, EOFError, ValueError, OverflowError, zlib_errors()) as error:
        behind = f" behind '{last}'" if last else ""
        yield (
            last,
            ArchiveError(f"damaged archive{behind}: {str(error).splitlines()[0] if str(error) else 'it is cut off'}"),
        )


def zlib_errors() -> type[Exception]:
    """What decompression raises on damage."""
    import zlib

    return zlib.error
