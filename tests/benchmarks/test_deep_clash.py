"""The experiment on labels runs, and scores the same galaxies of 16 bands whatever a network began with."""

import json

from benchmarks import deep_clash


def test_runs(tmp_path, capsys):
    sizes = "--base 24 --labels 0 16 --test 32 --base-steps 3 --steps 2 --batch-size 8 --evaluate-every 2 --small"
    out = tmp_path / "out.json"
    assert deep_clash.main([*sizes.split(), "--out", str(out)]) == 0
    record = json.loads(out.read_text())
    assert [(r["labels"], r["begins with"]) for r in record["curve"]] == [
        (0, "base network"),
        (16, "base network"),
        (16, "nothing"),
    ]
    assert len(record["bands"]) == 16 and {row["stamps"] for row in record["bands"]} == {2}
    assert record["curve"][0]["pooled RMSE"] != record["curve"][1]["pooled RMSE"]
