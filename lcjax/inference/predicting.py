"""Files or topics answered, and what is said of it: while it goes on, and when it is done."""

import functools
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Protocol

from rich.console import Console

from lcjax.errors import ConfigError, Rejection
from lcjax.inference.answering import answer_files
from lcjax.inference.answers import Answers, Item, Items, Read
from lcjax.inference.live_count import LiveCount
from lcjax.inference.stopping import ended_by_sigterm, until_signalled
from lcjax.inference.streaming import Join, Message, StreamAnswers, write_rejected


class Reader(Items[Read], Protocol[Read]):
    """Reads what is to be answered, such as `data_pipelines.kinds.reading.Reader`."""

    def decoded(self, messages: Iterable[Message]) -> Iterator[Read | Rejection]:
        """Items and `Rejection`s of the messages of a stream, one for one."""

    def sentences(self) -> list[str]:
        """What became of the input, once all is read."""

    def check(self) -> None:
        """Whether what was read may count as success. Raises DataError: too much was lost."""


def predict_files(
    answers: Answers[Item],
    reader: Reader[Item],
    inputs: Sequence[str],
    out: Path,
    rejected: Path,
    console: Console,
    tell: Callable[[str], None] = print,
    identity: str = "",
) -> None:
    """Answers files and says what became of them.

    Args:
      out, rejected: tables of answers, and of what was set aside. console: shows how far it is. tell: told what became of it.
      identity: of model, settings and input: says which command is the same.

    Raises:
      DataError: there is no answer, or too much of the input was lost (what was answered stays written).
    """
    started = time.monotonic()
    say = functools.partial(console.print, style="dim", markup=False, highlight=False, soft_wrap=True)
    with ended_by_sigterm(), LiveCount(console, answers.unit) as count:
        results = answer_files(answers, reader, inputs, out, rejected, identity, say, count.add)
    tell(f"{results.answered:,} {answers.unit} in {time.monotonic() - started:.1f} s, written to {out}")
    for sentence in reader.sentences():
        tell(sentence)
    _tell_rejected(results.reasons, answers.unit, rejected, tell)
    reader.check()


def predict_topics(
    answers: Answers[Item],
    join: Join,
    reader: Reader[Item],
    out: Path,
    rejected: Path,
    console: Console,
    tell: Callable[[str], None] = print,
    identity: str = "",
    part: tuple[int, float] = (4096, 10.0),
) -> None:
    """Answers the messages of topics until their end or an interruption, and says how many; `out` becomes a folder of parts.

    Args:
      join: joins the group that shares the topics. reader: of the messages. identity: of the model.
      part: rows and age in seconds at which a part is written.

    Raises:
      ConfigError: there is a file in place of the folder.
    """
    started = time.monotonic()
    if out.is_file():
        raise ConfigError(f"'{out}' is a file, and answers to a stream are a folder of parts: choose another --out")
    stream = StreamAnswers(answers, join, reader.decoded, out)
    with until_signalled() as stopped, LiveCount(console, answers.unit) as count:
        rows, set_aside = stream.run(identity, *part, stopped, count.add)
    tell(f"{rows:,} {answers.unit} in {time.monotonic() - started:.1f} s, written to the folder {out}")
    reasons = write_rejected(out, rejected, reader.rejection_columns)
    if set_aside:
        tell(f"{set_aside:,} of this run were set aside")
    _tell_rejected(reasons, answers.unit, rejected, tell)


def _tell_rejected(reasons: Counter[str], unit: str, rejected: Path, tell: Callable[[str], None]) -> None:
    if reasons:
        counted = ", ".join(f"{n:,} {reason}" for reason, n in reasons.items())
        tell(f"{reasons.total():,} {unit} set aside ({counted}): names and reasons in {rejected}")
