"""Answers of any model written while they come: from files to a table, from Kafka topics to a folder of parts."""

import contextlib
import hashlib
import itertools
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
from rich.console import Console
from rich.markup import escape

from data_pipelines.kinds.base import Reader
from data_pipelines.result_parts import Partition, ResultParts, StreamedResults, read_parts
from data_pipelines.sources.alerts.kafka import KafkaAlerts
from data_pipelines.sources.alerts.kafka_settings import KafkaAddress, KafkaSettings
from lcjax.cli.live_count import LiveCount
from lcjax.cli.resumable_answers import ResumableAnswers, input_identity
from lcjax.cli.streamed_table import StreamedTable, rejection_schema
from lcjax.errors import ConfigError, DataError
from lcjax.inference.loaded import Loaded
from lcjax.systems.base import Answers

_POLL = 1024
"""Messages taken from Kafka together."""
_POLL_SECONDS = 1.0


def predict_files(
    answers: Answers,
    reader: Reader,
    inputs: Sequence[str],
    out: Path,
    rejected: Path,
    console: Console,
    identity: str = "",
) -> None:
    """Writes what is answered to `out` and what is set aside to `rejected`; goes on where the same command was stopped.

    Args:
      identity: of model and settings; with the input it says which command is the same.

    Raises:
      DataError: there is no answer, or too much of the input was lost (what was answered stays written).
    """
    started = time.monotonic()
    columns = reader.rejection_columns
    same = f"{identity}, input {input_identity(inputs, (out, rejected))}"
    say = lambda text: console.print(f"[dim]{escape(text)}[/]", highlight=False, soft_wrap=True)
    with (
        _ended_by_sigterm(),
        ResumableAnswers(out, rejected, answers.schema, answers.constant_columns, columns, same, say) as results,
        LiveCount(console, answers.unit) as count,
    ):
        if results.done:
            say(f"going on behind {results.done:,} {answers.unit} that were answered or set aside before")
        # What was answered before is read again, so that counts and sentences are of the whole input.
        for answer in answers.answer(itertools.islice(reader.items(inputs), results.done, None)):
            results.add(answer)
            count.add(1)
    aside = results.reasons.total()
    if not results.answered:
        why = f"all {aside:,} were set aside, with reasons in '{rejected}'; the first: {results.example}"
        raise DataError(f"none of the {answers.unit} could be answered: {why if aside else 'none there'}")
    _say(f"{results.answered:,} {answers.unit} in {time.monotonic() - started:.1f} s, written to {out}")
    for sentence in reader.sentences():
        _say(sentence)
    _say_rejected(results.reasons, answers.unit, rejected)
    reader.check()


def predict_topics(
    answers: Answers,
    address: KafkaAddress,
    settings: KafkaSettings,
    reader: Reader,
    identity: str,
    out: Path,
    rejected: Path,
    console: Console,
) -> None:
    """Answers the alerts of Kafka topics until their end or an interruption; `out` becomes a folder of Parquet parts.

    A part holds the answers and the offsets they come from, and is on the disk before the group commits: whenever this is
    stopped or killed, the same command goes on where the parts end, and the folder has every alert once.

    Args:
      reader: of the messages. identity: of the model; a folder holds the answers of one.
      answers, rejected: see `predict_files`. address, settings: see `KafkaAlerts`.
    """
    started = time.monotonic()
    if out.is_file():
        raise ConfigError(f"'{out}' is a file, and answers to a stream are a folder of parts: choose another --out")
    results: StreamedResults

    def give_up(partitions: list[Partition]) -> None:
        source.commit(results.write(only=partitions)[0])
        results.forget(partitions)

    warn = lambda text: console.print(f"[yellow]{escape(text)}[/]", highlight=False, soft_wrap=True)
    source = KafkaAlerts(
        address,
        settings,
        resume=lambda topic, partition: results.resume(topic, partition),
        on_revoke=give_up,
        on_lost=lambda partitions: results.forget(partitions),
        warn=warn,
    )
    with source, _until_signalled() as stopped, LiveCount(console, answers.unit) as count:
        parts = ResultParts(out, answers.schema, f"{identity}, cluster {source.cluster or 'without a name'}")
        results = StreamedResults(parts, settings.part_rows, settings.part_seconds)
        while not (source.finished or stopped()):
            _answer_some(source, answers, reader, results, count, stopped)
        source.commit(results.write()[0])
    rows, n_rejected = results.written_rows, results.written_rejections
    _say(f"{rows:,} {answers.unit} in {time.monotonic() - started:.1f} s, written to the folder {out}")
    reasons = _write_rejected(out, rejected, reader.rejection_columns)
    if n_rejected:
        _say(f"{n_rejected:,} of this run were set aside")
    _say_rejected(reasons, answers.unit, rejected)


def _answer_some(
    source: KafkaAlerts,
    answers: Answers,
    reader: Reader,
    results: StreamedResults,
    count: LiveCount,
    stopped: Callable[[], bool],
) -> None:
    """One round: messages, answers, parts, commit. Partitions come and go only in `poll`."""
    messages = source.poll(_POLL, _POLL_SECONDS)
    found = answers.answer(reader.decoded(messages))
    now = time.monotonic()
    for message, answer in zip(messages, found, strict=True):
        results.add(message.topic, message.partition, message.offset, answer, now)
        count.add(1)
        if stopped():  # the others are read again
            break
    written, taken = results.write(time.monotonic())
    source.commit(written)
    source.again(taken)
    count.show()


def _write_rejected(out: Path, rejected: Path, columns: Sequence[str]) -> Counter[str]:
    """The table of all messages set aside in the parts, with their topic, partition and offset."""
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


@contextlib.contextmanager
def _ended_by_sigterm() -> Iterator[None]:
    """Lets SIGTERM leave as an exception, so that no partial file and no process stays behind."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def leave(number: int, frame: Any) -> None:
        raise SystemExit(128 + number)

    before = signal.signal(signal.SIGTERM, leave)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


@contextlib.contextmanager
def _until_signalled() -> Iterator[Callable[[], bool]]:
    """Lets the first SIGINT or SIGTERM end the work in order; the next one interrupts."""
    stopped = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield stopped.is_set
        return

    def stop(number: int, frame: Any) -> None:
        if stopped.is_set():
            raise KeyboardInterrupt
        stopped.set()

    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stopped.is_set
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def identity_of(loaded: Loaded) -> str:
    """Tells models apart: system, settings and a digest of the weights."""
    import jax
    import numpy as np

    digest = hashlib.sha256()
    for leaf in jax.tree.leaves(loaded.variables):
        digest.update(np.ascontiguousarray(leaf).tobytes())
    return f"{loaded.experiment.system}, settings {loaded.record.get('config_hash', '?')}, weights {digest.hexdigest()[:16]}"


def _say(text: str) -> None:
    Console().print(escape(text), highlight=False, soft_wrap=True)


def _say_rejected(reasons: Counter[str], unit: str, rejected: Path) -> None:
    if reasons:
        counted = ", ".join(f"{n:,} {reason}" for reason, n in reasons.items())
        _say(f"{reasons.total():,} {unit} set aside ({counted}): names and reasons in {rejected}")
