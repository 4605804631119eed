import json

import benchmarks.alert_packets
from benchmarks.alert_night import night
from benchmarks.alert_stages import COLUMNS, DECODE, NETWORK, PREPARE, WHOLE
from benchmarks.alerts import main

SMALL = ["--count", "6", "--seconds", "0.01", "--turns", "1", "--batch-size", "4", "--no-pin"]


def test_stages_and_usual_path(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("LCJAX_DATA", str(tmp_path))  # made-up packets
    out = tmp_path / "alerts.json"
    assert main([*SMALL, "--no-all-cores", "--no-hosts", "--out", str(out)]) == 0
    record = json.loads(out.read_text())
    assert record["largest_difference"] < 1e-5  # both paths give the same answers
    stages = record["stages"]["one core"]["ZTF"]
    assert all(r["median"] > 0 for r in (stages | record["usual"]).values()) and set(record["usual"]) < set(stages)
    assert "10,000,000 Rubin alerts in 10 minutes" in capsys.readouterr().out


def test_without_packages_for_packets(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(benchmarks.alert_packets, "can_read_avro", lambda: False)
    out = tmp_path / "alerts.json"
    assert main([*SMALL, "--out", str(out)]) == 0
    assert "fastavro is not installed" in capsys.readouterr().out
    stages = json.loads(out.read_text())["stages"]["one core"]
    assert {s: set(found) for s, found in stages.items()} == {s: {PREPARE, NETWORK} for s in ("ZTF", "Rubin")}


def test_nights():
    core = {WHOLE: 100.0, DECODE: 1000.0, COLUMNS: 1000.0}
    long, short, ztf = night({"Rubin": core, "ZTF": {}}, {"Rubin": {NETWORK: 10_000.0, PREPARE: 10_000.0}})
    assert (long["cores, CPU only"], long["accelerators"], long["cores that read"]) == (3, 1, 1)
    assert (short["cores, CPU only"], short["accelerators"], short["cores that read"]) == (167, 4, 34)
    assert ztf["cores, CPU only"] is None and ztf["accelerators"] is None
