"""Alerts from files of any kind, folders and messages, behind one function; what a file is, its first bytes tell.

Nothing is lost silently: an alert, message or file that cannot be used comes out as an `AlertRejection` in its place, and
reading goes on. Memory is that of one alert, one Avro block, or one small group of table rows.
"""

import io
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import BinaryIO

from data_pipelines.sources.alerts.archives import ArchiveError, is_tar, open_maybe_gzip, read_members
from data_pipelines.sources.alerts.avro_container import MAGIC as AVRO_MAGIC
from data_pipelines.sources.alerts.avro_container import AvroError, decode_record, read_containers
from data_pipelines.sources.alerts.avro_schema import SchemaSet
from data_pipelines.sources.alerts.packets import HISTORY_FIELDS, StampRules, alert_from_packet
from data_pipelines.sources.alerts.parquet import MAGIC as PARQUET_MAGIC
from data_pipelines.sources.alerts.parquet import read_parquet
from data_pipelines.sources.alerts.record import STAMP_NAMES, Alert, AlertRejection
from data_pipelines.sources.alerts.stamp_files import NPY_MAGIC, read_fits_stamps, read_npy_stamps, stamp_group
from lcjax.errors import DataError

MAX_FILE_BYTES = 64 << 20
"""Of files that are read whole: a message, a FITS file, a member of an archive."""
_FITS_MAGIC = b"SIMPLE  ="
_HEAD = 512
_BESIDE = (
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

Outcome = Alert | AlertRejection


def read_alerts(
    paths: Sequence[Path | str] | Path | str,
    *,
    need_stamps: Sequence[str] = STAMP_NAMES,
    rules: StampRules | None = None,
    schemas: SchemaSet | None = None,
    on_file: Callable[[Path], None] | None = None,
    on_other: Callable[[Path], None] | None = None,
) -> Iterator[Outcome]:
    """Alerts of files and folders, in the order of the paths, folders in name order.

    Avro containers (also concatenated), Confluent-framed messages (also concatenated), tar and gzip of these, Parquet, FITS
    stamps and `.npy` arrays, each recognised by its first bytes.

    Args:
      paths: files, or folders that are searched with their subfolders.
      need_stamps: cutouts that an alert must have, of `STAMP_NAMES`; none: stamps are not decoded.
      rules: all rules about stamps; `need_stamps` is then ignored.
      schemas: of Confluent-framed messages; schemas in the folder of a file, and in folders there, are found without.
      on_file: told of every file that is opened. on_other: told of files in folders that are of no alert format and are
        not called as if they were.

    Raises:
      DataError: a path does not exist, or folders hold nothing to read.
    """
    rules = rules or StampRules(need=tuple(need_stamps))
    schemas = schemas or SchemaSet()
    paths = [paths] if isinstance(paths, str | Path) else list(paths)
    for files in _grouped(_list_files(paths, on_other)):
        for file in files:
            if on_file:
                on_file(file)
        yield from _read_files(files, rules, schemas)


def decode_packet(
    data: bytes, schemas: SchemaSet | None = None, origin: str = "", rules: StampRules | None = None
) -> Outcome:
    """The alert of one message: a Confluent-framed record or a container with one record.

    Args:
      data: the message. schemas: of Confluent-framed messages. origin: what the alert is said to come from.
    """
    found = list(read_packets(data, schemas, origin, rules))
    if len(found) == 1:
        return found[0]
    return AlertRejection(0, "", f"{len(found)} alerts in one message", origin)


def read_packets(
    data: bytes, schemas: SchemaSet | None = None, origin: str = "", rules: StampRules | None = None
) -> Iterator[Outcome]:
    """The alerts of some bytes: Confluent-framed records or containers, one behind the other."""
    rules, schemas = rules or StampRules(), schemas or SchemaSet()
    if not data:
        yield AlertRejection(0, "", "empty message", origin)
    elif data[:4] == AVRO_MAGIC:
        yield from _from_containers(io.BytesIO(data), rules, origin)
    elif data[0] == 0:
        yield from _from_messages(data, rules, schemas, origin)
    else:
        yield AlertRejection(0, "", "unknown format: neither an Avro container nor a Confluent message", origin)


def _list_files(paths: Sequence[Path | str], on_other: Callable[[Path], None] | None) -> list[Path]:
    files: list[Path] = []
    for path in map(Path, paths):
        if not path.exists():
            raise DataError(f"there is no file or folder '{path}'")
        if path.is_file():
            files.append(path)
            continue
        hidden = lambda p, top=path: any(part.startswith((".", "_")) for part in p.relative_to(top).parts)
        below = [p for p in sorted(path.rglob("*")) if p.is_file() and not hidden(p)]
        for other in [p for p in below if p.suffix.lower() in _BESIDE] if on_other else []:
            on_other(other)
        below = [p for p in below if p.suffix.lower() not in _BESIDE]
        if not below:
            raise DataError(f"folder '{path}' holds no alerts (Avro, tar, Parquet, FITS, .npy)")
        files += below
    return files


def _grouped(files: list[Path]) -> Iterator[list[Path]]:
    """Files in order; FITS stamps of one alert together, where the first of them is."""
    groups: dict[tuple[Path, str], list[Path]] = {}
    keys: dict[Path, tuple[Path, str]] = {}
    for file in files:
        if ".fit" in file.name.lower() or ".fts" in file.name.lower():
            keys[file] = (file.parent, stamp_group(file.name)[0])
            groups.setdefault(keys[file], []).append(file)
    for file in files:
        group = groups.get(keys[file]) if file in keys else [file]
        if group and group[0] == file:
            names = [stamp_group(f.name)[1] for f in group]
            yield from [group] if len(set(names)) == len(names) else [[f] for f in group]


def _read_files(files: list[Path], rules: StampRules, schemas: SchemaSet) -> Iterator[Outcome]:
    path = files[0]
    try:
        with open(path, "rb") as raw:
            stream = open_maybe_gzip(raw)
            head = _peek(stream)
            if head[:9] == _FITS_MAGIC:
                contents = {stamp_group(f.name)[1]: _read_whole(f) for f in files}
                yield read_fits_stamps(contents, stamp_group(path.name)[0], rules, str(path))
            elif len(files) > 1:
                for file in files:
                    yield from _read_files([file], rules, schemas)
            else:
                yield from _read_stream(stream, head, path, rules, schemas)
    except OSError as error:
        yield AlertRejection(0, "", f"unreadable file: {error.strerror or error}", str(path))
    except (EOFError, ArchiveError, _zlib_error()) as error:
        yield AlertRejection(0, "", f"corrupt gzip: {error}", str(path))


def _peek(stream: BinaryIO) -> bytes:
    head = stream.read(_HEAD)
    stream.seek(0)
    return head


def _read_whole(path: Path) -> bytes:
    with open(path, "rb") as raw:
        return _bounded(open_maybe_gzip(raw))


def _bounded(stream: BinaryIO) -> bytes:
    data = stream.read(MAX_FILE_BYTES + 1)
    if len(data) > MAX_FILE_BYTES:
        raise ArchiveError(f"more than {MAX_FILE_BYTES:,} bytes in one file that is read whole")
    return data


def _read_stream(stream: BinaryIO, head: bytes, path: Path, rules: StampRules, schemas: SchemaSet) -> Iterator[Outcome]:
    """A file that is not FITS, from its (decompressed) stream."""
    origin = str(path)
    if not head:
        yield AlertRejection(0, "", "empty file", origin)
    elif head[:4] == AVRO_MAGIC:
        yield from _from_containers(stream, rules, origin)
    elif is_tar(head):
        yield from _from_archive(stream, rules, schemas, origin)
    elif head[:4] == PARQUET_MAGIC:
        yield from read_parquet(path if not hasattr(stream, "fileobj") else io.BytesIO(_bounded(stream)), rules, origin)
    elif head[:6] == NPY_MAGIC:
        mapped = path.suffix == ".npy"
        yield from read_npy_stamps(path if mapped else io.BytesIO(_bounded(stream)), rules, origin, path.stem)
    elif head[0] == 0 and len(head) > 5:
        if int.from_bytes(head[1:5], "big") not in schemas:
            schemas.add_beside(path.parent)
        yield from _from_messages(_bounded(stream), rules, schemas, origin)
    else:
        yield AlertRejection(0, "", "unknown format: not Avro, tar, Parquet, FITS or .npy", origin)


def _from_archive(stream: BinaryIO, rules: StampRules, schemas: SchemaSet, origin: str) -> Iterator[Outcome]:
    """Members of a tar: packets, tables, arrays and FITS stamps (those of one alert one behind the other)."""
    images: dict[str, bytes] = {}
    begin = ""
    for name, content in read_members(stream):
        here = f"{origin}:{name}"
        data = b"" if isinstance(content, ArchiveError) else content
        is_image = data[:9] == _FITS_MAGIC or (data[:2] == b"\x1f\x8b" and ".fit" in name.lower())
        group, stamp = stamp_group(Path(name).name) if is_image else ("", "")
        if images and (group != begin or stamp in images):
            yield read_fits_stamps(images, begin, rules, f"{origin}:{begin}")
            images = {}
        if isinstance(content, ArchiveError):
            yield AlertRejection(0, "", str(content), here)
        elif is_image:
            begin, images = group, {**images, stamp: data}
        elif Path(name).suffix.lower() not in _BESIDE and not Path(name).name.startswith((".", "_")):
            yield from _from_member(data, rules, schemas, here)
    if images:
        yield read_fits_stamps(images, begin, rules, f"{origin}:{begin}")


def _from_member(data: bytes, rules: StampRules, schemas: SchemaSet, origin: str) -> Iterator[Outcome]:
    if data[:2] == b"\x1f\x8b":
        try:
            data = _bounded(open_maybe_gzip(io.BytesIO(data)))
        except (OSError, EOFError, ArchiveError, _zlib_error()) as error:
            yield AlertRejection(0, "", f"corrupt gzip: {error}", origin)
            return
    if data[:4] == PARQUET_MAGIC:
        yield from read_parquet(io.BytesIO(data), rules, origin)
    elif data[:6] == NPY_MAGIC:
        yield from read_npy_stamps(io.BytesIO(data), rules, origin, Path(origin).stem)
    elif not data:
        yield AlertRejection(0, "", "empty file", origin)
    else:
        yield from read_packets(data, schemas, origin, rules)


def _from_containers(stream: BinaryIO, rules: StampRules, origin: str) -> Iterator[Outcome]:
    count = 0
    for count, record in enumerate(read_containers(stream, _skipped(rules)), 1):
        here = f"{origin}#{count - 1}"
        yield (
            AlertRejection(0, "", str(record), here)
            if isinstance(record, AvroError)
            else alert_from_packet(record, rules, here)
        )
    if not count:
        yield AlertRejection(0, "", "no alerts: the Avro container is empty", origin)


def _from_messages(data: bytes, rules: StampRules, schemas: SchemaSet, origin: str) -> Iterator[Outcome]:
    """Confluent-framed records one behind the other; after damage there is no way to find the next."""
    stream, number = io.BytesIO(data), 0
    while (begin := stream.tell()) < len(data):
        here = f"{origin}#{number}"
        try:
            if data[begin] != 0 or len(data) - begin < 6:
                raise AvroError(f"damaged Avro: {len(data) - begin:,} bytes behind the record are no Confluent message")
            schema = schemas.schema(int.from_bytes(data[begin + 1 : begin + 5], "big"))
            stream.seek(begin + 5)
            record = decode_record(stream, schema, _skipped(rules))
        except ValueError as error:
            yield AlertRejection(0, "", str(error), here)
            return
        yield alert_from_packet(record, rules, here)
        number += 1


def _skipped(rules: StampRules) -> frozenset[str]:
    return frozenset() if rules.history else HISTORY_FIELDS


def _zlib_error() -> type[Exception]:
    import zlib

    return zlib.error
