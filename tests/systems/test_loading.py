import json
import shutil

import jax
import numpy as np
import pytest

import lcjax
from lcjax.errors import CheckpointError, ConfigError, LcjaxError, WeightsError
from lcjax.systems.loading import load
from lcjax.training.checkpoint import save_variables
from lcjax.training.workdir import experiment_record, write_config
from tests.inference.models import experiment, untrained, weights_folder


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("weights") / "W"
    return path, weights_folder(path, experiment(parity=True))


def assert_same(found, expected):
    jax.tree.map(np.testing.assert_array_equal, found, expected)


def test_weights_folder(folder):
    path, expected = folder
    loaded, variables = lcjax.load(path)
    assert loaded.model.config.parity and loaded.model.config.width == 8
    assert_same(variables, expected)


def test_weights_folder_without_its_checkpoint_or_without_safetensors(folder, tmp_path):
    path, expected = folder
    for drop in ("best", "weights.safetensors"):
        copy = shutil.copytree(path, tmp_path / drop)
        shutil.rmtree(copy / drop) if drop == "best" else (copy / drop).unlink()
        assert_same(lcjax.load(copy).variables, expected)


def test_workdir_of_training(tmp_path):
    settings = experiment()
    _, variables = untrained(settings)
    write_config(tmp_path, experiment_record(settings, preset="own"))
    save_variables(tmp_path / "best", variables)
    loaded = load(tmp_path)
    assert_same(loaded.variables, variables)
    assert loaded.experiment == settings and loaded.record["preset"] == "own"


def test_bfloat16_and_cudnn_settings_run_anywhere(tmp_path):
    weights_folder(tmp_path / "W", experiment())
    record = json.loads((tmp_path / "W" / "config.json").read_text())
    record["experiment"]["model"]["attention"] = "cudnn"
    record["experiment"]["training"]["precision"] = "bfloat16"
    (tmp_path / "W" / "config.json").write_text(json.dumps(record))
    loaded = load(tmp_path / "W")
    assert loaded.task.model.dtype == np.float32 and loaded.task.model.config.attention == "xla"


def test_things_that_are_no_model(tmp_path):
    (tmp_path / "empty").mkdir()
    (tmp_path / "file.txt").write_text("x")
    (tmp_path / "tf").mkdir()
    (tmp_path / "tf" / "weights.index").write_bytes(b"")
    for what, words in (
        (tmp_path / "empty", "holds no model"),
        (tmp_path / "file.txt", "is a file"),
        (tmp_path / "tf", "lcjax weights import"),
        (tmp_path / "nowhere", "no folder"),
        ("astromer1-mach", "did you mean"),
    ):
        with pytest.raises(WeightsError, match=words):
            lcjax.load(what)
    (tmp_path / "empty" / "config.json").write_text("{}")
    with pytest.raises(LcjaxError):
        lcjax.load(tmp_path / "empty")
    (tmp_path / "empty" / "config.json").write_text("nonsense")
    with pytest.raises(CheckpointError, match=r"config\.json"):
        lcjax.load(tmp_path / "empty")


def test_settings_of_another_model(folder, tmp_path):
    path, _ = folder
    copy = shutil.copytree(path, tmp_path / "copy")
    record = json.loads((copy / "config.json").read_text())
    for change, words in (({"num_layers": 3}, "arrays differ"), ({"ffn_width": 13}, "has shape")):
        edited = {
            **record,
            "experiment": {**record["experiment"], "model": {**record["experiment"]["model"], **change}},
        }
        (copy / "config.json").write_text(json.dumps(edited))
        with pytest.raises(WeightsError, match=words):
            lcjax.load(copy)
    (copy / "config.json").write_text(json.dumps({**record, "experiment": {**record["experiment"], "novel": 1}}))
    with pytest.raises(ConfigError, match="novel"):
        lcjax.load(copy)
    (copy / "config.json").write_text(json.dumps({**record, "system": "astromer9"}))
    with pytest.raises(ConfigError, match="astromer9"):
        lcjax.load(copy)
