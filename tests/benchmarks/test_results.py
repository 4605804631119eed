"""No benchmark loses its run at the end: whatever its options and results are, they can be written."""

import dataclasses
import importlib
import inspect
import json
from pathlib import Path

import jax.numpy as jnp
import numpy as np
import pytest
import tyro

from benchmarks import original
from benchmarks.__main__ import names
from benchmarks.harness import Rate, write_json
from lcjax.errors import StorageError

WITH_OPTIONS = sorted(
    set(names()) - {"train", "adaptation", "base_scaling", "few_shot_scenarios"}
)  # which take their command lines by argparse, and have tests of their own
REQUIRED = {
    "reconstruction": ("--data", "D"),
    "anomaly_encoders": ("--data", "D"),
    "several_bands": ("M",),
    "positional": ("--home", "H", "--away", "A", "--runs", "R"),
}


def changed(value):
    """The path fields of a dataclass set, nested ones too."""
    for field in dataclasses.fields(value):
        inner = getattr(value, field.name)
        if "Path" in str(field.type):
            path = (Path("somewhere"),) if "tuple" in str(field.type) else Path("somewhere")
            value = dataclasses.replace(value, **{field.name: path})
        elif dataclasses.is_dataclass(inner):
            value = dataclasses.replace(value, **{field.name: changed(inner)})
    return value


@pytest.mark.parametrize("name", WITH_OPTIONS)
def test_options_and_results_can_be_written(name, tmp_path):
    module = importlib.import_module(f"benchmarks.{name}")
    options = changed(tyro.cli(module.Options, args=[*REQUIRED.get(name, ()), "--out", str(tmp_path / "given.json")]))
    results = {"rates": {"a": Rate(1.0, np.float32(0.5), 2.0, 3)}, "arrays": (np.arange(2), jnp.ones(1)), 3: None}
    written = write_json(name, {"settings": options, **results}, tmp_path / "new" / "a.json")
    record = json.loads(written.read_text())
    assert record["benchmark"] == name and record["settings"]["out"] == "somewhere"
    assert record["rates"]["a"]["low"] == 0.5 and record["arrays"] == [[0, 1], [1.0]] and record["3"] is None


@pytest.mark.parametrize("name", sorted(names()))
def test_every_benchmark_writes_by_the_harness(name):
    """What it hands over is made plain there and nowhere else."""
    source = inspect.getsource(importlib.import_module(f"benchmarks.{name}"))
    assert "write_json(" in source and "json.dump(" not in source and "write_text" not in source


def test_a_whole_run_with_out(tmp_path, monkeypatch):
    rows = [{"network": "n", "case": "c", "windows/s": 2.0}]
    monkeypatch.setattr(original, "_compare", lambda name, options: rows)
    out = tmp_path / "a.json"
    assert original.main(["--presets", "astromer1", "--out", str(out)]) == 0
    record = json.loads(out.read_text())
    assert record["rows"] == rows and record["settings"]["out"] == str(out)


def test_a_place_that_cannot_be_written(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="cannot write"):
        write_json("x", {}, tmp_path / "file" / "a.json")
