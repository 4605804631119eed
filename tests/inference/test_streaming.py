"""`lcjax predict` on a topic with several members of its group: what is answered when partitions come and go."""

import functools
import os
import subprocess
import sys
import time

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from rich.console import Console

from data_pipelines.kinds.reading import Reader
from data_pipelines.sources.alerts.kafka import KafkaAlerts
from data_pipelines.sources.alerts.kafka_settings import KafkaAddress, KafkaSettings
from lcjax.cli.main import main
from lcjax.inference import streaming
from lcjax.inference.predicting import predict_topics
from lcjax.inference.result_parts import ResultParts, read_parts
from tests.cli.blank_model import blank_model
from tests.data_pipelines.alerts.fake_kafka import FakeKafka

SCHEMA = pa.schema([("place", pa.string())])
IDENTITY = "toy, cluster fake"
ADDRESS, END = (
    KafkaAddress.parse("kafka://fake:9092/alerts"),
    KafkaSettings(stop="end", part_rows=1000, part_seconds=1e9),
)


class Places(Reader):
    """Messages as they are: `partition#offset`."""

    def items(self, inputs):
        return iter(())

    def decoded(self, messages):
        return ({"place": f"{m.partition}#{m.offset}"} for m in messages)


class Echo:
    unit, schema, constant_columns = "alerts", SCHEMA, ()

    def answer(self, items):
        return iter(items)


def logs(*lengths):
    return [[b"x"] * length for length in lengths]


def places(*lengths):
    return sorted(f"{p}#{i}" for p, length in enumerate(lengths) for i in range(length))


def written(folder):
    list(read_parts(folder))  # raises where a part is missing
    return sorted(pq.read_table(folder)["place"].to_pylist())


def use(monkeypatch, logs, events, at_once=4):
    kafka = FakeKafka(logs, events, at_once)
    monkeypatch.setattr("data_pipelines.sources.alerts.kafka._package", lambda: kafka)
    return kafka


def predict(folder, settings=END):
    rejected, console = folder.with_name("rejected.parquet"), Console(stderr=True, quiet=True)
    join = functools.partial(KafkaAlerts, ADDRESS, settings, warn=print)
    part = (settings.part_rows, settings.part_seconds)
    predict_topics(Echo(), join, Places(), folder, rejected, console, print, "toy", part)


def other_member(folder, partition, first, following):
    """Another process answers a stretch."""
    rows = [{"place": f"{partition}#{i}"} for i in range(first, following)]
    assert ResultParts(folder, SCHEMA, IDENTITY).write("alerts", partition, first, following, rows)


def test_what_was_fetched_before_a_rebalance_is_given_out_by_no_one(monkeypatch):
    """In a later call within a poll the group is dealt anew: those of the earlier calls are another member's, or come again;
    so do those of this call, which librdkafka fetched in between.
    """

    def deal(consumer):
        consumer.takes()
        consumer.gives(0)

    use(monkeypatch, logs(6, 6), {3: deal}, at_once=2)
    with KafkaAlerts(ADDRESS, END) as source:
        found = source.poll(100, 5.0)
        while not source.finished:
            found += source.poll(100, 5.0)
    assert [m.origin for m in found] == [f"alerts/0#{i}" for i in range(6)]


def test_a_partition_that_goes_is_written_and_committed_first(monkeypatch, tmp_path):
    """Otherwise the next member would answer everything again."""
    folder, stands = tmp_path / "F", {}

    def deal(consumer):
        consumer.takes()
        stands.update({p: ResultParts(folder, SCHEMA, IDENTITY).next_offset("alerts", p) for p in (0, 1)})
        stands["committed"] = dict(consumer.kafka.committed)
        other_member(folder, 1, 4, 10)
        consumer.gives(0)

    monkeypatch.setattr(streaming, "POLL", 8)
    use(monkeypatch, logs(10, 10), {3: deal})
    predict(folder)
    assert stands == {0: 4, 1: 4, "committed": {0: 4, 1: 4}}
    assert written(folder) == places(10, 10)


def test_a_part_that_another_has_written_is_read_on_behind_it(monkeypatch, tmp_path):
    """A member that was away for long does not know that its partition is another's."""
    folder = tmp_path / "F"
    monkeypatch.setattr(streaming, "POLL", 4)
    use(monkeypatch, logs(10), {2: lambda consumer: other_member(folder, 0, 0, 3)})
    predict(folder, KafkaSettings(stop="end", part_rows=4, part_seconds=1e9))
    assert written(folder) == places(10)


def test_two_members_share_a_topic(tmp_path, capsys):
    """Two processes, one of them slow; the second joins in mid stream. Every alert is answered once."""
    pytest.importorskip("confluent_kafka", reason="needs confluent-kafka (extra test or kafka)")
    from tests.data_pipelines.alerts.mock_broker import QUICK, fill, mock_broker

    model, out, joined = blank_model(tmp_path / "W"), tmp_path / "F.parquet", tmp_path / "joined"
    with mock_broker() as (brokers, producer):
        sound, poison = fill(producer, "ztf", 60)
        kafka = ["--kafka.stop", "end", "--kafka.part-rows", "4", "--kafka.set", *QUICK]
        arguments = ["predict", str(model), f"kafka://{brokers}/ztf", "--out", str(out), "--decoders", "0", *kafka]
        slow = (
            "import os, sys, time, lcjax.inference.streaming as a\n"
            "from lcjax.cli.main import main\n"
            "take, a.POLL = a.answer_some, 3\n"
            "a.answer_some = lambda *args: (take(*args), time.sleep(0 if os.path.exists(sys.argv[1]) else 1))\n"
            "sys.exit(main(sys.argv[2:]))"
        )
        env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
        first = subprocess.Popen(
            [sys.executable, "-c", slow, str(joined), *arguments], env=env, stdout=subprocess.PIPE, text=True
        )
        try:
            deadline = time.monotonic() + 240
            while not (out.is_dir() and any(out.glob("*.parquet"))) and time.monotonic() < deadline:
                assert first.poll() is None
                time.sleep(0.01)
            assert main(arguments) == 0
            joined.touch()
            said, _ = first.communicate(timeout=240)
            assert first.returncode == 0
        finally:
            first.kill()
    counts = [int(text.split(" alerts in ")[0].split()[-1]) for text in (said, capsys.readouterr().out)]
    assert all(counts) and sum(counts) == len(sound)
    list(read_parts(out))
    assert sorted(pq.read_table(out)["alert_id"].to_pylist()) == sound
    rejected = pq.read_table(tmp_path / "F.rejected.parquet").to_pylist()
    assert sorted((r["partition"], r["offset"]) for r in rejected) == sorted(poison)
