"""Alerts from files of any kind, folders and messages, behind one function; what a file is, its first bytes tell.

Nothing is lost silently: an alert, message or file that cannot be used comes out as an `Rejection` in its place, and
reading goes on. Memory is that of one alert, one Avro block, or one small group of table rows.
"""

import itertools
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from data_pipelines.sources.alerts.avro_schema import SchemaSet
from data_pipelines.sources.alerts.cutting import BESIDE, Outcome, Packets, Piece, SmallFiles, cut_files, outcomes_of
from data_pipelines.sources.alerts.packets import StampRules
from data_pipelines.sources.alerts.record import STAMP_NAMES
from data_pipelines.sources.alerts.stamp_files import stamp_group
from data_pipelines.sources.folders import check_there, files_below
from lcjax.errors import DataError, Rejection

_SMALL_BYTES = 4 << 20
"""Files up to this size are opened where they are decoded; of larger ones the pieces are."""
_FILES = 32
"""Of small ones, in a piece."""


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

    Avro containers and Confluent-framed messages (also concatenated), Parquet, FITS stamps and `.npy` arrays; these in tar or
    zip archives; any of it in gzip, bzip2, xz or zstandard. Each is recognised by its first bytes. An alert's `origin` is
    `file#record`, in an archive `file#member#record`.

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
    return outcomes_of(cut_alerts(paths, rules, on_file, on_other), rules, schemas or SchemaSet())


def cut_alerts(
    paths: Sequence[Path | str] | Path | str,
    rules: StampRules,
    on_file: Callable[[Path], None] | None = None,
    on_other: Callable[[Path], None] | None = None,
) -> Iterator[Piece | Outcome]:
    """As `read_alerts`, but not decoded: pieces for `Decoders`, and what needs no decoding."""
    paths = [paths] if isinstance(paths, str | Path) else list(paths)
    small = SmallFiles()
    for files in _grouped(_list_files(paths, on_other)):
        for file in files:
            if on_file:
                on_file(file)
        size = _size(files)
        if small.groups and (small.size + size > _SMALL_BYTES or len(small.groups) == _FILES):
            yield small
            small = SmallFiles()
        if size <= _SMALL_BYTES:
            small = SmallFiles([*small.groups, files], small.size + size)
        else:
            yield from cut_files(files, rules)
    if small.groups:
        yield small


def _size(files: list[Path]) -> int:
    """Bytes; 0 for files that are gone, which is said when they are opened."""
    try:
        return sum(file.stat().st_size for file in files)
    except OSError:
        return 0


def decode_packet(
    data: bytes, schemas: SchemaSet | None = None, origin: str = "", rules: StampRules | None = None
) -> Outcome:
    """The alert of one message: a Confluent-framed record or a container with one record.

    Args:
      data: the message. schemas: of Confluent-framed messages. origin: what the alert is said to come from.
    """
    found = list(itertools.islice(read_packets(data, schemas, origin, rules), 2))
    if len(found) == 1:
        return found[0]
    return Rejection("", f"{'more than one' if found else 'no'} alert in one message", origin)


def read_packets(
    data: bytes, schemas: SchemaSet | None = None, origin: str = "", rules: StampRules | None = None
) -> Iterator[Outcome]:
    """The alerts of some bytes: Confluent-framed records or containers, one behind the other."""
    return Packets(data, origin).outcomes(rules or StampRules(), schemas or SchemaSet())


def _list_files(paths: Sequence[Path | str], on_other: Callable[[Path], None] | None) -> list[Path]:
    files: list[Path] = []
    for path in map(Path, paths):
        check_there(path)
        if path.is_file():
            files.append(path)
            continue
        if not path.is_dir():
            raise DataError(f"'{path}' is neither a file nor a folder")
        hidden = lambda p, top=path: any(part.startswith((".", "_")) for part in p.relative_to(top).parts)
        below = [p for p in sorted(files_below(path)) if not hidden(p)]
        for other in [p for p in below if p.suffix.lower() in BESIDE] if on_other else []:
            on_other(other)
        below = [p for p in below if p.suffix.lower() not in BESIDE]
        if not below:
            raise DataError(f"folder '{path}' holds no alerts (Avro, tar, zip, Parquet, FITS, .npy)")
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
