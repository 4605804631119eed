"""Answers to files, kept in parts while they come: a command that was killed goes on where its parts end.

The parts lie in a hidden folder beside the table, `.<name>.parts`, and say of what model, settings and input they are; each holds
the answers to a stretch of the input (`ResultParts`). When all is answered the table is made of them and the folder is gone. The
table does not depend on where parts end, so it is the same file whatever stopped the command on the way. Little work needs no part.
"""

import itertools
import os
import shutil
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pyarrow as pa
import pyarrow.parquet as pq

from lcjax.errors import ConfigError, DataError, Rejection
from lcjax.files import storage_errors, take_lock, unfinished_parts, written_file
from lcjax.inference.result_parts import ResultParts, read_parts
from lcjax.inference.streamed_table import StreamedTable, as_table, check_columns, rejection_schema
from lcjax.inference.table_names import check_table_name

PART_ITEMS, PART_ROWS, PART_SECONDS = 4096, 1 << 16, 30.0
"""A part is written when one of these is reached."""
_TOPIC, _LOCK = "items", "lock"


class ResumableAnswers:
    """The table of answers and the table of what was set aside; use as a context."""

    def __init__(
        self,
        out: Path,
        rejected: Path,
        schema: pa.Schema,
        constant: Sequence[str],
        rejection_columns: Sequence[str],
        identity: str,
        say: Callable[[str], None],
    ) -> None:
        """Looks for the parts of an earlier run of the same command.

        Args:
          constant: columns that are left out where all rows have one value. identity: of the command and its input; parts
            of another are dropped. say: told so.

        Raises:
          ConfigError: the table has no place for a column, or another process writes it. StorageError: it cannot be written.
        """
        check_table_name(out)
        check_columns(out, schema)
        self._out, self._rejected, self._schema = out, rejected, schema
        self._columns, self._say = rejection_columns, say
        self.folder = unfinished_parts(written_file(out))
        self._closing = ExitStack()
        self._values: dict[str, set[Any]] = {name: set() for name in constant}
        self._rows: list[dict[str, Any]] = []
        self._blocks: list[pa.RecordBatch] = []
        self._aside: list[Rejection] = []
        self._held_rows = 0
        self._since = time.monotonic()
        self.reasons = Counter[str]()
        """Why items were set aside."""
        self.example = ""
        """The first reason in full."""
        self.answered = 0
        self.done = self._begin = self._end = 0
        """`done`: items that an earlier run has answered or set aside; this one begins behind them."""
        self._closing.enter_context(_only_writer(self.folder, out))
        with self._closing.pop_all() as held:
            self._open(identity)
            self._closing = held.pop_all()

    def _open(self, identity: str) -> None:
        if _of_another(self.folder, identity):
            self._say(f"what another command left unfinished of '{self._out}' is dropped")
            for name in os.listdir(self.folder):
                if name != _LOCK:
                    (self.folder / name).unlink()
        self._parts = ResultParts(self.folder, self._schema, identity, reason_length=None)
        for part in read_parts(self.folder):
            for rejection in part.rejected:
                self._note(rejection)
            self.answered += part.next - part.first - len(part.rejected)
            self.done = self._begin = self._end = part.next
            if self._values:
                self._see(_read(self.folder / part.name, list(self._values)))

    def __enter__(self) -> Self:
        return self

    def add(self, answer: "dict[str, Any] | pa.RecordBatch | Rejection") -> None:
        """What became of the next item."""
        self._end += 1
        if isinstance(answer, Rejection):
            self._aside.append(answer)
            self._note(answer)
        elif isinstance(answer, dict):
            self.answered += 1
            self._rows.append(answer)
            self._held_rows += 1
        else:
            self.answered += 1
            self._blocks.append(answer)
            self._held_rows += answer.num_rows
        full = self._end - self._begin >= PART_ITEMS or self._held_rows >= PART_ROWS
        if full or time.monotonic() - self._since > PART_SECONDS:
            self._write_part()

    def _note(self, rejection: Rejection) -> None:
        self.reasons[rejection.fault] += 1
        self.example = self.example or rejection.reason

    def _see(self, rows: pa.Table) -> None:
        """Notes values of the columns that may be constant, two at most."""
        for name, values in self._values.items():
            if len(values) < 2:
                values.update(rows[name].unique().to_pylist()[:2])

    def _held(self) -> pa.Table:
        """Rows that are in no part."""
        tables = [as_table(self._rows, self._schema)] if self._rows else []
        tables += [pa.Table.from_batches(self._blocks)] if self._blocks else []
        return pa.concat_tables(tables) if tables else self._schema.empty_table()

    def _write_part(self) -> None:
        rows = self._held()
        self._see(rows)
        if not self._parts.write(_TOPIC, 0, self._begin, self._end, rows, self._aside):
            raise ConfigError(f"another command has written the next part of '{self._out}': choose another --out")
        self._begin, self._since, self._held_rows = self._end, time.monotonic(), 0
        self._rows, self._blocks, self._aside = [], [], []

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Makes the tables and removes the parts; where something stopped the work, parts that there are stay."""
        unfinished = kind is not None
        with self._closing:
            try:
                if kind is None or issubclass(kind, DataError | ConfigError):
                    self._write_rejected()  # worth knowing also where the input ends the work
                if kind is None and self.answered:
                    self._write_table()
            except BaseException:
                unfinished = True
                raise
            finally:
                if unfinished and self._begin:
                    self._say(f"'{self._out}' is not finished: the same command goes on behind item {self._begin:,}")
                else:
                    shutil.rmtree(self.folder, ignore_errors=True)

    def _write_table(self) -> None:
        rows = self._held()
        self._see(rows)
        left_out = [name for name, values in self._values.items() if len(values) < 2]
        kept = pa.schema([field for field in self._schema if field.name not in left_out])
        with StreamedTable(self._out, kept) as table:
            for part in read_parts(self.folder):
                table.add_block(_read(self.folder / part.name, kept.names).replace_schema_metadata(None))
            table.add_block(rows.select(kept.names))

    def _write_rejected(self) -> None:
        if not self.reasons:
            self._rejected.unlink(missing_ok=True)
            return
        with StreamedTable(self._rejected, rejection_schema(self._columns)) as table:
            before = itertools.chain.from_iterable(part.rejected for part in read_parts(self.folder))
            for rejection in itertools.chain(before, self._aside):
                table.add({name: getattr(rejection, name) for name in self._columns})


def _read(path: Path, columns: list[str]) -> pa.Table:
    """Columns of a part; names that are no text are taken as bytes."""
    with pa.OSFile(os.fsencode(path)) as file:
        return pq.read_table(file, columns=columns)


def _of_another(folder: Path, identity: str) -> bool:
    """Whether the folder has parts that are not those of this command, or no sound ones."""
    try:
        return any(part.identity != identity for part in read_parts(folder))
    except DataError:
        return True


@contextmanager
def _only_writer(folder: Path, out: Path) -> Iterator[None]:
    """Makes the folder and keeps other processes out of it.

    Raises:
      ConfigError: one is at work there.
    """
    with ExitStack() as stack:
        with storage_errors(out):
            folder.mkdir(parents=True, exist_ok=True)
            file = stack.enter_context(open(folder / _LOCK, "ab"))
        if not take_lock(file.fileno()):
            raise ConfigError(f"another command is writing '{out}': wait for its end or choose another --out")
        yield
