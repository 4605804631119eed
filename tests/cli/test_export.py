"""`lcjax export`: which weights go where, and what is said; that the program answers as the model is tested in its room."""

from pathlib import Path
from types import SimpleNamespace

import pytest

import lcjax.inference
import lcjax.systems.loading
from lcjax.cli import export
from lcjax.errors import WeightsError


@pytest.fixture
def asked(monkeypatch):
    """What was loaded and exported."""
    seen = SimpleNamespace()

    def load(model, which):
        seen.loaded = (model, which)
        return "loaded"

    def write(loaded, out, platforms):
        seen.exported = (loaded, out, platforms)
        return {"parameters": 12345, "outputs": {"embedding": {"shape": ["b", 8]}, "x": {"shape": ["b"]}}}

    monkeypatch.setattr(lcjax.systems.loading, "load", load)
    monkeypatch.setattr(lcjax.inference, "export", write)
    return seen


def test_the_best_weights_for_cpu_and_cuda_unless_said_otherwise(asked, capsys):
    assert export.main(["W", "X"]) == 0
    assert asked.loaded == ("W", "best") and asked.exported == ("loaded", Path("X"), ("cpu", "cuda"))
    said = capsys.readouterr().out.splitlines()
    assert said == ["12,345 parameters; outputs: embedding bx8, x b", "written to X (export.json says how to call it)"]
    assert export.main(["W", "X", "--which", "ema", "--platforms", "tpu"]) == 0
    assert asked.loaded == ("W", "ema") and asked.exported[2] == ("tpu",)


def test_what_is_not_there_is_an_error_of_lcjax(tmp_path):
    with pytest.raises(WeightsError, match="nowhere"):
        export.main([str(tmp_path / "nowhere"), str(tmp_path / "X")])
