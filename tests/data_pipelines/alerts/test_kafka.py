import dataclasses
import os
import signal
import subprocess
import sys
import threading
import time
from types import SimpleNamespace

import pyarrow.parquet as pq
import pytest

pytest.importorskip("confluent_kafka", reason="needs confluent-kafka (extra test or kafka)")

from data_pipelines.datasets.alert_checks import container, packet
from data_pipelines.sources.alerts import SchemaSet, StampRules, read_alerts
from data_pipelines.sources.alerts.kafka import KafkaAlerts, KafkaMessage, read_topics
from data_pipelines.sources.alerts.kafka_settings import KafkaAddress, KafkaSettings
from lcjax.errors import ConfigError, DataError, StorageError
from lcjax.inference.result_parts import read_parts
from tests.data_pipelines.alerts.mock_broker import QUICK, fill, mock_broker

PATIENCE = 240
"""Seconds that a consumer may take on a busy machine."""

END = KafkaSettings(stop="end", set=QUICK)


def parts_in(folder):
    return [p for p in folder.iterdir() if not p.name.startswith(".")] if folder.is_dir() else []


def assert_complete(folder, sound, poison):
    """Every alert once, every poison message named once with its place."""
    assert sorted(pq.read_table(folder)["alert_id"].to_pylist()) == sorted(sound)
    rejected = [r for part in read_parts(folder) for r in part.rejected]
    assert sorted(r.origin for r in rejected) == sorted(f"alerts/{p}#{offset}" for p, offset in poison)
    assert {r.fault for r in rejected} >= {"empty message", "unknown format", "stamp size"}


def test_same_alerts_as_from_files(tmp_path):
    packets = [container([packet(n)]) for n in range(6)]
    (tmp_path / "all.avro").write_bytes(b"".join(packets))
    expected = list(read_alerts(tmp_path / "all.avro"))
    with mock_broker() as (brokers, producer):
        for data in packets:
            producer.produce("alerts", value=data, partition=1)
        producer.flush()
        found = list(read_topics(f"kafka://{brokers}/alerts", END))
    assert [a.alert_id for a in found] == [a.alert_id for a in expected]
    assert [a.origin for a in found] == [f"alerts/1#{n}" for n in range(6)]
    for a, b in zip(found, expected, strict=True):
        assert a.metadata == b.metadata and (a.stamps["science"].pixels == b.stamps["science"].pixels).all()


def test_committed_offsets_are_where_the_group_goes_on():
    with mock_broker() as (brokers, producer):
        fill(producer, "alerts", 12)
        address = f"kafka://{brokers}/alerts"
        with KafkaAlerts(address, END) as source:
            seen = []
            while not source.finished:
                seen += source.poll(4, 1.0)
            source.commit({("alerts", 0): 3, ("alerts", 1): 4})
        left = [a.origin for a in read_topics(address, END)]
        assert sorted(left) == ["alerts/0#3", *(f"alerts/2#{n}" for n in range(4))]
        late = KafkaSettings(group="late", start="latest", stop="end", set=QUICK)
        assert list(read_topics(address, late)) == [] and len(seen) == 12


@pytest.fixture
def start():
    """Starts a consumer in a process of its own, with `seconds` for each message; none outlives the test."""
    processes = []

    def consumer(address, folder, seconds):
        module = "tests.data_pipelines.alerts.stream_consumer"
        command = [sys.executable, "-m", module, address, str(folder), str(seconds)]
        processes.append(subprocess.Popen(command, env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}))
        return processes[-1]

    yield consumer
    for process in processes:
        process.kill()
        process.wait()


def wait_for_parts(folder, count, process):
    deadline = time.monotonic() + PATIENCE
    while len(parts_in(folder)) < count and process.poll() is None:
        assert time.monotonic() < deadline
        time.sleep(0.001)


def test_killed_in_mid_stream_loses_and_repeats_nothing(tmp_path, start):
    folder = tmp_path / "parts"
    with mock_broker() as (brokers, producer):
        sound, poison = fill(producer, "alerts", 72)
        address = f"kafka://{brokers}/alerts"
        for _ in range(2):
            process = start(address, folder, 0.02)
            wait_for_parts(folder, len(parts_in(folder)) + 4, process)
            process.send_signal(signal.SIGKILL)
            assert process.wait() == -signal.SIGKILL
        done = sum(pq.read_metadata(p).num_rows for p in parts_in(folder))
        assert 0 < done < len(sound)
        assert start(address, folder, 0.0).wait(PATIENCE) == 0
    assert_complete(folder, sound, poison)
    assert len(list(read_parts(folder))) > 8


def test_members_come_and_go(tmp_path, start):
    folder = tmp_path / "parts"
    with mock_broker() as (brokers, producer):
        sound, poison = fill(producer, "alerts", 60)
        address = f"kafka://{brokers}/alerts"
        slow = start(address, folder, 0.15)
        wait_for_parts(folder, 1, slow)
        other = start(address, folder, 0.05)
        assert slow.wait(PATIENCE) == 0 and other.wait(PATIENCE) == 0
    assert_complete(folder, sound, poison)


def test_messages_that_expired_are_named():
    with mock_broker() as (brokers, producer):  # it keeps 5 MB of a partition
        for number in range(80):
            producer.produce("alerts", value=b"%d" % number + bytes(100_000), partition=0)
            producer.flush()
        address = f"kafka://{brokers}/alerts"
        found = list(read_topics(address, END, resume=lambda topic, partition: 7 if partition == 0 else None))
        assert found[0].origin == "alerts/0#7" and found[0].reason.startswith("expired at the broker: ")
        gone = int(found[0].reason.split()[4])
        assert [a.origin for a in found[1:]] == [f"alerts/0#{n}" for n in range(7 + gone, 80)]
        with pytest.raises(DataError, match="made anew"):
            list(read_topics(address, END, resume=lambda topic, partition: 200 if partition == 0 else None))


def test_leaving_does_not_wait_for_a_dead_broker(monkeypatch):
    monkeypatch.setattr("data_pipelines.sources.alerts.kafka._LEAVE_SECONDS", 0.1)
    said = []
    with mock_broker() as (brokers, producer):
        fill(producer, "alerts", 3)
        source = KafkaAlerts(f"kafka://{brokers}/alerts", END, warn=said.append)
        assert source.cluster.startswith("mockCluster")
        consumer = source._consumer
        answer = threading.Event()
        source._consumer = SimpleNamespace(close=answer.wait)
        source.close()
        assert len(said) == 1 and "does not answer" in said[0]
        answer.set()

        def refuse():
            raise StorageError("no room")

        source._consumer = SimpleNamespace(close=refuse)
        with pytest.raises(StorageError, match="no room"):
            source.close()
        consumer.close()


def test_one_alert_a_message():
    many = container([packet(n) for n in range(3)])
    message = KafkaMessage("alerts", 0, 4, many)
    (found,) = message.outcomes(StampRules(), SchemaSet())
    assert (found.reason, found.origin) == ("more than one alert in one message", "alerts/0#4")
    (found,) = dataclasses.replace(message, value=b"\0" * 10_000_000).outcomes(StampRules(), SchemaSet())
    assert found.reason.startswith("unknown schema: id 0")


def test_sentences(tmp_path, monkeypatch):
    for text in ("localhost/alerts", "kafka://localhost:9092", "kafka:///alerts", "kafka://a:1/b,,c"):
        with pytest.raises(ConfigError, match="Kafka address"):
            KafkaAddress.parse(text)
    (tmp_path / "p").write_text("# secrets\nsasl.username = me = you\n\n")
    assert KafkaSettings(properties=tmp_path / "p", set=("a=b",)).librdkafka() == {
        "sasl.username": "me = you",
        "a": "b",
    }
    with pytest.raises(ConfigError, match="name=value"):
        KafkaSettings(set=("nonsense",)).librdkafka()
    with pytest.raises(ConfigError, match="cannot be read"):
        KafkaSettings(properties=tmp_path / "none").librdkafka()
    with pytest.raises(ConfigError, match="refuses"):
        KafkaAlerts("kafka://localhost:1/a", KafkaSettings(set=("no.such.setting=1",)))
    with mock_broker() as (brokers, producer):
        fill(producer, "alerts", 3)
        with pytest.raises(DataError, match="no topic 'alert': it has alerts"):
            KafkaAlerts(f"kafka://{brokers}/alert")
    monkeypatch.setattr("data_pipelines.sources.alerts.kafka._ANSWER_SECONDS", 0.5)
    with pytest.raises(DataError, match="no Kafka broker answers"):
        KafkaAlerts("kafka://127.0.0.1:9/alerts")
    monkeypatch.setitem(sys.modules, "confluent_kafka", None)
    with pytest.raises(Exception, match=r"lcjax\[kafka\]"):
        KafkaAlerts("kafka://localhost:1/a")
