"""Avro object containers, one or many in a stream, damaged or not.

A container is `Obj` 1, a header with the writer's schema and a 16-byte sync marker, then blocks: number of records, bytes,
data, marker. Brokers' archives concatenate whole containers; `fastavro.reader` stops there, and at the first damaged byte.
Here the stream is cut into blocks with every size checked, blocks are unpacked with a bound, and after damage reading goes
on at the next marker or container. Format: Apache Avro 1.12 specification, "Object Container Files".
"""

import io
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO

from data_pipelines.sources.alerts.avro_codecs import CODECS, MAX_BLOCK_BYTES, AvroError
from data_pipelines.sources.alerts.avro_schema import MAX_SCHEMA_BYTES, fastavro, parse_schema, without_fields

MAGIC = b"Obj\x01"
MAX_METADATA_ENTRIES = 64
_SYNC = 16
_STEP = 1 << 20


class Window:
    """A stream seen through a bounded buffer: look ahead, take, search."""

    def __init__(self, file: BinaryIO) -> None:
        """`file`: anything with `read(n)`."""
        self._file, self._held, self._at = file, b"", 0
        self._mark: int | None = None

    def mark(self) -> None:
        """Remembers this place for `rewind`."""
        self._mark = self._at

    def rewind(self) -> None:
        """Goes back to the marked place."""
        if self._mark is not None:
            self._at = self._mark

    def forget(self) -> None:
        """Drops the mark, so that what lies before need not be kept."""
        self._mark = None

    def peek(self, count: int) -> bytes:
        """The next bytes, fewer at the end; they stay."""
        while len(self._held) - self._at < count:
            piece = self._file.read(max(_STEP, count - len(self._held) + self._at))
            if not piece:
                break
            keep = self._at if self._mark is None else self._mark
            self._held = self._held[keep:] + piece
            self._at -= keep
            self._mark = None if self._mark is None else 0
        return self._held[self._at : self._at + count]

    def take(self, count: int) -> bytes:
        """The next bytes.

        Raises:
          AvroError: the stream ends before.
        """
        out = self.peek(count)
        if len(out) < count:
            raise AvroError("truncated Avro: the file ends in the middle of a block")
        self._at += count
        return out

    def long(self) -> int:
        """A zigzag variable-length integer."""
        value = 0
        for shift in range(0, 64, 7):
            byte = self.take(1)[0]
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                return value >> 1 ^ -(value & 1)
        raise AvroError("damaged Avro: an integer has more than ten bytes")

    def sized(self, limit: int) -> bytes:
        """Bytes behind their length."""
        size = self.long()
        if not 0 <= size <= limit:
            raise AvroError(f"damaged Avro: a length of {size:,} bytes is out of range")
        return self.take(size)

    def skip_to(self, *markers: bytes) -> bytes | None:
        """Goes to just before the first of some markers and returns it; None: there is none, and the stream is used up."""
        longest = max(map(len, markers))
        while True:
            data = self.peek(_STEP)
            found = [(at, marker) for marker in markers if (at := data.find(marker)) >= 0]
            if found:
                at, marker = min(found)
                self._at += at
                return marker
            if len(data) < _STEP:
                self._at = len(self._held)
                return None
            self._at += len(data) - longest + 1


@dataclass(frozen=True)
class Block:
    """Some records of a container, not decoded."""

    schema: bytes
    """JSON of the writer's schema."""
    codec: str
    count: int
    """How many records it says it has."""
    data: bytes
    """As in the file: compressed."""
    number: int = 0
    """Of the block in its container, from 0."""

    def records(self, skip: frozenset[str] = frozenset()) -> Iterator[dict[str, Any] | AvroError]:
        """Its records, and an error in the place of the first that cannot be decoded, or behind them where they do not use up
        the block: then its number of records is not to be trusted. `skip`: see `read_containers`.
        """
        return _records(self, parse_schema(self.schema), skip)


def read_containers(file: BinaryIO, skip: frozenset[str] = frozenset()) -> Iterator[dict[str, Any] | AvroError]:
    """Every record of the containers in a stream, and an error in the place of each damaged stretch.

    Args:
      file: the stream. skip: top-level fields that need not be decoded.
    """
    for block in cut_containers(file):
        if isinstance(block, Block):
            yield from block.records(skip)
        else:
            yield block


def cut_containers(file: BinaryIO) -> Iterator[Block | AvroError]:
    """Every block of the containers in a stream, and an error in the place of each damaged stretch."""
    window = Window(file)
    schemas: dict[bytes, bytes] = {}
    while window.peek(1):
        begins = window.peek(4) == MAGIC
        window.mark()
        try:
            schema, codec, sync = _header(window)
        except AvroError as error:
            yield error
            window.rewind()  # a header cut off may have taken the next container for its own
            window.forget()
            if begins:
                window.take(4)
            if window.skip_to(MAGIC) is None:
                return
            continue
        window.forget()
        if schema not in schemas:  # one copy of the text that every packet repeats
            schemas = {schema: schema}
        yield from _blocks(window, schemas[schema], codec, sync)


def _header(window: Window) -> tuple[bytes, str, bytes]:
    """JSON of the schema, compression, sync marker."""
    if window.peek(4) != MAGIC:
        raise AvroError("damaged Avro: a container does not begin with Obj 1")
    window.take(4)
    metadata: dict[bytes, bytes] = {}
    while count := window.long():
        if count < 0:
            count = -count
            window.long()
        if len(metadata) + count > MAX_METADATA_ENTRIES:
            raise AvroError(f"damaged Avro: the header claims {count:,} entries")
        for _ in range(count):
            key = window.sized(1 << 12)
            metadata[key] = window.sized(MAX_SCHEMA_BYTES)
    sync = window.take(_SYNC)
    schema = metadata.get(b"avro.schema", b"")
    try:
        parse_schema(schema)
    except ValueError as error:
        raise AvroError(f"damaged Avro: {error}") from None
    codec = metadata.get(b"avro.codec", b"null").decode("latin-1")
    if codec not in CODECS:
        raise AvroError(f"unknown Avro compression '{codec[:20]}': known are {', '.join(CODECS)}")
    return schema, codec, sync


def _blocks(window: Window, schema: bytes, codec: str, sync: bytes) -> Iterator[Block | AvroError]:
    number = -1
    while window.peek(4) and window.peek(4) != MAGIC:
        number += 1
        try:
            count, data = _block(window, sync)
        except AvroError as error:
            yield error
            if window.skip_to(sync, MAGIC) == sync:
                window.take(_SYNC)
                continue
            return
        yield Block(schema, codec, count, data, number)


def _block(window: Window, sync: bytes) -> tuple[int, bytes]:
    """Number of records and bytes of the next block, which is taken only when it ends as it should."""
    head = Window(io.BytesIO(window.peek(20)))
    count, size = head.long(), head.long()
    if count < 0 or not 0 <= size <= MAX_BLOCK_BYTES:
        raise AvroError(f"damaged Avro: a block claims {count:,} records in {size:,} bytes")
    begin = len(window.peek(20)) - len(head.peek(20))
    whole = window.peek(begin + size + _SYNC)
    if len(whole) < begin + size + _SYNC:
        raise AvroError("truncated Avro: the file ends in the middle of a block")
    if whole[-_SYNC:] != sync:
        raise AvroError("damaged Avro: a block does not end with its sync marker")
    window.take(len(whole))
    return count, whole[begin:-_SYNC]


def _records(block: Block, schema: Any, skip: frozenset[str]) -> Iterator[dict[str, Any] | AvroError]:
    count = block.count
    try:
        data = CODECS[block.codec](block.data)
    except AvroError as error:
        yield error
        return
    except Exception as error:  # every codec has its own
        yield AvroError(f"damaged Avro: a block cannot be unpacked ({type(error).__name__})")
        return
    stream = io.BytesIO(data)
    for number in range(count):
        begin = stream.tell()
        try:
            record = decode_record(stream, schema, skip)
            if stream.tell() == begin:
                raise AvroError("damaged Avro: a record has no bytes")
        except AvroError as error:
            left = f", and {count - number - 1:,} records behind it" if number + 1 < count else ""
            yield AvroError(f"{error}{left}")
            return
        yield record
    if left := len(data) - stream.tell():
        said = f"block {block.number} claims {count:,} records, and {left:,} bytes are left behind them"
        yield AvroError(f"damaged Avro: {said}")


def decode_record(stream: io.BytesIO, schema: Any, skip: frozenset[str] = frozenset()) -> dict[str, Any]:
    """The record at the position of a stream, with or without the fields to skip.

    Raises:
      AvroError: the bytes are not such a record.
    """
    wanted = without_fields(schema, skip) if skip else None
    try:
        record = fastavro().schemaless_reader(stream, schema, wanted)
    except EOFError:
        raise AvroError("truncated Avro: the record ends early") from None
    except Exception as error:  # IndexError, UnicodeDecodeError, OverflowError, ...: what random bytes lead to
        raise AvroError(f"damaged Avro: a record does not follow its schema ({type(error).__name__})") from None
    if not isinstance(record, dict):
        raise AvroError("damaged Avro: the schema is not of a record")
    return record
