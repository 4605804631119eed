"""Files and bytes cut into pieces that can be decoded anywhere: here, or beside in another process.

Cutting finds packets, Avro blocks, groups of table rows and images by their formats' own marks; decoding, which takes nearly
all of the time, is what pieces do later. What cannot be cut comes out as an `Rejection` in its place.
"""

import io
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from data_pipelines.sources.alerts.archives import is_tar, is_zip, read_tar, read_zip
from data_pipelines.sources.alerts.avro_codecs import AvroError
from data_pipelines.sources.alerts.avro_container import MAGIC as AVRO_MAGIC
from data_pipelines.sources.alerts.avro_container import Block, cut_containers, decode_record
from data_pipelines.sources.alerts.avro_schema import SchemaSet
from data_pipelines.sources.alerts.packets import HISTORY_FIELDS, StampRules
from data_pipelines.sources.alerts.parquet import MAGIC as PARQUET_MAGIC
from data_pipelines.sources.alerts.parquet import cut_parquet
from data_pipelines.sources.alerts.record import Alert
from data_pipelines.sources.alerts.stamp_files import NPY_MAGIC, read_fits_stamps, read_npy_stamps, stamp_group
from data_pipelines.sources.alerts.surveys import alert_from_packet
from data_pipelines.sources.alerts.unpacking import UnpackedStream, UnpackError, open_unpacked, read_all, unpack
from lcjax.errors import Rejection
from lcjax.files import printable

MAX_FILE_BYTES = 64 << 20
"""Of files that are read whole: a message, a FITS file, a member of an archive."""
FITS_MAGIC = b"SIMPLE  ="
_HEAD = 512
BESIDE = (
    ".csv",
    ".txt",
    ".md",
    ".json",
    ".avsc",
    ".yaml",
    ".yml",
    ".html",
    ".pdf",
    ".png",
    ".jpg",
    ".py",
    ".ipynb",
    ".log",
)
"""Endings of files that lie beside alerts and are none."""

Outcome = Alert | Rejection


class Piece(Protocol):
    """Undecoded alerts; can be pickled."""

    @property
    def size(self) -> int:
        """About how many bytes it holds, or refers to."""

    def outcomes(self, rules: StampRules, schemas: SchemaSet) -> Iterator[Outcome]:
        """Its alerts and rejections, in order."""


def outcomes_of(items: Iterable[Piece | Outcome], rules: StampRules, schemas: SchemaSet) -> Iterator[Outcome]:
    """The alerts and rejections of some pieces, in order; what is an outcome already is passed on."""
    for item in items:
        if isinstance(item, Outcome):
            yield item
        else:
            yield from item.outcomes(rules, schemas)


@dataclass(frozen=True)
class Packets:
    """The bytes of Confluent-framed records or Avro containers, one behind the other."""

    data: bytes
    origin: str
    folder: Path | None = None
    """Where schemas may lie."""

    @property
    def size(self) -> int:
        """Bytes."""
        return len(self.data)

    def outcomes(self, rules: StampRules, schemas: SchemaSet) -> Iterator[Outcome]:
        """Alerts in the order of the bytes."""
        data = self.data
        if not data:
            yield Rejection("", "empty message", self.origin)
        elif data[:4] == AVRO_MAGIC:
            yield from outcomes_of(_cut_avro(io.BytesIO(data), self.origin), rules, schemas)
        elif data[0] == 0:
            if self.folder and int.from_bytes(data[1:5], "big") not in schemas:
                schemas.add_beside(self.folder)
            yield from _messages(data, rules, schemas, self.origin)
        else:
            reason = "unknown format: neither an Avro container nor a Confluent message"
            yield Rejection("", reason, self.origin)


@dataclass(frozen=True)
class AvroRecords:
    """A block of an Avro container."""

    block: Block
    origin: str
    first: int
    """Number of its first record in the file."""

    @property
    def size(self) -> int:
        """Bytes."""
        return len(self.block.data)

    def outcomes(self, rules: StampRules, schemas: SchemaSet) -> Iterator[Outcome]:
        """Alerts in the order of the block; it may end early."""
        for number, record in enumerate(self.block.records(_skipped(rules)), self.first):
            here = f"{self.origin}#{number}"
            if isinstance(record, AvroError):
                yield Rejection("", str(record), here)
            else:
                yield alert_from_packet(record, rules, here)


@dataclass(frozen=True)
class Images:
    """The FITS files of one alert."""

    contents: Mapping[str, bytes]
    """Name of the stamp -> bytes of the file."""
    name: str
    origin: str

    @property
    def size(self) -> int:
        """Bytes."""
        return sum(map(len, self.contents.values()))

    def outcomes(self, rules: StampRules, schemas: SchemaSet) -> Iterator[Outcome]:
        """One alert or rejection."""
        yield read_fits_stamps(self.contents, self.name, rules, self.origin)


@dataclass(frozen=True)
class SmallFiles:
    """Files that whoever decodes them also opens."""

    groups: list[list[Path]] = field(default_factory=list)
    """Files of one alert are a group."""
    size: int = 0
    """Bytes."""

    def outcomes(self, rules: StampRules, schemas: SchemaSet) -> Iterator[Outcome]:
        """Alerts in the order of the files."""
        for files in self.groups:
            yield from outcomes_of(cut_files(files, rules), rules, schemas)


def cut_files(files: list[Path], rules: StampRules) -> Iterator[Piece | Outcome]:
    """The pieces of a file, or of files that are FITS stamps of one alert."""
    path = files[0]
    try:
        with open(path, "rb") as raw:
            head = open_unpacked(raw).read(_HEAD)
            if head[:9] == FITS_MAGIC:
                contents = {stamp_group(f.name)[1]: _read_whole(f) for f in files}
                yield Images(contents, stamp_group(printable(path.name))[0], printable(path))
            elif len(files) > 1:
                for file in files:
                    yield from cut_files([file], rules)
            else:
                yield from _cut_stream(open_unpacked(raw), head, path, rules)
    except OSError as error:
        what = "folder that cannot be listed" if isinstance(error, IsADirectoryError) else error.strerror or error
        yield Rejection("", f"unreadable file: {what}", printable(path))
    except UnpackError as error:
        yield Rejection("", str(error), printable(path))


def _read_whole(path: Path) -> bytes:
    with open(path, "rb") as raw:
        return read_all(open_unpacked(raw), MAX_FILE_BYTES)


def _cut_stream(stream: Any, head: bytes, path: Path, rules: StampRules) -> Iterator[Piece | Outcome]:
    """A file that is not FITS, from its unpacked stream."""
    origin, whole = printable(path), lambda: io.BytesIO(read_all(stream, MAX_FILE_BYTES))
    packed = isinstance(stream, UnpackedStream)
    if not head:
        yield Rejection("", "empty file", origin)
    elif head[:4] == AVRO_MAGIC:
        yield from _cut_avro(stream, origin)
    elif is_tar(head):
        yield from _cut_archive(read_tar(stream), rules, origin)
    elif is_zip(head):
        yield from _cut_archive(read_zip(whole() if packed else stream), rules, origin)
    elif head[:4] == PARQUET_MAGIC:
        yield from cut_parquet(whole() if packed else path, rules, origin)
    elif head[:6] == NPY_MAGIC:
        yield from read_npy_stamps(whole() if packed else path, rules, origin, printable(path.stem))
    elif head[0] == 0 and len(head) > 5:
        yield Packets(whole().getvalue(), origin, path.parent)
    else:
        yield Rejection("", "unknown format: not Avro, tar, zip, Parquet, FITS or .npy", origin)


def _cut_archive(
    members: Iterable[tuple[str, bytes | UnpackError]], rules: StampRules, origin: str
) -> Iterator[Piece | Outcome]:
    """Members of an archive: packets, tables, arrays and FITS stamps (those of one alert one behind the other)."""
    images: dict[str, bytes] = {}
    begin, empty = "", True
    for name, content in members:
        here = f"{origin}#{name}" if name else origin
        if isinstance(content, bytes) and (
            Path(name).suffix.lower() in BESIDE or Path(name).name.startswith((".", "_"))
        ):
            continue
        empty = False
        data, problem = _unpacked_member(content)
        group, stamp = stamp_group(Path(name).name) if data[:9] == FITS_MAGIC else ("", "")
        if images and (group != begin or stamp in images):
            yield Images(images, begin, f"{origin}#{begin}")
            images = {}
        if problem:
            yield Rejection("", problem, here)
        elif group:
            begin, images = group, {**images, stamp: data}
        else:
            yield from _cut_member(data, rules, here)
    if images:
        yield Images(images, begin, f"{origin}#{begin}")
    if empty:
        yield Rejection("", "no alerts: the archive is empty", origin)


def _unpacked_member(content: bytes | UnpackError) -> tuple[bytes, str]:
    """Its bytes, or none and what is wrong."""
    try:
        if isinstance(content, UnpackError):
            raise content
        return unpack(content, MAX_FILE_BYTES), ""
    except UnpackError as error:
        return b"", str(error)


def _cut_member(data: bytes, rules: StampRules, origin: str) -> Iterator[Piece | Outcome]:
    if is_tar(data) or is_zip(data):
        yield Rejection("", "an archive in an archive: unpack the outer one first", origin)
    elif data[:4] == PARQUET_MAGIC:
        yield from cut_parquet(io.BytesIO(data), rules, origin)
    elif data[:6] == NPY_MAGIC:
        yield from read_npy_stamps(io.BytesIO(data), rules, origin, Path(origin).stem)
    elif not data:
        yield Rejection("", "empty file", origin)
    else:
        yield Packets(data, origin)


def _cut_avro(stream: Any, origin: str) -> Iterator[Piece | Outcome]:
    number, empty = 0, True
    for block in cut_containers(stream):
        empty = empty and isinstance(block, Block) and not block.count and not block.data
        if isinstance(block, AvroError):
            yield Rejection("", str(block), f"{origin}#{number}")
            number += 1
        else:
            yield AvroRecords(block, origin, number)
            number += block.count
    if empty:
        yield Rejection("", "no alerts: the Avro container is empty", origin)


def _messages(data: bytes, rules: StampRules, schemas: SchemaSet, origin: str) -> Iterator[Outcome]:
    """Confluent-framed records one behind the other; after damage there is no way to find the next."""
    stream, number = io.BytesIO(data), 0
    while (begin := stream.tell()) < len(data):
        here = f"{origin}#{number}"
        try:
            if not number and len(data) < 6:
                raise AvroError(f"truncated Avro: a Confluent message of {len(data)} bytes")
            if data[begin] != 0 or len(data) - begin < 6:
                raise AvroError(f"damaged Avro: {len(data) - begin:,} bytes behind the record are no Confluent message")
            schema = schemas.schema(int.from_bytes(data[begin + 1 : begin + 5], "big"))
            stream.seek(begin + 5)
            record = decode_record(stream, schema, _skipped(rules))
        except ValueError as error:
            yield Rejection("", str(error), here)
            return
        yield alert_from_packet(record, rules, here)
        number += 1


def _skipped(rules: StampRules) -> frozenset[str]:
    return frozenset() if rules.history else HISTORY_FIELDS
