"""What `KafkaAlerts` uses of confluent-kafka, in memory: members come and go exactly when a test says so."""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any


class TopicPartition:
    """A place in a topic."""

    def __init__(self, topic: str, partition: int, offset: int = -1001) -> None:
        self.topic, self.partition, self.offset, self.error = topic, partition, offset, None


class Message:
    """A message, or the news that a partition ends here."""

    def __init__(self, topic: str, partition: int, offset: int, value: bytes | None, code: int | None = None) -> None:
        self._place, self._offset, self._value = (topic, partition), offset, value
        self._error = (
            None if code is None else SimpleNamespace(code=lambda: code, fatal=lambda: False, str=lambda: "end")
        )

    def error(self) -> Any:
        return self._error

    def topic(self) -> str:
        return self._place[0]

    def partition(self) -> int:
        return self._place[1]

    def offset(self) -> int:
        return self._offset

    def value(self) -> bytes | None:
        return self._value


class FakeKafka:
    """The package: one topic `alerts`, one member under test, and `events` that happen in its calls of `consume`.

    An event is called with the consumer before messages are given out, as librdkafka calls back from within `consume`.
    """

    OFFSET_BEGINNING, OFFSET_END = -2, -1
    KafkaException = RuntimeError

    class KafkaError:
        _PARTITION_EOF, _AUTO_OFFSET_RESET, _AUTHENTICATION, TOPIC_AUTHORIZATION_FAILED = range(1, 5)

    TopicPartition = TopicPartition

    def __init__(
        self, logs: list[list[bytes]], events: dict[int, Callable[["Consumer"], None]], at_once: int = 4
    ) -> None:
        """`logs`: values of each partition. `events`: number of the call -> what happens. `at_once`: messages of a call."""
        self.logs, self.events, self.at_once = logs, events, at_once
        self.committed: dict[int, int] = {}
        self.calls = 0

    def Consumer(self, config: dict[str, Any], logger: Any) -> "Consumer":
        return Consumer(self)


class Consumer:
    """A member of the group; it has all partitions to begin with."""

    def __init__(self, kafka: FakeKafka) -> None:
        self.kafka = kafka
        self.at: dict[int, int] = {}
        self.told: set[int] = set()

    def list_topics(self, timeout: float) -> Any:
        return SimpleNamespace(cluster_id="fake", topics={"alerts": None})

    def subscribe(self, topics: list[str], on_assign: Any, on_revoke: Any, on_lost: Any) -> None:
        self._on_assign, self._on_revoke = on_assign, on_revoke

    def gives(self, *partitions: int) -> None:
        """The group gives the member these partitions."""
        self._on_assign(self, [TopicPartition("alerts", p) for p in partitions])

    def takes(self) -> None:
        """The group takes all its partitions from the member."""
        self._on_revoke(self, [TopicPartition("alerts", p) for p in self.at])
        self.at = {}

    def committed(self, places: list[TopicPartition], timeout: float) -> list[TopicPartition]:
        return [TopicPartition(p.topic, p.partition, self.kafka.committed.get(p.partition, -1001)) for p in places]

    def assign(self, places: list[TopicPartition]) -> None:
        self.at = {p.partition: max(p.offset, 0) for p in places}
        self.told.clear()

    def position(self, places: list[TopicPartition]) -> list[TopicPartition]:
        return [TopicPartition(p.topic, p.partition, self.at[p.partition]) for p in places]

    def consume(self, count: int, timeout: float) -> list[Message]:
        """Some messages of every partition in turn."""
        if not self.kafka.calls:
            self.gives(*range(len(self.kafka.logs)))
        self.kafka.calls += 1
        self.kafka.events.get(self.kafka.calls, lambda consumer: None)(self)
        found: list[Message] = []
        for partition, offset in list(self.at.items()):
            log = self.kafka.logs[partition]
            values = log[offset : offset + min(count - len(found), self.kafka.at_once)]
            found += [Message("alerts", partition, offset + i, value) for i, value in enumerate(values)]
            self.at[partition] += len(values)
            if self.at[partition] == len(log) and partition not in self.told:
                self.told.add(partition)
                found.append(Message("alerts", partition, len(log), None, FakeKafka.KafkaError._PARTITION_EOF))
        return found

    def commit(self, offsets: list[TopicPartition], asynchronous: bool) -> None:
        self.kafka.committed |= {p.partition: p.offset for p in offsets}

    def close(self) -> None:
        self.takes()
