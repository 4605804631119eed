"""The benchmark of detectors runs, and times what it says."""

import json

import pytest

from benchmarks import anomaly


def test_a_small_one(tmp_path):
    small = ["--members", "2", "--rows", "40", "--features", "4", "--classes", "2", "--latent", "2", "--widths", "4"]
    more = ["--batch-size", "16", "--epochs", "1", "--turns", "1", "--out", str(tmp_path / "a.json")]
    assert anomaly.main([*small, *more]) == 0
    rates = json.loads((tmp_path / "a.json").read_text())["rates"]
    assert {"all at once, vmap", "one by one"} <= rates.keys() and all(r["median"] > 0 for r in rates.values())


def test_the_published_step():
    pytest.importorskip("torch")
    options = anomaly.Options(members=1, rows=40, features=4, classes=2, latent=2, widths=(4,), epochs=1)
    assert anomaly.torch_case(options)() > 0
