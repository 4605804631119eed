"""From survey files to predictions through the command line, as a user would, on a few stars."""

import contextlib
import io
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from lcjax.cli.main import main

ROOT = Path(__file__).resolve().parents[2]
SMALL = ["--model.num-layers", "1", "--model.width", "16", "--model.num-heads", "2", "--model.ffn-width", "16"]
QUICK = [
    "--training.log-every",
    "2",
    "--training.evaluate-every",
    "4",
    "--training.checkpoint-every",
    "4",
    "--training.evaluate-batches",
    "1",
]


def lcjax(*arguments, blocked: tuple[str, ...] = ()) -> subprocess.CompletedProcess:
    """Runs the command line; `blocked` packages cannot be imported, in a process of its own."""
    if not blocked:
        out, said = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(said):
            code = main([*map(str, arguments)])
        return subprocess.CompletedProcess(arguments, code, out.getvalue(), said.getvalue())
    hide = "".join(f"sys.modules[{name!r}] = None; " for name in blocked)
    code = f"import sys; {hide}from lcjax.cli.main import main; sys.exit(main(sys.argv[1:]))"
    command = [sys.executable, "-c", code, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, cwd=ROOT, timeout=300)


def losses(workdir: Path) -> list[tuple]:
    rows = [json.loads(line) for line in (workdir / "metrics.jsonl").read_text().splitlines()]
    return [(r["step"], r["split"], r["loss"]) for r in rows]


@pytest.fixture(scope="module")
def stars(tmp_path_factory) -> Path:
    """Sixty made-up stars of two classes as nested Parquet, one of them unusable."""
    rng = np.random.default_rng(0)
    rows = {"id": [], "label": [], "time": [], "mag": [], "err": []}
    for i in range(60):
        n = 3 if i == 7 else int(rng.integers(20, 120))
        time = np.sort(rng.uniform(53000, 55000, n))
        rows["id"].append(f"star{i:03d}")
        rows["label"].append("SINE" if i % 2 else "FLAT")
        rows["time"].append(time)
        rows["mag"].append(14 + (i % 2) * np.sin(time / 9) + rng.normal(0, 0.02, n))
        rows["err"].append(np.full(n, 0.02))
    path = tmp_path_factory.mktemp("survey") / "stars.parquet"
    pq.write_table(pa.table(rows), path)
    return path


@pytest.fixture(scope="module")
def data(stars, tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("prepared")
    done = lcjax("data", "prepare", "light_curve_files", "--source", stars, "--out", out, "--shards", "4")
    assert done.returncode == 0, done.stderr
    assert "1 (1 fewer than 5 points)" in done.stdout.replace("\n", " ")
    return out


@pytest.fixture(scope="module")
def trained(data, tmp_path_factory) -> Path:
    workdir = tmp_path_factory.mktemp("run") / "w"
    done = lcjax(
        "train",
        "astromer2-small",
        "--data",
        data,
        "--workdir",
        workdir,
        "--steps",
        8,
        "--batch-size",
        8,
        *SMALL,
        *QUICK,
    )
    assert done.returncode == 0, done.stderr
    return workdir


def test_rejected_stars_are_named(data):
    (path,) = data.rglob("rejected.parquet")
    rows = pq.read_table(path).to_pylist()
    assert [r["object_id"] for r in rows] == ["star007"]
    assert "fewer than 5 points" in rows[0]["reason"]


def test_verify_says_all_is_well_and_names_damage(data, tmp_path):
    import shutil

    assert lcjax("data", "verify", data).returncode == 0
    copy = tmp_path / "copy"
    shutil.copytree(data, copy)
    shard = sorted(copy.rglob("*train.tfrecord*"))[1]
    content = bytearray(shard.read_bytes())
    content[len(content) // 2] ^= 1
    shard.write_bytes(content)
    done = lcjax("data", "verify", copy)
    assert done.returncode == 2
    assert shard.name in done.stderr
    refused = lcjax(
        "train", "astromer2-small", "--data", copy, "--workdir", tmp_path / "w", "--steps", 30, *SMALL, *QUICK
    )
    assert refused.returncode == 2, refused.stderr
    assert shard.name in refused.stderr
    assert "Traceback" not in refused.stderr


def test_training_leaves_scores_report_and_settings(trained):
    assert (trained / "report" / "index.html").stat().st_size > 50_000
    assert json.loads((trained / "scores.json").read_text())[0]["stars"] == "all"
    config = json.loads((trained / "config.json").read_text())
    assert config["experiment"]["model"]["width"] == 16
    assert [s for s, split, _ in losses(trained) if split == "validation"] == [4, 8]
    rows = [json.loads(line) for line in (trained / "metrics.jsonl").read_text().splitlines()]
    assert all({"step", "split", "loss", "wall_time"} <= r.keys() for r in rows)
    assert all(r["points_per_second"] > 0 for r in rows if r["split"] == "train")


def test_training_without_tensorflow_gives_the_same_losses(data, trained, tmp_path):
    workdir = tmp_path / "w"
    done = lcjax(
        "train", "astromer2-small", "--data", data, "--workdir", workdir, "--steps", 8, "--batch-size", 8, "--no-report",
        "--reader", "plain", *SMALL, *QUICK, blocked=("tensorflow", "tensorflow_datasets"),
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert losses(workdir) == losses(trained)


def test_pmap_gives_the_same_losses(data, trained, tmp_path):
    workdir = tmp_path / "w"
    done = lcjax(
        "train", "astromer2-small", "--data", data, "--workdir", workdir, "--steps", 8, "--batch-size", 8, "--no-report",
        "--parallel", "pmap", *SMALL, *QUICK,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    for (step, split, ours), (step_, split_, theirs) in zip(losses(workdir), losses(trained), strict=True):
        assert (step, split) == (step_, split_)
        assert ours == pytest.approx(theirs, rel=1e-4)


def test_other_settings_in_the_same_workdir_are_refused(data, trained):
    done = lcjax(
        "train", "astromer2-small", "--data", data, "--workdir", trained, "--steps", 8, "--batch-size", 8, "--seed", 5,
        *SMALL, *QUICK,
    )  # fmt: skip
    assert done.returncode == 2
    assert "seed" in done.stderr


def test_predict_gives_one_row_a_star_in_input_order(trained, stars, tmp_path):
    out = tmp_path / "emb.parquet"
    done = lcjax("predict", trained, stars, "--out", out, blocked=("tensorflow", "tensorflow_datasets"))
    assert done.returncode == 0, done.stderr
    table = pq.read_table(out).to_pydict()
    expected = [f"star{i:03d}" for i in range(60) if i != 7]
    assert table["object_id"] == expected
    embedding = np.array(table["embedding"])
    assert embedding.shape == (59, 16)
    assert np.isfinite(embedding).all()
    assert table["n_points"][0] == len(pq.read_table(stars)["time"][0])


def test_a_missing_column_is_one_sentence(stars, tmp_path):
    table = pq.read_table(stars).rename_columns(["id", "label", "when", "brightness", "err"])
    path = tmp_path / "odd.parquet"
    pq.write_table(table, path)
    done = lcjax("data", "prepare", "light_curve_files", "--source", path, "--out", tmp_path / "d")
    assert done.returncode == 2
    assert "brightness" in done.stderr and "--columns.time" in done.stderr
    named = lcjax(
        "data", "prepare", "light_curve_files", "--source", path, "--out", tmp_path / "d",
        "--columns.time", "when", "--columns.magnitude", "brightness",
    )  # fmt: skip
    assert named.returncode == 0, named.stderr
