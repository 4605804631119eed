"""A stranger's package, installed as packages are: lcjax finds its kind of data, dataset and system, and does all with them."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

ROOT = Path(__file__).resolve().parents[2]
PLUGIN = Path(__file__).parent / "toy_spectra"


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """A folder where the package is installed by pip, from a copy of its source."""
    source = tmp_path_factory.mktemp("source") / "toy_spectra"
    shutil.copytree(PLUGIN, source, ignore=shutil.ignore_patterns("build", "*.egg-info", "__pycache__"))
    site = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--no-index", "--no-build-isolation"]
    done = subprocess.run([*command, "--target", str(site), str(source)], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    return site


COMMANDS = """
import contextlib, io, json, sys
from lcjax.cli.main import main
for line in sys.stdin:
    said = io.StringIO()
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
        code = main(json.loads(line))
    print(json.dumps([code, said.getvalue()]), flush=True)
"""


@pytest.fixture(scope="module")
def lcjax(site):
    """Commands one after the other in one process that finds the package: what is imported is imported once."""
    paths = os.pathsep.join([str(site), str(ROOT)])
    environment = os.environ | {"PYTHONPATH": paths, "JAX_PLATFORMS": "cpu"}
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    process = subprocess.Popen([sys.executable, "-c", COMMANDS], env=environment, cwd=site, **pipes)

    def run(*arguments, code=0):
        print(json.dumps([*map(str, arguments)]), file=process.stdin, flush=True)
        found, said = json.loads(process.stdout.readline())
        assert found == code, said
        return said

    yield run
    process.stdin.close()
    assert process.wait(60) == 0


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder, rng = tmp_path_factory.mktemp("files"), np.random.default_rng(0)
    for i in range(60):
        n = int(rng.integers(20, 50))
        redshift = rng.uniform(0, 1)
        flux = redshift * np.linspace(-1, 1, n) + 0.05 * rng.normal(size=n)
        (folder / f"spectrum{i:02d}.txt").write_text("\n".join(map(str, [redshift, *flux])))
    (folder / "spectrum99.txt").write_text("no spectrum")
    return folder


@pytest.fixture(scope="module")
def data(lcjax, files, tmp_path_factory):
    out = tmp_path_factory.mktemp("data")
    said = lcjax("data", "prepare", "spectrum_files", "--source", files, "--out", out, "--shards", 2)
    assert "60 of 61" in said and "no spectrum" in said
    return out


def test_found(lcjax):
    assert "toy-redshifts" in lcjax("presets")
    assert "spectrum_files" in lcjax("data")


def test_described_and_verified(lcjax, data):
    assert "redshift" in lcjax("data", "describe", data)
    assert "60 records" in lcjax("data", "verify", data)


def metrics(workdir):
    lines = [json.loads(line) for line in (workdir / "metrics.jsonl").read_text().splitlines()]
    return [(line["step"], line["split"], line["loss"]) for line in lines]


def test_trained_resumed_judged_asked_and_exported(lcjax, files, data, tmp_path):
    train = ["train", "toy-redshifts", "--data", data, "--optimizer.schedule", "constant"]
    said = lcjax(*train, "--workdir", tmp_path / "W")
    assert "root mean square error" in said and (tmp_path / "W" / "report" / "index.html").is_file()
    lcjax(*train, "--workdir", tmp_path / "R", "--steps", 20, "--no-report")
    assert "resuming" in lcjax(*train, "--workdir", tmp_path / "R")
    assert metrics(tmp_path / "W") == metrics(tmp_path / "R")
    assert metrics(tmp_path / "W")[-1][2] < metrics(tmp_path / "W")[0][2]

    assert "root mean square error" in lcjax("evaluate", tmp_path / "W", "--json", tmp_path / "s.json")
    assert json.loads((tmp_path / "s.json").read_text()) == json.loads((tmp_path / "W" / "scores.json").read_text())

    lcjax("predict", tmp_path / "W", files, "--out", tmp_path / "z.parquet")
    table = pq.read_table(tmp_path / "z.parquet").to_pydict()
    assert table["object_id"] == [f"spectrum{i:02d}" for i in range(60)] and set(table) == {"object_id", "redshift"}
    truth = [float((files / f"{name}.txt").read_text().split()[0]) for name in table["object_id"]]
    assert np.corrcoef(truth, table["redshift"])[0, 1] > 0.5
    rejected = pq.read_table(tmp_path / "z.rejected.parquet").to_pylist()
    assert [r["object_id"] for r in rejected] == ["spectrum99"]
    lcjax("predict", tmp_path / "W", data, "--out", tmp_path / "again.parquet")
    again = pq.read_table(tmp_path / "again.parquet").to_pydict()
    assert dict(zip(again["object_id"], again["redshift"], strict=True)) == pytest.approx(
        dict(zip(table["object_id"], table["redshift"], strict=True)), abs=1e-6
    )

    assert "redshift rows" in lcjax("export", tmp_path / "W", tmp_path / "out", "--platforms", "cpu")
    assert (tmp_path / "out" / "predict.stablehlo").is_file()


def test_what_is_not_there_is_said_in_one_sentence(lcjax, tmp_path):
    said = lcjax("train", "toy-redshifts", "--workdir", tmp_path / "W", code=2)
    assert "learns from spectra: give prepared data with --data" in said and "Traceback" not in said


def test_small():
    """The promise of CONTRIBUTING: everything in fewer than 150 lines."""
    assert sum(len(p.read_text().splitlines()) for p in PLUGIN.rglob("*.py")) < 150


def test_contributing_shows_exactly_this_package():
    shown = re.findall(r"```(?:toml|python)\n(.*?)```", (ROOT / "CONTRIBUTING.md").read_text(), re.S)
    files = [PLUGIN / "pyproject.toml", *sorted((PLUGIN / "toy_spectra").glob("*.py"))]
    lines = lambda text: [line for line in text.splitlines() if line.strip()]
    assert lines("".join(shown)) == [line for path in files for line in lines(path.read_text())]
