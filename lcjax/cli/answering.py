"""What `lcjax predict` says while it answers files or Kafka topics, and when it is done."""

import functools
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.markup import escape

from data_pipelines.kinds.reading import Reader
from data_pipelines.sources.alerts.kafka import KafkaAlerts
from data_pipelines.sources.alerts.kafka_settings import KafkaAddress, KafkaSettings
from data_pipelines.sources.input_identity import input_identity
from lcjax.errors import ConfigError
from lcjax.inference.answering import answer_files
from lcjax.inference.answers import Answers
from lcjax.inference.live_count import LiveCount
from lcjax.inference.stopping import ended_by_sigterm, until_signalled
from lcjax.inference.streaming import StreamAnswers, write_rejected


def predict_files(
    answers: Answers,
    reader: Reader,
    inputs: Sequence[str],
    out: Path,
    rejected: Path,
    console: Console,
    identity: str = "",
) -> None:
    """Answers files and says what became of them.

    Args:
      identity: of model and settings; with the input it says which command is the same.

    Raises:
      DataError: there is no answer, or too much of the input was lost (what was answered stays written).
    """
    started = time.monotonic()
    same = f"{identity}, input {input_identity(inputs, (out, rejected))}"
    say = lambda text: console.print(f"[dim]{escape(text)}[/]", highlight=False, soft_wrap=True)
    with ended_by_sigterm(), LiveCount(console, answers.unit) as count:
        results = answer_files(answers, reader, inputs, out, rejected, same, say, count.add)
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
    """Answers the alerts of Kafka topics until their end or an interruption, and says how many; `out` becomes a folder of parts.

    Args:
      reader: of the messages. identity: of the model. address, settings: see `KafkaAlerts`.
    """
    started = time.monotonic()
    if out.is_file():
        raise ConfigError(f"'{out}' is a file, and answers to a stream are a folder of parts: choose another --out")
    warn = lambda text: console.print(f"[yellow]{escape(text)}[/]", highlight=False, soft_wrap=True)
    stream = StreamAnswers(answers, functools.partial(KafkaAlerts, address, settings, warn=warn), reader.decoded, out)
    with until_signalled() as stopped, LiveCount(console, answers.unit) as count:
        rows, set_aside = stream.run(identity, settings.part_rows, settings.part_seconds, stopped, count.add)
    _say(f"{rows:,} {answers.unit} in {time.monotonic() - started:.1f} s, written to the folder {out}")
    reasons = write_rejected(out, rejected, reader.rejection_columns)
    if set_aside:
        _say(f"{set_aside:,} of this run were set aside")
    _say_rejected(reasons, answers.unit, rejected)


def _say(text: str) -> None:
    Console().print(escape(text), highlight=False, soft_wrap=True)


def _say_rejected(reasons: Counter[str], unit: str, rejected: Path) -> None:
    if reasons:
        counted = ", ".join(f"{n:,} {reason}" for reason, n in reasons.items())
        _say(f"{reasons.total():,} {unit} set aside ({counted}): names and reasons in {rejected}")
