"""Sorted string tables written by hand, for the reader that must not trust them."""

import struct

from lcjax.crc32c import masked_crc32c
from lcjax.pretrained.sstable import TABLE_END


def varint(value):
    """Unsigned LEB128."""
    out = b""
    while value >= 0x80:
        out += bytes([value & 0x7F | 0x80])
        value >>= 7
    return out + bytes([value])


def block(entries, restarts=1):
    """Entries with shortened keys, restart points, and how many there are."""
    data, last = b"", b""
    for key, value in entries:
        shared = next((i for i, (a, b) in enumerate(zip(key, last, strict=False)) if a != b), min(len(key), len(last)))
        data += varint(shared) + varint(len(key) - shared) + varint(len(value)) + key[shared:] + value
        last = key
    return data + struct.pack("<I", 0) * restarts + struct.pack("<I", restarts)


def seal(blocks, compression=0):
    """A table of (last key, content) blocks, contents as they are."""
    data = b""

    def add(content):
        nonlocal data
        handle = varint(len(data)) + varint(len(content))
        sealed = content + bytes([compression])
        data += sealed + struct.pack("<I", masked_crc32c(sealed))
        return handle

    index = [(key, add(content)) for key, content in blocks]
    footer = add(block([])) + add(block(index))
    return data + footer.ljust(40, b"\0") + TABLE_END


def table(blocks, compression=0):
    """A table of blocks of (key, value) pairs, as TensorFlow writes it."""
    return seal([(entries[-1][0], block(entries)) for entries in blocks], compression)
