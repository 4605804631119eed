"""Alerts decoded by processes beside: the same outcomes in the same order."""

import dataclasses
import pickle

import numpy as np
import pytest

from data_pipelines.datasets.alert_checks import container, packet
from data_pipelines.processes import Processes
from data_pipelines.sources.alerts import Alert, SchemaSet, StampRules, cut_alerts, decoders, read_alerts
from data_pipelines.sources.alerts.decoders import Decoders
from lcjax.errors import MissingExtraError

RULES = StampRules(history=False)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Many small files, a container of many blocks, and damage among them."""
    folder = tmp_path_factory.mktemp("alerts")
    packets = [container([packet(n)]) for n in range(40)]
    for n in range(200):
        data = packets[n % 40]
        (folder / f"{n:04d}.avro").write_bytes(data[:3000] if n % 50 == 7 else data)
    (folder / "many.avro").write_bytes(b"".join(packets[n % 40] for n in range(200)))
    (folder / "none.avro").write_bytes(b"")
    return folder


@dataclasses.dataclass(frozen=True)
class Summary:
    """Made where alerts are decoded."""

    scale: float

    def __call__(self, outcome):
        pixels = outcome.stamps["science"].pixels.sum() if isinstance(outcome, Alert) else np.nan
        return outcome.alert_id, outcome.origin, self.scale * float(pixels), getattr(outcome, "reason", "")


def test_same_outcomes_in_the_same_order(folder, monkeypatch):
    then = Summary(2.0)
    expected = [then(outcome) for outcome in read_alerts(folder, rules=RULES)]
    assert len(expected) == 401 and sum(bool(e[3]) for e in expected) == 5
    for count in (0, 2):
        with Processes(count) as processes:
            for most in (512, 20):  # 20: the processes give every job back
                monkeypatch.setattr(decoders, "MOST_OUTCOMES", most)
                beside = Decoders(processes, RULES, then=then)
                np.testing.assert_equal(list(beside.map(cut_alerts(folder, RULES))), expected)
                np.testing.assert_equal(list(beside.map(cut_alerts(folder / "0000.avro", RULES))), expected[:1])


def test_schemas_and_missing_packages_cross_processes(tmp_path):
    schemas = pickle.loads(pickle.dumps(SchemaSet([_schema_file(tmp_path)])))
    assert schemas.ids() == [7] and schemas.schema(7)["name"] == "a.b"
    error = pickle.loads(pickle.dumps(MissingExtraError("astropy", "data", "reading FITS tables")))
    assert isinstance(error, MissingExtraError) and "lcjax[data]" in str(error)


def _schema_file(folder):
    (folder / "7.avsc").write_text('{"type": "record", "name": "b", "namespace": "a", "fields": []}')
    return folder / "7.avsc"
