"""Compressions of Avro blocks, each unpacked with a bound and to its end."""

from collections.abc import Callable
from typing import Any

from data_pipelines.sources.alerts.compression import zlib

MAX_BLOCK_BYTES = 64 << 20
"""Of a block, packed and unpacked."""


class AvroError(ValueError):
    """Damage in a container; the message is the reason."""


def _inflate(data: bytes) -> bytes:
    return _whole(zlib.decompressobj(-15), data)


def _whole(member: Any, data: bytes) -> bytes:
    """Unpacks with an object that says when its end mark came; fastavro leaves three bytes behind it, which mean nothing."""
    out = _bounded(member.decompress(data, MAX_BLOCK_BYTES + 1))
    if not member.eof:
        raise AvroError("damaged Avro: the packed bytes of a block are cut off")
    return out


def _bounded(data: bytes) -> bytes:
    if len(data) > MAX_BLOCK_BYTES:
        raise AvroError(f"Avro block too large: more than {MAX_BLOCK_BYTES:,} bytes unpacked")
    return data


def _bzip2(data: bytes) -> bytes:
    import bz2

    return _whole(bz2.BZ2Decompressor(), data)


def _xz(data: bytes) -> bytes:
    import lzma

    return _whole(lzma.LZMADecompressor(memlimit=MAX_BLOCK_BYTES), data)


def _zstandard(data: bytes) -> bytes:
    import pyarrow as pa

    with pa.CompressedInputStream(pa.BufferReader(data), "zstd") as stream:
        return _bounded(stream.read(MAX_BLOCK_BYTES + 1))


def _snappy(data: bytes) -> bytes:
    """Raw snappy, with the CRC-32 of the unpacked bytes behind it; its first bytes are the unpacked size."""
    import pyarrow as pa

    body, size, shift = data[:-4], 0, 0
    for byte in body[:5]:
        size |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            break
    if size > MAX_BLOCK_BYTES:
        raise AvroError(f"Avro block too large: {size:,} bytes claimed")
    out = pa.decompress(body, decompressed_size=size, codec="snappy", asbytes=True)
    if zlib.crc32(out) != int.from_bytes(data[-4:], "big"):
        raise AvroError("damaged Avro: a block does not match its checksum")
    return out


CODECS: dict[str, Callable[[bytes], bytes]] = {
    "null": bytes,
    "deflate": _inflate,
    "snappy": _snappy,
    "zstandard": _zstandard,
    "bzip2": _bzip2,
    "xz": _xz,
}
"""Compressions of the specification -> bounded unpacking."""
