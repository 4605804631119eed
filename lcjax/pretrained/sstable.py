"""The sorted string table (LevelDB format) that a TensorFlow checkpoint keeps its index in, read without TensorFlow.

A table is a run of blocks and a 48-byte footer that points to the index block. A block is a list of entries, keys
shortened by what they share with the key before, then restart offsets, one byte for the compression, and the masked
CRC-32C of the block. Every length is checked against the bytes at hand before it is used.
"""

import struct
from collections.abc import Iterator

from lcjax.crc32c import masked_crc32c
from lcjax.errors import WeightsError

_FOOTER_BYTES, _TRAILER_BYTES = 48, 5
TABLE_END = struct.pack("<Q", 0xDB4775248B80FB57)
"""Last bytes of every table."""


def varint(data: bytes, at: int) -> tuple[int, int]:
    """An unsigned LEB128 number and where it ends.

    Raises:
      ValueError: it does not end within the data or is longer than 64 bits.

    >>> varint(bytes([0xAC, 0x02]), 0)
    (300, 2)
    """
    value = shift = 0
    while at < len(data) and shift < 64:
        octet = data[at]
        value |= (octet & 0x7F) << shift
        at += 1
        if octet < 0x80:
            return value, at
        shift += 7
    raise ValueError("a number does not end")


def table_entries(data: bytes, name: str) -> Iterator[tuple[bytes, bytes]]:
    """(key, value) pairs of a table in key order.

    Args:
      data: the whole file. name: its path, for messages.

    Raises:
      WeightsError: not a table, or damaged.
    """
    if len(data) < _FOOTER_BYTES or not data.endswith(TABLE_END):
        raise WeightsError(
            f"'{name}' is not the index of a TensorFlow checkpoint, or its end is missing: copy or download it again"
        )
    try:
        footer = data[-_FOOTER_BYTES:]
        at = varint(footer, varint(footer, 0)[1])[1]
        end = varint(footer, varint(footer, at)[1])[1]
        if any(footer[end:-8]):
            raise ValueError("its footer has changed")
        _block(data, footer[:at])  # the metaindex block is checked although nothing in it is used
        for _, handle in _block_entries(_block(data, footer[at:end])):
            yield from _block_entries(_block(data, handle))
    except (ValueError, IndexError, struct.error) as error:
        raise WeightsError(f"checkpoint index '{name}' is damaged: {error}; copy or download it again") from error


def _block(data: bytes, handle: bytes) -> bytes:
    offset, at = varint(handle, 0)
    size, _ = varint(handle, at)
    end = offset + size
    if end + _TRAILER_BYTES > len(data) - _FOOTER_BYTES:
        raise ValueError(f"a block at byte {offset} goes past the end")
    (crc,) = struct.unpack_from("<I", data, end + 1)
    if masked_crc32c(data[offset : end + 1]) != crc:
        raise ValueError(f"the block at byte {offset} has a wrong checksum")
    if data[end] != 0:
        raise ValueError(f"the block at byte {offset} is compressed, which TensorFlow never does")
    return data[offset:end]


def _block_entries(block: bytes) -> Iterator[tuple[bytes, bytes]]:
    (restarts,) = struct.unpack_from("<I", block, len(block) - 4)
    end = len(block) - 4 - 4 * restarts
    if end < 0:
        raise ValueError("a block has more restart points than bytes")
    at, key = 0, b""
    while at < end:
        shared, at = varint(block, at)
        fresh, at = varint(block, at)
        size, at = varint(block, at)
        if shared > len(key) or at + fresh + size > end:
            raise ValueError("an entry goes past the end of its block")
        key = key[:shared] + block[at : at + fresh]
        at += fresh
        yield key, block[at : at + size]
        at += size
