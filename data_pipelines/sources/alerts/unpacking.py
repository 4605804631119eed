"""Compressed files as streams that are unpacked while they are read: gzip, bzip2, xz, zstandard, told by their first bytes.

Memory stays that of a window: an xz file that asks for a larger dictionary than `xz -9` uses is refused.
"""

import bz2
import gzip
import io
import lzma
import zlib
from collections.abc import Callable
from typing import Any, BinaryIO

MAX_XZ_MEMORY = 128 << 20
"""`xz -9` needs 65 MB."""
_STEP = 1 << 16
_MAGICS = {b"\x1f\x8b": "gzip", b"BZh": "bzip2", b"\xfd7zXZ\x00": "xz", b"\x28\xb5\x2f\xfd": "zstandard"}


class UnpackError(ValueError):
    """A compressed file, an archive or a member of one that cannot be unpacked; the message is the reason."""


def compression_of(head: bytes) -> str | None:
    """What the first bytes of a file are compressed with.

    >>> compression_of(b"BZh91AY"), compression_of(b"Obj")
    ('bzip2', None)
    """
    return next((name for magic, name in _MAGICS.items() if head.startswith(magic)), None)


def open_unpacked(file: BinaryIO) -> Any:
    """A file from its beginning, unpacked if it is compressed; what it gives has `read(n)`.

    Raises:
      UnpackError: there is no unpacker for its compression; also raised by `read` where the file is damaged.
    """
    file.seek(0)
    name = compression_of(file.read(max(map(len, _MAGICS))))
    file.seek(0)
    return UnpackedStream(name, _OPENERS[name](file)) if name else file


def unpack(data: bytes, limit: int) -> bytes:
    """Bytes, unpacked if they are compressed.

    Raises:
      UnpackError: damaged, or more than `limit` bytes.
    """
    return read_all(open_unpacked(io.BytesIO(data)), limit) if compression_of(data) else data


def read_all(stream: Any, limit: int) -> bytes:
    """What is left of a stream.

    Raises:
      UnpackError: more than `limit` bytes.
    """
    data = stream.read(limit + 1)
    if len(data) > limit:
        raise UnpackError(f"file too large: more than {limit:,} bytes that would have to be read at once")
    return data


class UnpackedStream:
    """A stream of a decompressor, whose many kinds of errors become one."""

    def __init__(self, name: str, stream: Any) -> None:
        self._name, self._stream = name, stream

    def read(self, count: int) -> bytes:
        """As many bytes, fewer at the end."""
        try:
            return self._stream.read(count)
        except UnpackError:
            raise
        except (OSError, EOFError, ValueError, zlib.error, lzma.LZMAError) as error:
            cut = isinstance(error, EOFError)
            raise UnpackError(f"corrupt {self._name}: {'it is cut off' if cut else error}") from None


class _Members(io.RawIOBase):
    """Concatenated bzip2 or xz members."""

    def __init__(self, file: BinaryIO, start: Callable[[], Any]) -> None:
        self._file, self._start, self._member = file, start, start()

    def readable(self) -> bool:
        """As `io` asks for it."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Some bytes; 0 at the end.

        Raises:
          EOFError: the file ends within a member.
        """
        while True:
            data = b""
            if self._member.eof:
                data = self._member.unused_data.lstrip(b"\0") or self._file.read(_STEP).lstrip(b"\0")
                if not data:
                    return 0
                self._member = self._start()
            elif self._member.needs_input:
                data = self._file.read(_STEP)
                if not data:
                    raise EOFError
            piece = self._member.decompress(data, len(buffer))
            if piece:
                buffer[: len(piece)] = piece
                return len(piece)


class _Borrowed:
    """A file that pyarrow shall not close."""

    closed, ended = False, False

    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    def read(self, count: int = -1) -> bytes:
        """As the file; notes its end."""
        data = self._file.read(count)
        self.ended = not data and count != 0
        return data

    def close(self) -> None:
        """Nothing: whoever opened the file closes it."""


def _open_xz(file: BinaryIO) -> Any:
    return io.BufferedReader(_Members(file, lambda: lzma.LZMADecompressor(memlimit=MAX_XZ_MEMORY)))


def _has_zstandard() -> bool:
    import pyarrow as pa

    return pa.Codec.is_available("zstd")


def _open_zstandard(file: BinaryIO) -> Any:
    if not _has_zstandard():
        raise UnpackError(
            "no unpacker: this pyarrow has no zstandard; install pyarrow from PyPI, or unpack the file first"
        )
    return _Zstandard(file)


class _Zstandard:
    """pyarrow's stream, whose error for a file that is cut off is no other than that for a damaged one."""

    def __init__(self, file: BinaryIO) -> None:
        import pyarrow as pa

        self._source = _Borrowed(file)
        self._stream = pa.CompressedInputStream(pa.PythonFile(self._source, mode="r"), "zstd")

    def read(self, count: int) -> bytes:
        """As many bytes, fewer at the end.

        Raises:
          EOFError: the file ends within a frame.
        """
        try:
            return self._stream.read(count)
        except OSError as error:
            if self._source.ended:
                raise EOFError from error
            raise


_OPENERS: dict[str, Callable[[BinaryIO], Any]] = {
    "gzip": lambda file: gzip.GzipFile(fileobj=file),
    "bzip2": lambda file: io.BufferedReader(_Members(file, bz2.BZ2Decompressor)),
    "xz": _open_xz,
    "zstandard": _open_zstandard,
}
