"""The training benchmark runs without TensorFlow and its arithmetic holds together."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from benchmarks.train import base_experiment, cases, synthetic_lengths, window_batch

ROOT = Path(__file__).resolve().parents[2]


def test_runs_without_tensorflow(tmp_path):
    script = (
        "import sys; sys.modules['tensorflow'] = sys.modules['tensorflow_datasets'] = None\n"
        "from benchmarks.train import main\n"
        f"main('--quick --length 32 --batch-sizes --dispatches 2 --json'.split() + [{str(tmp_path / 'a.json')!r}])"
    )
    environment = os.environ | {"PYTHONPATH": str(ROOT), "JAX_PLATFORMS": "cpu"}
    done = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr
    record = json.loads((tmp_path / "a.json").read_text())
    assert record["machine"]["jax"] and record["settings"]["training"]["batch_size"] == 8
    assert [s["why"] for s in record["skipped"]] == ["needs a GPU"]
    assert len(record["cases"]) == 4
    for row in record["cases"]:
        assert row["points/s"] <= row["padded points/s"]
        assert row["windows/s"] == pytest.approx(8000 / row["ms/update"])
        assert row["GFLOP/s"] == pytest.approx(1000 * row["GFLOP/update"] / row["ms/update"])
        precision = "bfloat16" if row["case"].startswith("bfloat16") else "float32"
        ceiling = record["ceiling_flops"][precision] / 1e9
        assert row["% of ceiling"] == pytest.approx(100 * row["GFLOP/s"] / ceiling)
    padded, bucketed = record["cases"][0], record["cases"][-1]
    assert bucketed["GFLOP/update"] < padded["GFLOP/update"]


def test_one_setting_changes_at_a_time():
    base = base_experiment("astromer2", None, None, quick=False)
    found = cases(base, [64, base.training.batch_size], [1, 4], (50, 100, 200))
    assert [c.name.split()[0] for c in found] == ["base:", "bfloat16", "bfloat16,", "batch", "4", "buckets"]
    assert found[0].buckets == (200,) and found[-1].buckets == (50, 100, 200) and found[-1].experiment is base
    assert base.training.batch_size == 512


def test_synthetic_windows_hold_the_points_they_say():
    points = synthetic_lengths(200)
    assert points.min() >= 5 and points.max() == 200 and 80 < np.median(points) < 100
    batch = window_batch(16, 100, points[points <= 100], 0)
    assert np.array_equal(batch["mask"].sum(1), batch["length"]) and not batch["magnitude"][~batch["mask"]].any()
