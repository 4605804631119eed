"""TFRecord files and tf Examples without TensorFlow: framing, checksums, the few protobuf fields in use.

A TFRecord file is a run of frames: length (uint64), masked CRC-32C of the length, payload, masked CRC-32C of the payload,
all little-endian. Every size is checked against the file before anything is read. Checksums need a compiled CRC-32C
(`google_crc32c` or `crc32c`, both optional); without one, whole files are checked against the manifest's sha256 instead.
"""

import os
import struct
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import numpy as np

from lcjax.crc32c import compiled_crc32c, masked, masked_crc32c
from lcjax.errors import DataError

HEADER_BYTES, FOOTER_BYTES = 12, 4
FRAME_BYTES = HEADER_BYTES + FOOTER_BYTES
_HEADER = struct.Struct("<QI")
_LENGTH = struct.Struct("<Q")
_CRC = struct.Struct("<I")


class DamagedFile(DataError):
    """A file of a dataset that cannot be trusted."""

    def __init__(self, message: str, reason: str = "") -> None:
        """`reason`: what is wrong, without the file and what to do."""
        super().__init__(message)
        self.reason = reason


class Record(NamedTuple):
    """One frame of a file."""

    offset: int  #: byte of the file where its header starts
    payload: bytes
    crc: int  #: masked CRC-32C as stored behind the payload


def read_records(path: Path | str, check: bool = True) -> Iterator[Record]:
    """Every record of a TFRecord file, in order.

    Args:
      path: the file.
      check: compare checksums, where a compiled CRC-32C is installed.

    Raises:
      DamagedFile: the file cannot be read, ends in mid record, a length goes past its end, or a checksum is wrong.
    """
    crc = compiled_crc32c() if check else None
    try:
        with open(path, "rb", buffering=1 << 20) as file:
            yield from _frames(file, Path(path), crc)
    except OSError as error:
        reason = f"cannot be read ({error.strerror or error})"
        raise DamagedFile(f"shard '{path}' {reason}: restore it or prepare the data again", reason) from error


def _frames(file: BinaryIO, path: Path, crc: Callable[[bytes], int] | None) -> Iterator[Record]:
    size, offset, number = os.fstat(file.fileno()).st_size, 0, 0
    while offset < size:
        header = file.read(HEADER_BYTES)
        if len(header) < HEADER_BYTES:
            raise damaged(path, number, "is cut off within its header")
        length, length_crc = _HEADER.unpack(header)
        if length > size - offset - FRAME_BYTES:
            raise damaged(path, number, f"claims {length:,} bytes, more than the file has left")
        payload, footer = file.read(length), file.read(FOOTER_BYTES)
        if len(payload) < length or len(footer) < FOOTER_BYTES:
            raise damaged(path, number, "is cut off: the file shrank while it was read")
        (stored,) = _CRC.unpack(footer)
        if crc is not None:
            if masked(crc(header[:8])) != length_crc:
                raise damaged(path, number, "has a length that does not match its checksum")
            if masked(crc(payload)) != stored:
                raise damaged(path, number, "has content that does not match its checksum")
        yield Record(offset, payload, stored)
        offset += length + FRAME_BYTES
        number += 1


def damaged(path: Path, record: int, how: str) -> DamagedFile:
    """The error for a record that cannot be trusted."""
    reason = f"record {record} {how}"
    return DamagedFile(
        f"shard '{path}' is damaged: {reason}; restore the file or prepare the data again "
        "(lcjax data verify lists all damage)",
        reason,
    )


def write_records(path: Path | str, payloads: Iterable[bytes]) -> int:
    """Writes a TFRecord file and returns the number of records."""
    count = 0
    with open(path, "wb") as file:
        for payload in payloads:
            length = _LENGTH.pack(len(payload))
            file.write(length + _CRC.pack(masked_crc32c(length)))
            file.write(payload + _CRC.pack(masked_crc32c(payload)))
            count += 1
    return count


# The protobuf wire format of tf.train.Example, as far as it is used:
#   Example{1: Features{1: map entry{1: name, 2: Feature{1: bytes_list | 2: float_list | 3: int64_list}}}}
BYTES, FLOAT, INT64 = 1, 2, 3


def _varint(data: bytes, at: int) -> tuple[int, int]:
    byte = data[at]
    if byte < 0x80:
        return byte, at + 1
    value, shift = byte & 0x7F, 7
    while True:
        at += 1
        byte = data[at]
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at + 1
        shift += 7
        if shift > 63:
            raise ValueError("a number is longer than 64 bits")


def _fields(data: bytes, at: int, end: int) -> Iterator[tuple[int, int, int, int]]:
    """(field number, wire type, first byte, byte after) of each field of the message data[at:end]."""
    while at < end:
        tag, at = _varint(data, at)
        kind = tag & 7
        if kind == 2:
            size, at = _varint(data, at)
            stop = at + size
        elif kind == 0:
            stop = _varint(data, at)[1]
        elif kind == 1:
            stop = at + 8
        elif kind == 5:
            stop = at + 4
        else:
            raise ValueError(f"wire type {kind} is not in use")
        if stop > end:
            raise ValueError("a field goes past the end of its message")
        yield tag >> 3, kind, at, stop
        at = stop


def example_spans(payload: bytes) -> dict[str, tuple[int, int, int]]:
    """Where the first value of each feature of a serialized tf Example lies.

    Returns:
      {feature name: (BYTES, FLOAT or INT64, first byte, byte after)}; features without a value are left out.

    Raises:
      ValueError: not a tf Example.
    """
    spans: dict[str, tuple[int, int, int]] = {}
    try:
        for number, _, start, stop in _fields(payload, 0, len(payload)):
            if number != 1:
                continue
            for _, _, entry_start, entry_stop in _fields(payload, start, stop):
                name, value = "", None
                for part, _, a, b in _fields(payload, entry_start, entry_stop):
                    if part == 1:
                        name = payload[a:b].decode()
                    elif part == 2:
                        value = _first_value(payload, a, b)
                if value is not None:
                    spans[name] = value
    except (IndexError, UnicodeDecodeError) as error:
        raise ValueError(f"not a tf Example ({error})") from error
    return spans


def _first_value(payload: bytes, start: int, stop: int) -> tuple[int, int, int] | None:
    """Span of the first value of a Feature; numeric lists are packed or not, both start with the value's bytes."""
    for kind, _, a, b in _fields(payload, start, stop):
        for _, _, c, d in _fields(payload, a, b):
            return (kind, c, d) if d > c or kind == BYTES else None
    return None


def span_value(payload: bytes, span: tuple[int, int, int]) -> bytes | float | int:
    """The value `example_spans` found: bytes, float, or signed 64-bit int."""
    kind, start, stop = span
    if kind == BYTES:
        return payload[start:stop]
    if kind == FLOAT:
        return struct.unpack_from("<f", payload, start)[0]
    number, _ = _varint(payload, start)
    return number - (1 << 64) if number >= 1 << 63 else number


def parse_example(payload: bytes) -> dict[str, bytes | float | int]:
    """First value of each feature of a serialized tf Example.

    >>> parse_example(encode_example({"label": -1, "band": b"V", "period": 0.5}))
    {'label': -1, 'band': b'V', 'period': 0.5}

    Raises:
      ValueError: not a tf Example.
    """
    return {name: span_value(payload, span) for name, span in example_spans(payload).items()}


def _encode_varint(value: int) -> bytes:
    value &= (1 << 64) - 1
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def _encode_field(number: int, body: bytes) -> bytes:
    return bytes([number << 3 | 2]) + _encode_varint(len(body)) + body


def encode_example(features: Mapping[str, Any]) -> bytes:
    """A serialized tf Example with one value per feature: bytes, str, float, int, or an array (as its bytes)."""
    entries = []
    for name, value in features.items():
        if isinstance(value, np.ndarray):
            value = value.astype(value.dtype.newbyteorder("<")).tobytes()
        if isinstance(value, str):
            value = value.encode()
        if isinstance(value, bytes):
            kind, body = BYTES, value
        elif isinstance(value, (int, np.integer)):
            kind, body = INT64, _encode_varint(int(value))
        else:
            kind, body = FLOAT, struct.pack("<f", value)
        feature = _encode_field(kind, _encode_field(1, body))
        entries.append(_encode_field(1, _encode_field(1, name.encode()) + _encode_field(2, feature)))
    return _encode_field(1, b"".join(entries))
