"""lcjax-base by name: fetched from where an address is set, resumed, checked; an error that says so where none is."""

import dataclasses
import json

import jax
import numpy as np
import pytest

from lcjax.errors import WeightsError
from lcjax.inference.exporting import model_card
from lcjax.pretrained.weights_folder import ImportedWeights, write_weights
from lcjax.systems import find_system
from lcjax.systems.base_encoder import weights
from lcjax.systems.catalogue import catalogue
from lcjax.systems.loading import load
from tests.pretrained.server import serve
from tests.systems.base_encoder.small import model


@pytest.fixture
def released(tmp_path, monkeypatch):
    """A server that has the weights, an empty cache."""
    one = model()
    write_weights(
        tmp_path / "W", ImportedWeights(one.experiment, one.variables, tmp_path / "W", None, [], []), "lcjax-base"
    )
    files = {
        f"/site/lcjax-base/{name}": (tmp_path / "W" / name).read_bytes()
        for name in ("config.json", "weights.safetensors")
    }
    monkeypatch.setenv("LCJAX_CACHE", str(tmp_path / "cache"))
    with serve(files) as (base, behaviour):
        monkeypatch.setenv("LCJAX_WEIGHTS_MIRROR", f"{base}/site")
        yield behaviour


def test_by_name_from_the_address_that_is_set(released):
    released.cut_after = [200, 3000]  # of the settings, and of the rest
    said = []
    found = load("lcjax-base", say=said.append)
    jax.tree.map(np.testing.assert_array_equal, found.variables, model().variables)
    assert found.experiment == model().experiment
    assert any("no published sha256 is known" in line for line in said)
    asked = len(released.requests)
    load("lcjax-base")
    assert len(released.requests) == asked


def test_files_of_another_hash_are_refused(released, monkeypatch):
    entry = dataclasses.replace(weights.PUBLISHED[0], contents_sha256=(("weights.safetensors", "0" * 64),))
    monkeypatch.setitem(catalogue(), "lcjax-base", entry)
    with pytest.raises(WeightsError, match=r"'weights\.safetensors' from .* is not the published file"):
        load("lcjax-base", say=lambda line: None)


def test_without_an_address_it_says_what_to_do(tmp_path, monkeypatch):
    monkeypatch.setenv("LCJAX_CACHE", str(tmp_path))
    monkeypatch.delenv("LCJAX_WEIGHTS_MIRROR", raising=False)
    monkeypatch.setitem(catalogue(), "lcjax-base", dataclasses.replace(weights.PUBLISHED[0], urls=()))
    with pytest.raises(WeightsError, match=r"not released yet: train them .* or set LCJAX_WEIGHTS_MIRROR"):
        load("lcjax-base")


def test_a_folder_of_another_system_is_refused(tmp_path):
    one = model()
    write_weights(tmp_path / "W", ImportedWeights(one.experiment, one.variables, tmp_path, None, [], []))
    record = json.loads((tmp_path / "W" / "config.json").read_text())
    assert find_system("base_encoder").importers()["base_encoder"].read(tmp_path / "W").parameters > 100
    (tmp_path / "W" / "config.json").write_text(json.dumps({**record, "system": "astromer2"}))
    with pytest.raises(WeightsError, match="weights of 'astromer2', not of base_encoder"):
        weights.read_folder(tmp_path / "W")


def test_a_model_card_says_what_is_known_and_no_more():
    shape = {"shape": ["rows", 8], "dtype": "float32"}
    description = {
        "parameters": 1234,
        "made_by": "lcjax",
        "how_to_call": "x",
        "inputs": {"time": shape},
        "outputs": {"embedding": shape},
    }
    card = model_card(
        {"system": "base_encoder", "preset": "lcjax-base", "data": {"objects": 5, "class_names": ["a"]}}, description
    )
    assert (
        "| parameters | 1,234 |" in card and "| trained on | 5 objects |" in card and "- `embedding`: rows x 8" in card
    )
    assert "| points | not recorded |" in card and "not recorded" in model_card({}, description)
