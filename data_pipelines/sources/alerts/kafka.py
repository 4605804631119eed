"""Alerts from Kafka topics: a member of a consumer group that reads at least once and commits when it is told to.

Brokers of surveys (ZTF, Rubin and those behind them) publish one Avro packet a message, in topics cut into partitions; within
a partition messages have ascending offsets. Nothing is committed by itself: whoever uses the alerts calls `commit` once the
results are safe, and says with `resume` where each partition goes on. With results and offsets stored as one
(`lcjax.inference.result_parts`), a restart loses and repeats nothing.

Needs `confluent-kafka` (extra `kafka`).
"""

import dataclasses
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from data_pipelines.sources.alerts.avro_schema import SchemaSet
from data_pipelines.sources.alerts.cutting import Outcome
from data_pipelines.sources.alerts.kafka_settings import KafkaAddress, KafkaSettings
from data_pipelines.sources.alerts.packets import StampRules
from data_pipelines.sources.alerts.read import decode_packet
from lcjax.errors import ConfigError, DataError, MissingExtraError, Rejection

_ANSWER_SECONDS = 20.0
"""How long a broker may take to answer at the start."""
_LEAVE_SECONDS = 20.0
_REPEAT_SECONDS = 60.0

Partition = tuple[str, int]
"""Topic, number."""


@dataclasses.dataclass(frozen=True)
class KafkaMessage:
    """One message, not decoded."""

    topic: str
    partition: int
    offset: int
    value: bytes
    problem: str = ""
    """Why there is nothing to decode: the broker no longer has this message."""

    @property
    def origin(self) -> str:
        """`topic/partition#offset`."""
        return f"{self.topic}/{self.partition}#{self.offset}"

    @property
    def size(self) -> int:
        """Bytes."""
        return len(self.value)

    def outcomes(self, rules: StampRules, schemas: SchemaSet) -> Iterator[Outcome]:
        """The alert, or why there is none; a message is a piece for `Decoders`, and has one outcome."""
        if self.problem:
            yield Rejection("", self.problem, self.origin)
        else:
            found = decode_packet(self.value, schemas, self.origin, rules)
            yield dataclasses.replace(found, origin=self.origin)


class KafkaAlerts:
    """A member of a consumer group; iterate over it for alerts, or `poll` for messages."""

    def __init__(
        self,
        address: KafkaAddress | str,
        settings: KafkaSettings | None = None,
        *,
        rules: StampRules | None = None,
        schemas: SchemaSet | None = None,
        resume: Callable[[str, int], int | None] = lambda topic, partition: None,
        on_revoke: Callable[[list[Partition]], None] = lambda partitions: None,
        on_lost: Callable[[list[Partition]], None] = lambda partitions: None,
        warn: Callable[[str], None] = lambda text: None,
    ) -> None:
        """Joins the group.

        Args:
          address: brokers and topics. rules, schemas: as in `read_alerts`.
          resume: (topic, partition) -> offset to go on at, None: where the group stands. Asked at every assignment.
          on_revoke: told of partitions that go to another member, while their results can still be written and committed.
          on_lost: told of partitions that have gone already; what is not written of them is the other member's.
          warn: told of trouble that passes.

        Raises:
          DataError: no broker answers, or a topic does not exist. MissingExtraError: confluent-kafka is not installed.
          ConfigError: settings that librdkafka refuses.
        """
        self._kafka = _package()
        self.address = KafkaAddress.parse(address) if isinstance(address, str) else address
        self.settings = settings or KafkaSettings()
        self.rules, self.schemas = rules or StampRules(), schemas or SchemaSet()
        self._resume, self._on_revoke, self._on_lost, self._tell = resume, on_revoke, on_lost, warn
        self._told: dict[str, float] = {}
        self._assigned: set[Partition] | None = None
        self._at_end: set[Partition] = set()
        self._starts: list[Any] = []
        self._changes = 0
        self.cluster = ""
        """The id of the cluster, as far as the broker tells: offsets mean something only there."""
        self._consumer = self._connect()

    def _connect(self) -> Any:
        config = {
            "session.timeout.ms": 30_000,
            "max.poll.interval.ms": 600_000,
            **self.settings.librdkafka(),
            "bootstrap.servers": self.address.brokers,
            "group.id": self.settings.group,
            "partition.assignment.strategy": "range",
            "enable.auto.commit": False,
            "enable.auto.offset.store": False,
            "enable.partition.eof": True,
            "auto.offset.reset": "error",  # a jump would lose alerts silently
            "on_commit": self._committed,
            "error_cb": lambda error: self._warn(f"Kafka: {error.str()}"),
        }
        try:
            consumer = self._kafka.Consumer(config, logger=_silent())
        except (self._kafka.KafkaException, TypeError, ValueError) as error:
            raise ConfigError(f"Kafka refuses its settings: {_text(self._kafka, error)}") from None
        try:
            self._check_topics(consumer)
            consumer.subscribe(
                list(self.address.topics), on_assign=self._assign, on_revoke=self._revoke, on_lost=self._lose
            )
        except BaseException:
            consumer.close()
            raise
        return consumer

    def _warn(self, text: str) -> None:
        """Says the same thing once a minute."""
        now = time.monotonic()
        if now - self._told.get(text, -_REPEAT_SECONDS) >= _REPEAT_SECONDS:
            self._told = {text: now} if len(self._told) > 100 else {**self._told, text: now}
            self._tell(text)

    def _check_topics(self, consumer: Any) -> None:
        try:
            found = consumer.list_topics(timeout=_ANSWER_SECONDS)
        except self._kafka.KafkaException as error:
            raise DataError(
                f"no Kafka broker answers at '{self.address.brokers}': {_text(self._kafka, error)}"
            ) from None
        self.cluster, known = found.cluster_id or "", found.topics
        for topic in self.address.topics:
            if not topic.startswith("^") and topic not in known:
                names = ", ".join(sorted(n for n in known if not n.startswith("__"))[:10]) or "no topic"
                raise DataError(f"the broker '{self.address.brokers}' has no topic '{topic}': it has {names}")

    def _assign(self, consumer: Any, partitions: list[Any]) -> None:
        """Sets where every partition goes on: where the results end, else where the group stands, else the start."""
        begin = self._kafka.OFFSET_BEGINNING if self.settings.start == "earliest" else self._kafka.OFFSET_END
        committed = {}
        if partitions:
            found = consumer.committed(partitions, timeout=_ANSWER_SECONDS)
            committed = {(p.topic, p.partition): p.offset for p in found}
        for p in partitions:
            at = self._resume(p.topic, p.partition)
            stands = committed.get((p.topic, p.partition), -1)
            p.offset = at if at is not None else stands if stands >= 0 else begin
        consumer.assign(partitions)
        self._starts = partitions
        self._assigned = {(p.topic, p.partition) for p in partitions}
        self._changes += 1

    def _revoke(self, consumer: Any, partitions: list[Any]) -> None:
        """Messages that were fetched and not given out are forgotten; results are written by `on_revoke`."""
        self._leave(partitions, self._on_revoke)

    def _lose(self, consumer: Any, partitions: list[Any]) -> None:
        self._leave(partitions, self._on_lost)

    def _leave(self, partitions: list[Any], tell: Callable[[list[Partition]], None]) -> None:
        gone = [(p.topic, p.partition) for p in partitions]
        tell(gone)
        self._starts = [p for p in self._starts if (p.topic, p.partition) not in gone]
        self._assigned = None if not self._starts else {(p.topic, p.partition) for p in self._starts}
        self._changes += 1

    @property
    def finished(self) -> bool:
        """Whether the end of every partition of this member has been reached (only with `stop="end"`)."""
        return self.settings.stop == "end" and self._assigned is not None and self._assigned <= self._at_end

    def poll(self, count: int = 512, timeout: float = 1.0) -> list[KafkaMessage]:
        """Up to so many messages, in order within a partition; fewer, or none, when the time is over.

        Members join and leave the group only in here: what is returned belongs to this member until the next call.

        Raises:
          DataError: an offset that the topic never had, or an error that does not pass.
        """
        found: list[KafkaMessage] = []
        deadline = time.monotonic() + timeout
        while len(found) < count:
            changes = self._changes
            batch = self._consumer.consume(count - len(found), max(0.0, min(0.2, deadline - time.monotonic())))
            if self._changes != changes:
                # What was fetched before is another member's now, or will be read again: begin anew where the results end.
                found, batch = [], []
                self._at_end.clear()
                self._consumer.assign(self._starts)
            for message in batch:
                found += self._take(message)
            if time.monotonic() >= deadline or (not batch and found) or self.finished:
                break
        return found

    def _take(self, message: Any) -> list[KafkaMessage]:
        error, place = message.error(), (message.topic(), message.partition())
        if error is None:
            self._at_end.discard(place)
            return [KafkaMessage(*place, message.offset(), message.value() or b"")]
        codes = self._kafka.KafkaError
        if error.code() == codes._PARTITION_EOF:
            self._at_end.add(place)
        elif error.code() == codes._AUTO_OFFSET_RESET:
            return self._expired(*place)
        elif error.fatal() or error.code() in (codes._AUTHENTICATION, codes.TOPIC_AUTHORIZATION_FAILED):
            raise DataError(f"reading Kafka topic '{place[0]}' failed: {error.str()}")
        else:
            self._warn(f"Kafka: {error.str()}")
        return []

    def _expired(self, topic: str, partition: int) -> list[KafkaMessage]:
        """The position is not in the topic any more: goes on at the oldest message, and says what is gone."""
        TopicPartition = self._kafka.TopicPartition
        low, high = self._consumer.get_watermark_offsets(TopicPartition(topic, partition), timeout=_ANSWER_SECONDS)
        wanted = self._consumer.position([TopicPartition(topic, partition)])[0].offset
        if wanted < 0:
            wanted = next(p.offset for p in self._starts if (p.topic, p.partition) == (topic, partition))
        if wanted > high:
            raise DataError(
                f"partition {partition} of topic '{topic}' ends at {high}, and {wanted} were read of it: the topic was made "
                "anew, so give another --out and --kafka.group"
            )
        self._go_on_at({(topic, partition): low})
        if wanted >= low:
            return []
        problem = f"expired at the broker: {low - wanted} messages before offset {low}"
        return [KafkaMessage(topic, partition, wanted, b"", problem)]

    def again(self, places: Iterable[Partition]) -> None:
        """Goes on at what `resume` says, in partitions whose results turned out to be written by another process."""
        places = [place for place in places if place in (self._assigned or ())]
        ends = {place: self._resume(*place) for place in places}
        self._go_on_at({place: end for place, end in ends.items() if end is not None})

    def _go_on_at(self, offsets: Mapping[Partition, int]) -> None:
        """Moves in some partitions and stays in the others; seeking does not revive a partition whose position is gone."""
        if not offsets:
            return
        places = self._consumer.position([self._kafka.TopicPartition(p.topic, p.partition) for p in self._starts])
        for place, start in zip(places, self._starts, strict=True):
            where = (place.topic, place.partition)
            start.offset = offsets.get(where, place.offset if place.offset >= 0 else start.offset)
        self._at_end.clear()
        self._consumer.assign(self._starts)

    def decode(self, message: KafkaMessage) -> Outcome:
        """The alert of a message, or why there is none; its origin is `topic/partition#offset`."""
        return next(message.outcomes(self.rules, self.schemas))

    def commit(self, ends: Mapping[Partition, int]) -> None:
        """Tells the broker that everything before these offsets is done, without waiting: a broker that dies while it is
        asked would never answer. Failing does no harm where `resume` knows better; `close` waits for what is under way.
        """
        places = [self._kafka.TopicPartition(*place, offset) for place, offset in ends.items()]
        if not places:
            return
        try:
            self._consumer.commit(offsets=places, asynchronous=True)
        except self._kafka.KafkaException as error:
            self._warn(f"Kafka: offsets are not committed: {_text(self._kafka, error)}")

    def _committed(self, error: Any, partitions: list[Any]) -> None:
        if error is not None:
            self._warn(f"Kafka: offsets are not committed: {error.str()}")
        for p in partitions:
            if p.error and error is None:
                self._warn(f"Kafka: offset of {p.topic}/{p.partition} is not committed: {p.error.str()}")

    def close(self) -> None:
        """Leaves the group, without a farewell where the broker is gone: librdkafka would wait for it for ever."""
        failed: list[BaseException] = []

        def leave() -> None:
            try:
                self._consumer.close()
            except BaseException as error:  # what `on_revoke` raised, for whoever called
                failed.append(error)

        leaving = threading.Thread(target=leave, name="lcjax kafka close", daemon=True)
        leaving.start()
        leaving.join(_LEAVE_SECONDS)
        if leaving.is_alive():
            self._warn("Kafka: the broker does not answer; left the group without telling it")
        if failed:
            raise failed[0]

    def __enter__(self) -> "KafkaAlerts":
        return self

    def __exit__(self, *unused: Any) -> None:
        self.close()

    def __iter__(self) -> Iterator[Outcome]:
        """Alerts and rejections as `read_alerts` gives them, until `finished`; an alert is decoded when it is its turn."""
        while not self.finished:
            yield from map(self.decode, self.poll())


def read_topics(address: KafkaAddress | str, settings: KafkaSettings | None = None, **more: Any) -> Iterator[Outcome]:
    """Alerts of Kafka topics for one pass; commits nothing.

    Args:
      address, settings, more: as in `KafkaAlerts`.
    """
    with KafkaAlerts(address, settings, **more) as source:
        yield from source


def _package() -> Any:
    try:
        import confluent_kafka
    except ImportError:
        raise MissingExtraError("confluent-kafka", "kafka", "reading Kafka topics") from None
    return confluent_kafka


def _silent() -> Any:
    """A logger that drops librdkafka's own lines: errors come through `error_cb` and messages."""
    import logging

    logger = logging.getLogger("lcjax.kafka")
    logger.addHandler(logging.NullHandler())
    logger.propagate = False
    return logger


def _text(kafka: Any, error: Exception) -> str:
    inner = error.args[0] if error.args else error
    return inner.str() if isinstance(inner, kafka.KafkaError) else str(inner)
