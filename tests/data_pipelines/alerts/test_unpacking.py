"""Compressed streams of every kind: told by their first bytes, unpacked as they are read, damage and bounds named."""

import bz2
import gzip
import io
import lzma
import sys

import pyarrow as pa
import pytest

from data_pipelines.sources.alerts import compression, unpacking
from data_pipelines.sources.alerts.unpacking import UnpackError, compression_of, open_unpacked, read_all, unpack

TEXT = b"".join(b"%d alerts in the night\n" % i for i in range(20_000))
PACKERS = {
    "gzip": gzip.compress,
    "bzip2": bz2.compress,
    "xz": lambda data: lzma.compress(data, preset=1),
    "zstandard": lambda data: pa.compress(data, codec="zstd", asbytes=True),
}


@pytest.mark.parametrize("kind", PACKERS)
def test_the_same_bytes_in_pieces_of_any_size(kind):
    packed = PACKERS[kind](TEXT)
    assert compression_of(packed) == kind
    stream = open_unpacked(io.BytesIO(packed))
    pieces = []
    while piece := stream.read(7_777):
        pieces.append(piece)
    assert b"".join(pieces) == TEXT and max(map(len, pieces)) <= 7_777
    assert unpack(packed, len(TEXT)) == TEXT
    with pytest.raises(UnpackError, match=f"file too large: more than {len(TEXT) - 1:,} bytes"):
        unpack(packed, len(TEXT) - 1)


@pytest.mark.parametrize("kind", ["gzip", "bzip2", "xz"])
def test_members_one_behind_the_other_and_padding(kind):
    pack = PACKERS[kind]
    assert unpack(pack(b"one ") + pack(b"two ") + pack(TEXT), 10**6) == b"one two " + TEXT
    padded = pack(b"one ") + bytes(512) + pack(b"two ") + bytes(512)
    assert unpack(padded, 100) == b"one two "


@pytest.mark.parametrize("kind", PACKERS)
def test_damage_and_cuts(kind):
    packed = PACKERS[kind](TEXT)
    with pytest.raises(UnpackError, match=f"corrupt {kind}"):
        unpack(packed[: len(packed) // 2], 10**7)
    broken = bytearray(packed)
    broken[len(packed) // 2 : len(packed) // 2 + 40] = b"\xa5" * 40
    with pytest.raises(UnpackError, match=f"corrupt {kind}: "):
        unpack(bytes(broken), 10**7)


@pytest.mark.parametrize("kind", ["gzip", "bzip2", "xz"])
def test_a_cut_is_called_a_cut(kind):
    with pytest.raises(UnpackError, match=f"corrupt {kind}: it is cut off"):
        unpack(PACKERS[kind](TEXT)[:-5], 10**7)


def test_what_is_not_compressed_stays_and_begins_at_its_beginning():
    file = io.BytesIO(b"Obj\x01 plain")
    file.read(3)
    assert open_unpacked(file) is file and file.read() == b"Obj\x01 plain"
    assert unpack(b"", 0) == b"" and compression_of(b"\x1f") is None
    assert read_all(io.BytesIO(b"abc"), 3) == b"abc"
    with pytest.raises(UnpackError, match="more than 2 bytes"):
        read_all(io.BytesIO(b"abc"), 2)


def test_the_callers_file_stays_open():
    for kind, pack in PACKERS.items():
        file = io.BytesIO(pack(TEXT))
        stream = open_unpacked(file)
        stream.read(10)
        del stream
        assert not file.closed, kind


def test_a_window_larger_than_xz_makes_is_refused():
    wide = [{"id": lzma.FILTER_LZMA2, "preset": 0, "dict_size": 512 << 20}]
    packed = lzma.compress(b"x" * 1000, filters=wide)
    with pytest.raises(UnpackError, match="corrupt xz"):
        unpack(packed, 10**6)
    assert unpack(lzma.compress(b"x" * 1000, preset=9), 10**6) == b"x" * 1000
    assert unpacking.MAX_XZ_MEMORY == 128 << 20


def test_without_zstandard_it_is_said(monkeypatch):
    monkeypatch.setattr(unpacking, "_has_zstandard", lambda: False)
    with pytest.raises(UnpackError, match="no zstandard"):
        unpack(PACKERS["zstandard"](b"x"), 10)


def test_deflate_is_the_same_with_and_without_the_faster_package(monkeypatch):
    """Both have zlib's interface; alerts use `decompressobj` of gzip streams and its `error`."""
    import importlib
    import zlib

    def inflated(module):
        member = module.decompressobj(31)
        with pytest.raises(module.error):
            module.decompressobj(31).decompress(b"\x1f\x8b garbage in here")
        return member.decompress(gzip.compress(TEXT), 10**7), member.eof, member.unused_data

    assert inflated(compression.zlib) == (TEXT, True, b"")
    monkeypatch.setitem(sys.modules, "isal", None)
    try:
        assert importlib.reload(compression).zlib is zlib and inflated(zlib) == (TEXT, True, b"")
    finally:
        monkeypatch.undo()
        importlib.reload(compression)
