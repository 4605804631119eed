"""Containers of all compressions, concatenated and damaged; hostile schemas; schemas by id."""

import bz2
import io
import json
import lzma
import struct
import zlib

import fastavro
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data_pipelines.datasets.alert_checks import ZTF_SCHEMA, container
from data_pipelines.sources.alerts import SchemaSet, StampRules, avro_schema, read_packets
from data_pipelines.sources.alerts.avro_codecs import CODECS, AvroError
from data_pipelines.sources.alerts.avro_container import read_containers
from data_pipelines.sources.alerts.avro_schema import parse_schema
from lcjax.errors import DataError

SMALL = {"type": "record", "name": "r", "fields": [{"name": "n", "type": "long"}, {"name": "b", "type": "bytes"}]}
ROWS = [{"n": i, "b": bytes([i]) * 40} for i in range(20)]


def small(rows=ROWS, codec="null", block=1) -> bytes:
    return container(rows, codec, block, SMALL)


def numbers(data: bytes) -> tuple[list[int], list[str]]:
    good, bad = [], []
    for record in read_containers(io.BytesIO(data)):
        bad.append(str(record)) if isinstance(record, AvroError) else good.append(record["n"])
    return good, bad


@pytest.mark.parametrize("codec", ["null", "deflate", "bzip2", "xz"])
def test_compressions_and_concatenation(codec):
    assert codec in CODECS
    data = small(codec=codec) + small([{"n": 99, "b": b""}]) + small(codec=codec, block=10_000)
    assert numbers(data) == ([*range(20), 99, *range(20)], [])


@pytest.mark.parametrize("codec", ["snappy", "zstandard"])
def test_compressions_that_fastavro_needs_packages_for(codec):
    """Blocks are repacked by hand, so that the packages need not be installed."""
    plain = small(block=10_000)
    head, sync = plain[: plain.index(b"null") + 4], plain[-16:]
    body_at = plain.index(sync) + 16
    stream = io.BytesIO(plain[body_at:])
    count, _ = fastavro._read_py.BinaryDecoder(stream).read_long(), fastavro._read_py.BinaryDecoder(stream).read_long()
    body = stream.read()[:-16]
    name = {"snappy": "snappy", "zstandard": "zstd"}[codec]
    packed = pa.compress(body, codec=name, asbytes=True)
    if codec == "snappy":
        packed += struct.pack(">I", zlib.crc32(body))

    def long(value: int) -> bytes:
        value, out = value << 1, bytearray()
        while value > 0x7F:
            out.append(value & 0x7F | 0x80)
            value >>= 7
        return bytes([*out, value])

    at = head.rindex(b"\x08null")
    head = head[:at] + long(len(codec)) + codec.encode() + plain[at + 5 : body_at]
    data = head + long(count) + long(len(packed)) + packed + sync
    assert numbers(data) == (list(range(20)), [])
    damaged = head + long(count) + long(len(packed)) + packed[:-6] + b"\x00\xff" * 3 + sync
    good, bad = numbers(damaged)
    assert good == [] and len(bad) == 1
    if codec == "snappy":  # what unpacks, and is not what was packed
        damaged = head + long(count) + long(len(packed)) + packed[:-1] + bytes([packed[-1] ^ 1]) + sync
        assert numbers(damaged) == ([], ["damaged Avro: a block does not match its checksum"])


@pytest.mark.parametrize("codec", ["null", "deflate"])
def test_a_flipped_bit_in_the_number_of_records(codec):
    """8 records that the block says are 4 or 0: said, with the block, and the next container is read."""
    data = small(ROWS[:8], codec, 10_000)
    at = data.index(data[-16:]) + 16
    assert data[at] == 16
    for flip, claimed in ((8 | 16, 4), (16, 0)):
        damaged = data[:at] + bytes([data[at] ^ flip]) + data[at + 1 :]
        good, bad = numbers(damaged + small([{"n": 99, "b": b""}]))
        assert good == [*range(claimed), 99] and len(bad) == 1
        assert bad[0].startswith(f"damaged Avro: block 0 claims {claimed} records, and ")
        (rejection,) = read_packets(damaged, rules=StampRules(need=())) if not claimed else [None]
        assert rejection is None or rejection.reason == bad[0]


@pytest.mark.parametrize("codec", ["deflate", "bzip2", "xz"])
def test_packed_bytes_without_their_end(codec):
    """A block may be cut where a record ends, so that what is left unpacks well."""
    packers = {"deflate": zlib.compressobj(9, zlib.DEFLATED, -15)}
    whole = b"".join(bytes([2 * i, 4, 1, 1]) for i in range(3))
    packer = packers.get(codec)
    if packer:
        cut = packer.compress(whole) + packer.flush(zlib.Z_SYNC_FLUSH)
    else:
        cut = {"bzip2": bz2, "xz": lzma}[codec].compress(whole)[:-8]
    with pytest.raises(AvroError, match="cut off"):
        CODECS[codec](cut)


def test_truncation_keeps_what_is_whole():
    data = small()
    for cut in (len(data) - 1, len(data) - 17, len(data) - 30):
        good, bad = numbers(data[:cut])
        assert good == list(range(19)) and bad == ["truncated Avro: the file ends in the middle of a block"]
    good, bad = numbers(data[:100] + data)
    assert good == list(range(20)) and len(bad) == 1


def test_damage_in_one_block_costs_that_block():
    data = bytearray(small())
    at = data.index(bytes([7]) * 40)
    data[at + 45 : at + 50] = b"\xff" * 5  # its sync marker
    good, bad = numbers(bytes(data))
    assert set(range(20)) - set(good) <= {7, 8} and len(bad) == 1
    assert good[-1] == 19
    # a length that leads nowhere
    data = bytearray(small())
    at = data.index(bytes([7]) * 40)
    data[at] = 1  # the payload itself: no damage to the frame
    assert numbers(bytes(data))[0] == list(range(20))


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_random_damage_never_escapes(data):
    raw = bytearray(small(ROWS[:4]) + container([], schema=ZTF_SCHEMA))
    for _ in range(data.draw(st.integers(1, 6))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    raw = raw[: data.draw(st.integers(0, len(raw)))] if data.draw(st.booleans()) else raw
    for record in read_containers(io.BytesIO(bytes(raw))):
        assert isinstance(record, AvroError | dict)


@pytest.mark.parametrize(
    ("schema", "reason"),
    [
        (
            {"type": "record", "name": "r", "fields": [{"name": "a", "type": {"type": "array", "items": "null"}}]},
            "without bytes",
        ),
        ({"type": "record", "name": "r", "fields": [{"name": "a", "type": ["null", "r"]}]}, "contains itself"),
        (
            {"type": "record", "name": "r", "fields": [{"name": "a", "type": {"type": "array", "items": "r"}}]},
            "contains itself",
        ),
        (
            {"type": "array", "items": {"type": "record", "name": "e", "fields": [{"name": "a", "type": "null"}]}},
            "without bytes",
        ),
        ({"type": "wonder"}, "not usable"),
        (7, "not usable"),
    ],
)
def test_hostile_schemas_are_refused(schema, reason):
    with pytest.raises(ValueError, match=reason):
        parse_schema(json.dumps(schema).encode())
    assert parse_schema(json.dumps(SMALL).encode())


def test_schema_that_is_no_json_or_too_large():
    for text in (b"", b"{", b"[" * 100_000, b"\xff\xfe"):
        with pytest.raises(ValueError, match="not JSON"):
            parse_schema(text)
    with pytest.raises(ValueError, match="more than"):
        parse_schema(b" " * (avro_schema.MAX_SCHEMA_BYTES + 1))


def test_claims_of_many_empty_records():
    schema = {"type": "record", "name": "r", "fields": [{"name": "a", "type": "null"}]}
    data = container([{"a": None}], schema=schema)
    sync = data[-16:]
    body = data.index(sync) + 16
    good, bad = [], []
    for record in read_containers(io.BytesIO(data[:body] + b"\xfe\xff\xff\xff\x0f\x00" + sync)):
        (bad if isinstance(record, AvroError) else good).append(record)
    assert not good and "no bytes" in str(bad[0])


def test_schemas_of_rubin(data_root):
    schemas = SchemaSet([data_root / "avro" / "lsst"])
    assert {900, 1000, 1100, 704} <= set(schemas.ids())
    for number in schemas.ids():
        assert {f["name"] for f in schemas.schema(number)["fields"]} >= {"diaSource", "cutoutScience"}


def test_schemas_by_id(tmp_path, monkeypatch):
    (tmp_path / "12.avsc").write_text(json.dumps(SMALL))
    (tmp_path / "registry.json").write_text(json.dumps({"id": 34, "schema": json.dumps(SMALL)}))
    (tmp_path / "56.avsc").write_text("{")
    (tmp_path / "notes.json").write_text("[]")
    monkeypatch.setenv("LCJAX_ALERT_SCHEMAS", str(tmp_path))
    schemas = SchemaSet()
    assert schemas.ids() == [12, 34, 56]
    with pytest.raises(ValueError, match="id 77 "):
        schemas.schema(77)
    assert schemas.schema(12)["name"] == schemas.schema(34)["name"] == "r"
    with pytest.raises(ValueError, match=r"56\.avsc' cannot be used"):
        schemas.schema(56)
    record = {"type": "record", "name": "r", "fields": [{"name": "a", "type": {"type": "record", "fields": 2.5}}]}
    for content in (record, {**SMALL, "fields": 1}, {**SMALL, "fields": [3]}, {}, None):
        (tmp_path / "56.avsc").write_text(json.dumps(content))
        with pytest.raises(ValueError, match="schema"):
            SchemaSet().schema(56)
    with pytest.raises(DataError, match="no schema file"):
        SchemaSet([tmp_path / "nowhere"])
