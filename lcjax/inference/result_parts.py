"""Results of a message stream and the offsets they come from, stored as one: numbered Parquet files, each written whole or not.

A part holds the results of one stretch of one partition, `<topic>-<partition>-<first offset>.parquet`; where the next part must
begin and which messages were set aside stand in its metadata. A part appears under its name in one step and never replaces
another, and every part begins where the one before ended. So the parts of a partition are one chain: after a crash the chain's
end says where to go on, and of two processes that believe they own a partition only one can add the next part. Nothing is
lost or repeated, whatever is killed when.

Parquet readers take the folder as one table (names that begin with a dot are skipped).
"""

import contextlib
import errno
import json
import os
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from lcjax.errors import ConfigError, DataError, Rejection
from lcjax.files import storage_errors

_KEY = b"lcjax.part"
_NAME = re.compile(r"(?P<topic>[A-Za-z0-9._-]+)-(?P<partition>\d{5,})-(?P<first>\d{19})\.parquet")
_REASON_LENGTH = 300

Partition = tuple[str, int]
"""Topic, partition."""


@dataclass(frozen=True)
class Part:
    """What a part's metadata says."""

    topic: str
    partition: int
    first: int
    """Offset where it begins."""
    next: int
    """Offset where the part behind it begins."""
    identity: str
    """What wrote it, such as the model."""
    rejected: tuple[Rejection, ...]

    @property
    def name(self) -> str:
        """File name; names sort by offset within a partition."""
        return f"{self.topic}-{self.partition:05d}-{self.first:019d}.parquet"


class ResultParts:
    """The parts in one folder; several processes may share it."""

    def __init__(
        self, folder: Path | str, schema: pa.Schema, identity: str = "", reason_length: int | None = _REASON_LENGTH
    ) -> None:
        """Makes the folder and looks at what is there.

        Args:
          folder: of the parts. schema: of their rows. identity: parts written by another are no company for ours.
          reason_length: characters that are kept of the reason of a rejection; None: all.

        Raises:
          StorageError: it cannot be written. ConfigError: it holds other results.
        """
        self.folder, self.schema, self.identity = Path(folder), schema, identity
        self._reason_length = reason_length
        self._texts = [field.name for field in schema if pa.types.is_string(field.type)]  # numbers seldom repeat
        with storage_errors(self.folder):
            self.folder.mkdir(parents=True, exist_ok=True)
            tables = [n for n in sorted(os.listdir(self.folder)) if n.endswith(".parquet") and not n.startswith(".")]
        if others := [n for n in tables if not _NAME.fullmatch(n)]:
            raise ConfigError(
                f"'{self.folder}' holds '{others[0]}', which would be taken for one of the results: choose another --out"
            )
        for name in _last_names(self.folder).values():
            self._check(read_part(self.folder / name), pq.read_schema(self.folder / name))

    def _check(self, part: Part, schema: pa.Schema) -> None:
        if part.identity != self.identity or not schema.remove_metadata().equals(self.schema.remove_metadata()):
            raise ConfigError(
                f"'{self.folder}' holds results of another model, other settings or another Kafka cluster "
                f"({part.identity or 'unknown'}): choose another --out"
            )

    def next_offset(self, topic: str, partition: int) -> int | None:
        """Where the partition's chain ends; None: there is no part yet."""
        name = _last_names(self.folder).get((topic, partition))
        return None if name is None else read_part(self.folder / name).next

    def write(
        self,
        topic: str,
        partition: int,
        first: int,
        following: int,
        rows: Sequence[dict[str, Any]] | pa.Table,
        rejected: Sequence[Rejection] = (),
    ) -> bool:
        """Adds a part; it is on the disk when this returns.

        Args:
          first: offset of its first message, where the part before ends. following: offset behind its last message.
          rows: by the schema, in offset order. rejected: messages set aside.

        Returns:
          False: another process has written the part that begins there; these rows are not to be used.
        """
        part = Part(topic, partition, first, following, self.identity, tuple(rejected))
        path = self.folder / part.name
        temporary = self.folder / f".{part.name}.{os.getpid()}.partial"
        about = {_KEY: _as_json(part, self._reason_length)}
        table = rows if isinstance(rows, pa.Table) else pa.Table.from_pylist(list(rows), self.schema)
        table = table.replace_schema_metadata((self.schema.metadata or {}) | about)
        with storage_errors(path):
            try:
                with open(temporary, "wb") as file:
                    pq.write_table(table, file, use_dictionary=self._texts)
                    file.flush()
                    os.fsync(file.fileno())
                if not _appear(temporary, path):
                    return False
                _sync_folder(self.folder)
            finally:
                temporary.unlink(missing_ok=True)
        return True


def _as_json(part: Part, reason_length: int | None) -> bytes:
    content = asdict(part)
    for rejection in content["rejected"]:
        rejection["reason"] = rejection["reason"][:reason_length]
    return json.dumps(content).encode()


def _appear(temporary: Path, path: Path) -> bool:
    """Gives a file its name unless that is taken."""
    try:
        os.link(temporary, path)
    except FileExistsError:
        return False
    except OSError as error:
        if error.errno not in (errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK):
            raise
        # Without hard links two processes could both find the name free: there, one folder must have one writer.
        if path.exists():
            return False
        os.rename(temporary, path)
    return True


def _sync_folder(folder: Path) -> None:
    with contextlib.suppress(OSError):  # some systems do not open folders
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _last_names(folder: Path) -> dict[tuple[str, int], str]:
    """Partition -> name of its last part."""
    found: dict[tuple[str, int], str] = {}
    for name in sorted(entry.name for entry in os.scandir(folder)):
        if match := _NAME.fullmatch(name):
            found[match["topic"], int(match["partition"])] = name
    return found


def read_part(path: Path | str) -> Part:
    """A part's metadata.

    Raises:
      DataError: the file is no part or damaged.
    """
    try:
        about = json.loads((pq.read_metadata(path).metadata or {})[_KEY])
        about["rejected"] = tuple(Rejection(**row) for row in about["rejected"])
        return Part(**about)
    except (OSError, KeyError, TypeError, ValueError, pa.ArrowException) as error:
        raise DataError(
            f"'{path}' is not a sound part of a stream's results ({type(error).__name__}): move it away together with those "
            "of its partition that follow"
        ) from error


def read_parts(folder: Path | str) -> Iterator[Part]:
    """The metadata of all parts, partition by partition in offset order.

    Raises:
      DataError: a part is damaged, or one is missing between others.
    """
    before: Part | None = None
    for name in sorted(entry.name for entry in os.scandir(folder)):
        if not _NAME.fullmatch(name):
            continue
        part = read_part(Path(folder) / name)
        if before and (before.topic, before.partition) == (part.topic, part.partition) and before.next != part.first:
            raise DataError(
                f"'{name}' begins at offset {part.first}, the part before it ends at {before.next}: one between is missing"
            )
        yield part
        before = part


class StreamedResults:
    """Gathers results in offset order and writes them as parts, each when it is full or old enough."""

    def __init__(self, parts: ResultParts, rows: int = 4096, seconds: float = 10.0) -> None:
        """`rows`, `seconds`: size and age at which a part is written."""
        self.parts, self._rows, self._seconds = parts, rows, seconds
        self._open: dict[Partition, _Gathered] = {}
        self._ends: dict[Partition, int | None] = {}
        self.written_rows = self.written_rejections = 0

    def resume(self, topic: str, partition: int) -> int | None:
        """Where a partition must be read on, None: anywhere; what is not written of it is dropped."""
        self.forget([(topic, partition)])
        end = self._ends[topic, partition] = self.parts.next_offset(topic, partition)
        return end

    def forget(self, partitions: Iterable[Partition]) -> None:
        """Drops what is not written of these partitions."""
        for partition in partitions:
            self._open.pop(partition, None)
            self._ends.pop(partition, None)

    def add(self, topic: str, partition: int, offset: int, result: dict[str, Any] | Rejection, now: float) -> None:
        """The outcome of one message of a partition that `resume` was asked for. `now`: seconds of a steady clock."""
        where = (topic, partition)
        if where not in self._open:
            end = self._ends[where]
            self._open[where] = _Gathered(offset if end is None else end, now)
        self._open[where].add(offset, result)

    def write(
        self, now: float | None = None, only: Iterable[Partition] | None = None
    ) -> tuple[dict[Partition, int], list[Partition]]:
        """Writes the parts that are due.

        Args:
          now: None: all are due. only: of these partitions.

        Returns:
          written: partition -> offset up to which results are safe, to be committed.
          taken: partitions of which another process has written what was due here; they must be read on from `resume`.
        """
        written, taken = {}, []
        for partition in [p for p in self._open if only is None or p in only]:
            due = self._open[partition]
            if now is not None and due.count < self._rows and now - due.since < self._seconds:
                continue
            del self._open[partition]
            if self.parts.write(*partition, due.first, due.following, due.rows, due.rejected):
                written[partition] = self._ends[partition] = due.following
                self.written_rows += len(due.rows)
                self.written_rejections += len(due.rejected)
            else:
                taken.append(partition)
        return written, taken


class _Gathered:
    """Outcomes of one partition that are not written."""

    def __init__(self, first: int, since: float) -> None:
        self.first = self.following = first
        self.since = since
        self.rows: list[dict[str, Any]] = []
        self.rejected: list[Rejection] = []

    @property
    def count(self) -> int:
        return len(self.rows) + len(self.rejected)

    def add(self, offset: int, result: dict[str, Any] | Rejection) -> None:
        if offset < self.following:
            raise ValueError(f"offset {offset} comes behind {self.following - 1}: messages must come in order")
        self.following = offset + 1
        if isinstance(result, Rejection):
            self.rejected.append(result)
        else:
            self.rows.append(result)
