"""Answers to a stream of messages in topics and partitions, as it comes: a folder of parts that grows."""

import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Protocol

import pyarrow as pa

from lcjax.inference.answers import Answers
from lcjax.inference.result_parts import Partition, ResultParts, StreamedResults, read_parts
from lcjax.inference.streamed_table import StreamedTable, rejection_schema

POLL = 1024
"""Messages taken together."""
_POLL_SECONDS = 1.0


class Message(Protocol):
    """One of a stream."""

    @property
    def topic(self) -> str:
        """Its topic."""

    @property
    def partition(self) -> int:
        """Its partition of the topic."""

    @property
    def offset(self) -> int:
        """Its number in the partition."""


class Stream(AbstractContextManager, Protocol):
    """A member of a group that shares topics; partitions come and go in `poll`."""

    cluster: str
    """Where offsets mean what they mean here."""

    @property
    def finished(self) -> bool:
        """Whether all that was asked for was given out."""

    def poll(self, most: int, seconds: float) -> Sequence[Message]:
        """The next messages."""

    def commit(self, offsets: Mapping[Partition, int]) -> None:
        """Where each partition goes on: what lies before it is safe."""

    def again(self, partitions: Sequence[Partition]) -> None:
        """Reads on where `resume` says."""


class Join(Protocol):
    """Joins the group."""

    def __call__(
        self,
        *,
        resume: Callable[[str, int], int | None],
        on_revoke: Callable[[list[Partition]], None],
        on_lost: Callable[[list[Partition]], None],
    ) -> Stream:
        """`resume`: where a partition goes on, None: where the group stands. `on_revoke`: told of partitions that go, while
        they can still be committed. `on_lost`: told of those that have gone.
        """


class StreamAnswers:
    """A model that answers a stream into a folder of Parquet parts.

    A part holds the answers and the offsets they come from, and is on the disk before the group commits: whenever this is
    stopped or killed, the same work goes on where the parts end, and the folder has every message once.
    """

    def __init__(
        self, answers: Answers, join: Join, decoded: Callable[[Iterable[Message]], Iterator[Any]], out: Path
    ) -> None:
        """`decoded`: items and `Rejection`s of messages, one for one. `out`: the folder."""
        self._answers, self._join, self._decoded, self._out = answers, join, decoded, out
        self._results: StreamedResults

    def run(
        self,
        identity: str,
        part_rows: int,
        part_seconds: float,
        stopped: Callable[[], bool] = lambda: False,
        count: Callable[[int], None] = lambda messages: None,
    ) -> tuple[int, int]:
        """Answers until the end of the stream, or until `stopped`.

        Args:
          identity: of the model; a folder holds the answers of one. part_rows, part_seconds: see `StreamedResults`.
          count: told how many more messages are done.

        Returns:
          Rows and rejections that were written.

        Raises:
          ConfigError: the folder holds other results. What `join` raises.
        """
        stream = self._join(
            resume=lambda topic, partition: self._results.resume(topic, partition),
            on_revoke=lambda partitions: self._give_up(stream, partitions),
            on_lost=lambda partitions: self._results.forget(partitions),
        )
        with stream:
            whose = f"{identity}, cluster {stream.cluster or 'without a name'}"
            parts = ResultParts(self._out, self._answers.schema, whose)
            self._results = StreamedResults(parts, part_rows, part_seconds)
            while not (stream.finished or stopped()):
                answer_some(stream, self._answers, self._decoded, self._results, count, stopped)
            stream.commit(self._results.write()[0])
        return self._results.written_rows, self._results.written_rejections

    def _give_up(self, stream: Stream, partitions: list[Partition]) -> None:
        stream.commit(self._results.write(only=partitions)[0])
        self._results.forget(partitions)


def answer_some(
    stream: Stream,
    answers: Answers,
    decoded: Callable[[Iterable[Message]], Iterator[Any]],
    results: StreamedResults,
    count: Callable[[int], None],
    stopped: Callable[[], bool],
) -> None:
    """One round: messages, answers, parts, commit. Partitions come and go only in `poll`."""
    messages = stream.poll(POLL, _POLL_SECONDS)
    found = answers.answer(decoded(messages))
    now = time.monotonic()
    for message, answer in zip(messages, found, strict=True):
        results.add(message.topic, message.partition, message.offset, answer, now)
        count(1)
        if stopped():  # the others are read again
            break
    written, taken = results.write(time.monotonic())
    stream.commit(written)
    stream.again(taken)
    count(0)


def write_rejected(out: Path, rejected: Path, columns: Sequence[str]) -> Counter[str]:
    """The table of all messages set aside in the parts, with their topic, partition and offset; returns why."""
    where = [("topic", pa.string()), ("partition", pa.int32()), ("offset", pa.int64())]
    reasons = Counter[str]()
    with StreamedTable(rejected, pa.schema([*rejection_schema(columns), *where])) as table:
        for part in read_parts(out):
            for rejection in part.rejected:
                reasons[rejection.fault] += 1
                row = {name: getattr(rejection, name) for name in columns}
                offset = int(rejection.origin.rpartition("#")[2])
                table.add({**row, "topic": part.topic, "partition": part.partition, "offset": offset})
    if not table.rows:
        rejected.unlink(missing_ok=True)
    return reasons
