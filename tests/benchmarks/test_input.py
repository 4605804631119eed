"""The published input pipeline as re-created, its masking and windows, and all cases on a few curves."""

import json

import numpy as np
import pytest
import tensorflow as tf

from benchmarks import input as benchmark

TINY = ["--curves", "24", "--points", "20", "40", "--length", "16", "--batch-size", "4", "--seconds", "0.01"]


def test_all_cases_give_batches_of_the_same_curves(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(benchmark, "_timed", lambda items, seconds: lambda: float(next(items)))
    out = tmp_path / "input.json"
    assert benchmark.main([*TINY, "--turns", "1", "--out", str(out)]) == 0
    record = json.loads(out.read_text())
    assert {row["case"]: row["curves/s"] for row in record["rows"]} == dict.fromkeys(
        (
            "published",
            "published, no masking",
            "bare read-and-decode",
            "ours, tf.data",
            "ours, tf.data, buckets",
            "ours, plain (no TensorFlow)",
        ),
        4.0,
    )
    assert record["facts"]["curves"] == 24 and 24 * 20 <= record["facts"]["points"] <= 24 * 40
    assert [goal["reached"] for goal in record["goals"]] == [False, True]  # one batch each: as fast as one another
    said = capsys.readouterr().out
    assert "goal 8 x published: missed (1.00)" in said and "goal 0.8 of bare: reached (1.00)" in said


@pytest.mark.parametrize("size", [5, 20, 21])
def test_shares_of_the_published_masking(size):
    """Half of the points probed, of those a fifth shown, of the rest a fifth exchanged (rounded up)."""
    rng = np.random.default_rng(0)
    window = np.stack([np.arange(size), 100 + np.arange(size), rng.random(size)], 1).astype(np.float32)
    out = {name: value.numpy()[:, 0] for name, value in benchmark._published_mask(tf, tf.constant(window)).items()}
    count = size // 2
    shown = int(np.ceil(np.float32(count) * np.float32(0.2)))
    exchanged = int(np.ceil(np.float32(count - shown) * np.float32(0.2)))
    assert out["mask_out"].sum() == count and set(out["mask_out"]) <= {0, 1}
    assert out["mask_in"].sum() == count - shown - exchanged and (out["mask_in"] <= out["mask_out"]).all()
    changed = out["input"] != out["target"]
    assert changed.sum() <= exchanged and (changed <= (out["mask_out"] - out["mask_in"])).all()
    assert set(out["input"]) <= set(window[:, 1])
    np.testing.assert_array_equal(out["target"], window[:, 1])
    np.testing.assert_array_equal(out["times"], window[:, 0])
    np.testing.assert_array_equal(out["errors"], window[:, 2])


def test_published_windows_are_pieces_minus_their_means():
    curve = np.stack([np.arange(30), 5 + np.arange(30) ** 2, np.ones(30)], 1).astype(np.float32)
    starts = set()
    for _ in range(20):
        window = benchmark._published_window(tf, tf.constant(curve), 8).numpy()
        assert window.shape == (8, 3) and np.abs(window.mean(0)).max() < 1e-4
        first = next(
            i for i in range(23) if np.allclose(curve[i : i + 8] - curve[i : i + 8].mean(0), window, atol=1e-3)
        )
        starts.add(first)
    assert len(starts) > 3
    assert benchmark._published_window(tf, tf.constant(curve), 99).shape == (30, 3)
