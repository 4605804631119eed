"""librdkafka's own mock cluster, in this process, and packets in its topics."""

import contextlib
import logging

import confluent_kafka

from data_pipelines.datasets.alert_checks import container, packet

QUICK = ("session.timeout.ms=4000", "heartbeat.interval.ms=500")
"""So that a killed member is missed soon."""


@contextlib.contextmanager
def mock_broker():
    """(address of the brokers, producer); the cluster lives as long as the producer."""
    silent = logging.getLogger("tests.mock_broker")
    silent.propagate = False
    producer = confluent_kafka.Producer(
        {"bootstrap.servers": "replaced", "test.mock.num.brokers": 1, "log_level": 0}, logger=silent
    )
    brokers = producer.list_topics(timeout=10).brokers.values()
    yield ",".join(f"{b.host}:{b.port}" for b in brokers), producer
    producer.flush(10)


POISON = {
    3: b"",
    5: b"\x00\x00\x00\x00\x2a\x01\x02\x03",  # a Confluent message of an unknown schema
    11: b"no packet at all",
    17: container([packet(17)])[:3000],
    23: container([packet(23, side=40)]),  # stamps of another size
}


def fill(producer, topic, count, partitions=3):
    """`count` messages, some of them poison; returns the ids of the sound ones and (partition, offset) of the others."""
    sound, poison, offsets = [], [], [0] * partitions
    for number in range(count):
        place = number % partitions
        if number in POISON:
            poison.append((place, offsets[place]))
        else:
            sound.append(1000 + number)
        value = POISON.get(number) if number in POISON else container([packet(number)])
        producer.produce(topic, value=value, partition=place)
        offsets[place] += 1
    assert producer.flush(20) == 0
    return sound, poison
