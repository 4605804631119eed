"""CRC-32C (Castagnoli), the checksum of TensorFlow's files: compiled where installed, vectorised numpy otherwise.

The numpy form cuts the data into many lanes of equal length, runs the table algorithm over all lanes at once, and joins
neighbouring lanes pairwise: appending n bytes to a message is a linear map of its CRC over GF(2).
"""

import functools
from collections.abc import Callable

import numpy as np

_POLYNOMIAL = np.uint32(0x82F63B78)
_BYTE = np.uint32(0xFF)


@functools.cache
def _table() -> np.ndarray:
    table = np.arange(256, dtype=np.uint32)
    for _ in range(8):
        table = np.where(table & 1, table >> 1 ^ _POLYNOMIAL, table >> 1)
    return table


def _append_zero_bytes(crc: np.ndarray, count: int) -> np.ndarray:
    """The linear map "`count` zero bytes follow" on an array of raw (not inverted) CRCs."""
    table = _table()
    basis = np.uint32(1) << np.arange(32, dtype=np.uint32)
    columns = basis.copy()
    step = table[basis & _BYTE] ^ basis >> 8  # images of the 32 unit vectors under one zero byte
    while count:
        if count & 1:
            columns = _apply(step, columns)
        step = _apply(step, step)
        count >>= 1
    return _apply(columns, crc)


def _apply(columns: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Multiplies 32-bit vectors by a 32 x 32 matrix over GF(2) given by its columns."""
    out = np.zeros_like(values)
    for bit in range(32):
        out ^= np.where(values >> np.uint32(bit) & 1, columns[bit], np.uint32(0))
    return out


def crc32c_numpy(data: bytes | memoryview | np.ndarray) -> int:
    """CRC-32C of some bytes, in numpy alone.

    >>> hex(crc32c_numpy(b"123456789"))
    '0xe3069283'
    """
    octets = np.frombuffer(data, np.uint8)
    table = _table()
    lanes = min(4096, 1 << (len(octets) // 64).bit_length())
    width = len(octets) // lanes
    crc = np.zeros(lanes, np.uint32)
    crc[0] = 0xFFFFFFFF
    for column in np.ascontiguousarray(octets[: lanes * width].reshape(lanes, width).T):
        crc = table[(crc ^ column) & _BYTE] ^ crc >> 8
    rest = octets[lanes * width :].tolist()
    while len(crc) > 1:
        crc = _append_zero_bytes(crc[0::2], width) ^ crc[1::2]
        width *= 2
    value = int(crc[0])
    for octet in rest:
        value = int(table[(value ^ octet) & 0xFF]) ^ value >> 8
    return value ^ 0xFFFFFFFF


@functools.cache
def compiled_crc32c() -> Callable[[bytes], int] | None:
    """A compiled CRC-32C, or None where neither `google_crc32c` nor `crc32c` is installed."""
    try:
        import google_crc32c

        if google_crc32c.implementation == "c":
            return google_crc32c.value
    except ImportError:
        pass
    try:
        import crc32c
    except ImportError:
        return None
    return crc32c.crc32c


def masked(crc: int) -> int:
    """The rotation and offset that tables, checkpoints and TFRecords apply to a CRC before storing it."""
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF


def masked_crc32c(data: bytes | memoryview) -> int:
    """Masked CRC-32C of some bytes, compiled where possible."""
    compiled = compiled_crc32c()
    return masked(compiled(bytes(data)) if compiled else crc32c_numpy(data))
