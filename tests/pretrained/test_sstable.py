"""Tables written by hand: what is read, and that damage is always noticed. No TensorFlow needed."""

import struct

import pytest

from lcjax.errors import WeightsError
from lcjax.pretrained.sstable import TABLE_END, table_entries, varint
from tests.pretrained import tables

BLOCKS = [
    [(b"", b"header"), (b"layer/a", b"1" * 200), (b"layer/b", b"")],
    [(b"layer/b/kernel", b"x" * 20_000), (b"zeta", b"last")],
]


def read(data):
    return list(table_entries(data, "weights.index"))


def test_entries_in_order_with_shared_key_beginnings():
    assert read(tables.table(BLOCKS)) == [entry for entries in BLOCKS for entry in entries]


@pytest.mark.parametrize("value", [0, 1, 127, 128, 300, 2**32, 2**63])
def test_numbers(value):
    data = tables.varint(value)
    assert varint(b"??" + data + b"!", 2) == (value, 2 + len(data))
    with pytest.raises(ValueError, match="does not end"):
        varint(data[:-1], 0)


def test_a_number_of_more_than_64_bits_is_none():
    with pytest.raises(ValueError, match="does not end"):
        varint(b"\xff" * 11, 0)


def test_any_flipped_bit_and_any_cut_is_noticed():
    sound = tables.table([BLOCKS[0][:2]])
    for at in range(len(sound)):
        changed = bytearray(sound)
        changed[at] ^= 1 << at % 8
        with pytest.raises(WeightsError, match=r"weights\.index"):
            read(bytes(changed))
        with pytest.raises(WeightsError, match=r"weights\.index"):
            read(sound[:at])


def holding(content):
    """A table whose one block has this content, under a good checksum."""
    return tables.seal([(b"k", content)])


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"\x00\x05\x01ab" + struct.pack("<II", 0, 1), "past the end of its block"),
        (b"\x03\x01\x00a" + struct.pack("<II", 0, 1), "past the end of its block"),
        (struct.pack("<I", 1000), "more restart points than bytes"),
    ],
)
def test_blocks_with_a_good_checksum_are_not_trusted_either(content, reason):
    with pytest.raises(WeightsError, match=reason):
        read(holding(content))


def test_other_files_compressed_blocks_and_wrong_places():
    for data in (b"", b"PK" * 40, tables.table(BLOCKS)[:-8] + bytes(8)):
        with pytest.raises(WeightsError, match="not the index of a TensorFlow checkpoint"):
            read(data)
    with pytest.raises(WeightsError, match="compressed"):
        read(tables.table(BLOCKS, compression=1))
    far = (tables.varint(2**40) + tables.varint(9)) * 2
    with pytest.raises(WeightsError, match="goes past the end"):
        read(bytes(100) + far.ljust(40, b"\0") + TABLE_END)
