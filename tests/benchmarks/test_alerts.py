import json

from benchmarks.alerts import main


def test_stages_reference_and_night(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("LCJAX_DATA", str(tmp_path))  # made-up packets
    out = tmp_path / "alerts.json"
    small = ["--count", "6", "--seconds", "0.01", "--turns", "1", "--batch-size", "4", "--no-pin"]
    assert main([*small, "--out", str(out)]) == 0
    record = json.loads(out.read_text())
    assert record["largest_difference"] < 1e-5  # both paths give the same answers
    assert all(r["median"] > 0 for r in (record["stages"] | record["reference"]).values())
    night = record["night"]["10 minutes"]
    rate = record["stages"]["bytes to probabilities"]["median"]
    assert night["cores, CPU only"] >= night["alerts/s"] / rate
    assert "a Rubin night" in capsys.readouterr().out
