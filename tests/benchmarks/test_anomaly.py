"""The benchmark of detectors runs, and times what it says."""

import ast
import json

import pytest

from benchmarks import anomaly, anomaly_cases


def test_a_small_one(tmp_path, monkeypatch):
    monkeypatch.setattr(anomaly_cases, "KINDS", ("autoencoder",))
    small = ["--members", "1", "--rows", "40", "--features", "4", "--classes", "2", "--latent", "2", "--widths", "4"]
    more = ["--batch-size", "16", "--epochs", "1", "--turns", "1", "--torch-python", "false"]
    assert anomaly.main([*small, *more, "--out", str(tmp_path / "a.json")]) == 0
    rows = {row["case"]: row for row in json.loads((tmp_path / "a.json").read_text())["rows"]}
    assert {"all at once (vmap)", "one by one"} <= rows.keys() and not any("PyTorch" in name for name in rows)
    one = rows["one by one"]
    assert one["network-epochs/s"] * one["seconds"] == pytest.approx(1)
    assert one["training rows/s"] * one["seconds"] == pytest.approx(32)


def test_pytorch_needs_nothing_of_ours():
    tree = ast.parse(anomaly_cases.SCRIPT.read_text())
    modules = {n.module or "" for n in ast.walk(tree) if isinstance(n, ast.ImportFrom)}
    assert not any(name.startswith(("lcjax", "benchmarks", "jax")) for name in modules)


def test_the_published_training():
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    from benchmarks.other_interpreter import anomaly_torch as published

    job = {"rows": 60, "features": 4, "classes": 2, "widths": [4], "latent": 2, "batch_size": 16, "epochs": 1}
    for make in (published.loader_batches, published.resident_batches):
        scores = published.detector(job, make, "cpu")
        assert scores.shape == (60,) and torch.isfinite(scores).all()
