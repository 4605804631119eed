"""Reading shards without TensorFlow: TFRecord framing and the few protobuf fields of a tf Example.

A TFRecord is length (uint64), masked CRC-32C of the length, data, masked CRC-32C of the data. Sizes are checked against the
file before anything is allocated; checksums of records are checked when `google_crc32c` is installed (the manifest's
sha256 covers whole files in any case).
"""

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from lcjax.errors import DataError

_HEADER = struct.Struct("<QI")


def _crc_function() -> Any:
    try:
        import google_crc32c
    except ImportError:
        return None
    return google_crc32c.value


def _masked(crc: int) -> int:
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF


def read_records(path: Path | str, check: bool = False) -> Iterator[memoryview]:
    """The payload of every record of a shard.

    Raises:
      DataError: the shard ends in mid record, a length does not fit, or (`check`) a checksum is wrong.
    """
    path = Path(path)
    try:
        data = memoryview(path.read_bytes())
    except OSError as error:
        raise DataError(
            f"shard '{path}' cannot be read: {error.strerror}; restore it or prepare the data again"
        ) from error
    crc = _crc_function() if check else None
    at, index = 0, 0
    while at < len(data):
        if at + 12 > len(data):
            raise _damage(path, index, "ends within a record header")
        length, length_crc = _HEADER.unpack_from(data, at)
        if length > len(data) - at - 16:
            raise _damage(path, index, "has a length that goes past the end of the file")
        payload = data[at + 12 : at + 12 + length]
        if crc is not None:
            (data_crc,) = struct.unpack_from("<I", data, at + 12 + length)
            if (
                _masked(crc(bytes(data[at : at + 8]))) != length_crc
                or _masked(crc(bytes(payload))) != data_crc
            ):
                raise _damage(path, index, "has a wrong checksum")
        yield payload
        at += 16 + length
        index += 1


def _damage(path: Path, index: int, how: str) -> DataError:
    return DataError(
        f"shard '{path}' is damaged: record {index} {how}; restore the file or prepare the data again "
        "(lcjax data verify lists all damage)"
    )


def _varint(data: memoryview, at: int) -> tuple[int, int]:
    shift = value = 0
    while True:
        byte = data[at]
        value |= (byte & 0x7F) << shift
        at += 1
        if byte < 0x80:
            return value, at
        shift += 7
        if shift > 63:
            raise ValueError("a number is longer than 64 bits")


def _fields(data: memoryview) -> Iterator[tuple[int, Any]]:
    """(field number, value) of a protobuf message: ints for varints, memoryviews for everything else."""
    at, end = 0, len(data)
    while at < end:
        tag, at = _varint(data, at)
        kind = tag & 7
        if kind == 2:
            size, at = _varint(data, at)
            if at + size > end:
                raise ValueError("a field goes past the end of its message")
            yield tag >> 3, data[at : at + size]
            at += size
        elif kind == 0:
            value, at = _varint(data, at)
            yield tag >> 3, value
        elif kind in (1, 5):
            size = 8 if kind == 1 else 4
            yield tag >> 3, data[at : at + size]
            at += size
        else:
            raise ValueError(f"unknown wire type {kind}")


def parse_example(payload: memoryview) -> dict[str, Any]:
    """A tf Example as {feature: bytes view, int, or float}, the first value of each feature.

    Raises:
      ValueError: not a tf Example.
    """
    features: dict[str, Any] = {}
    try:
        for number, body in _fields(payload):
            if number != 1:
                continue
            for _, entry in _fields(body):
                pair = dict(_fields(entry))
                name = bytes(pair[1]).decode()
                features[name] = _first_value(pair.get(2, memoryview(b"")))
    except (IndexError, KeyError, TypeError, UnicodeDecodeError) as error:
        raise ValueError(f"not a tf Example ({error})") from error
    return features


def _first_value(feature: memoryview) -> Any:
    for kind, values in _fields(feature):
        for _, value in _fields(values):
            if kind == 1:  # bytes_list
                return value
            if kind == 2:  # float_list, packed
                return struct.unpack_from("<f", value)[0]
            if isinstance(value, int):  # int64_list
                return value - (1 << 64) if value >= 1 << 63 else value
            number, _ = _varint(value, 0)
            return number - (1 << 64) if number >= 1 << 63 else number
    return b""


def decode_rows(
    payloads: list[memoryview], record: np.ndarray, start: np.ndarray, size: np.ndarray, length: int
) -> dict:
    """Windows of a chunk of records as dense arrays: the TensorFlow-free twin of the tf.data path.

    Args:
      payloads: serialized records. record, start, size: (R,) which record, first point, number of points of each row.
      length: padded length L.

    Returns:
      `time`, `magnitude`, `magnitude_error` (R, L) float32; `label` (R,) int32; `reference_mjd` (R,) float64;
      `object_id`, `band` (R,) str; `record_length` (records,) int64.
    """
    parsed = [parse_example(p) for p in payloads]
    rows = len(record)
    out: dict[str, Any] = {
        name: np.zeros((rows, length), np.float32) for name in ("time", "magnitude", "magnitude_error")
    }
    for name in out:
        series = [np.frombuffer(p[name], "<f4") for p in parsed]
        block = out[name]
        for i in range(rows):
            piece = series[record[i]][start[i] : start[i] + size[i]]
            block[i, : len(piece)] = piece
    pick = lambda name, convert: [convert(parsed[r][name]) for r in record]
    text = lambda view: bytes(view).decode()
    out["label"] = np.array(pick("label", int), np.int32)
    out["reference_mjd"] = np.array(pick("reference_mjd", lambda v: struct.unpack("<d", v)[0]), np.float64)
    out["object_id"] = np.array(pick("object_id", text), object)
    out["band"] = np.array(pick("band", text), object)
    out["record_length"] = np.array([p["length"] for p in parsed], np.int64)
    return out
