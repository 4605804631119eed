"""A process that writes the ids of a topic's alerts as parts; to be killed. Arguments: address, folder, seconds per message."""

import sys
import time

import pyarrow as pa

from data_pipelines.sources.alerts.kafka import KafkaAlerts
from data_pipelines.sources.alerts.kafka_settings import KafkaSettings
from lcjax.errors import Rejection
from lcjax.inference.result_parts import ResultParts, StreamedResults
from tests.data_pipelines.alerts.mock_broker import QUICK

SCHEMA = pa.schema([("alert_id", pa.int64()), ("object_id", pa.string())])


def consume(address, folder, seconds, rows=4):
    results = StreamedResults(ResultParts(folder, SCHEMA, "ids"), rows, 1.0)

    def give_up(places):
        source.commit(results.write(only=places)[0])
        results.forget(places)

    settings = KafkaSettings(stop="end", set=QUICK)
    source = KafkaAlerts(address, settings, resume=results.resume, on_revoke=give_up, on_lost=results.forget)
    with source:
        while not source.finished:
            for message in source.poll(5, 0.5):
                time.sleep(seconds)
                alert = source.decode(message)
                if not isinstance(alert, Rejection):
                    alert = {"alert_id": alert.alert_id, "object_id": alert.object_id}
                results.add(message.topic, message.partition, message.offset, alert, time.monotonic())
            written, taken = results.write(time.monotonic())
            source.commit(written)
            source.again(taken)
        source.commit(results.write()[0])


if __name__ == "__main__":
    consume(sys.argv[1], sys.argv[2], float(sys.argv[3]))
