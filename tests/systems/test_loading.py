import dataclasses
import json
import shutil

import jax
import numpy as np
import pytest

import lcjax
from lcjax.errors import CheckpointError, ConfigError, LcjaxError, WeightsError
from lcjax.pretrained.weights_folder import ImportedWeights, write_weights
from lcjax.systems.loading import load
from lcjax.training import workdir
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
    settings = experiment()
    model = dataclasses.replace(settings.model, attention="cudnn")
    training = dataclasses.replace(settings.training, precision="bfloat16")
    changed, (_, variables) = dataclasses.replace(settings, model=model, training=training), untrained(settings)
    write_weights(tmp_path / "W", ImportedWeights(changed, variables, tmp_path, None, [], []))
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


def rewritten(folder, change, rehash=True):
    """Changes the record of a folder, the hash of its settings with it where asked."""
    path = folder / "config.json"
    record = json.loads(path.read_text())
    change(record)
    if rehash:
        record["config_hash"] = workdir.settings_hash(record["experiment"])
    path.write_text(json.dumps(record))
    return folder


def test_settings_of_another_model(folder, tmp_path):
    path, _ = folder
    cases = (
        (lambda r: r["experiment"]["model"].update(num_layers=3), WeightsError, "arrays differ"),
        (lambda r: r["experiment"]["model"].update(ffn_width=13), WeightsError, "has shape"),
        (lambda r: r["experiment"].update(novel=1), ConfigError, "novel"),
        (lambda r: r.update(system="astromer9"), ConfigError, "astromer9"),
    )
    for number, (change, error, words) in enumerate(cases):
        with pytest.raises(error, match=words):
            lcjax.load(rewritten(shutil.copytree(path, tmp_path / str(number)), change))


def test_settings_that_changed_since_they_were_written(folder, tmp_path):
    """One digit of one number: other answers, and nothing else would show it."""
    path, _ = folder

    def flip(record):
        record["experiment"]["model"]["mask_alpha"] += 1

    for number, drop in enumerate(("best", "weights.safetensors", "config_hash")):
        copy = shutil.copytree(path, tmp_path / str(number))
        if drop == "best":
            shutil.rmtree(copy / drop)
        elif drop != "config_hash":
            (copy / drop).unlink()
        change = flip if drop != "config_hash" else lambda record: record.pop("config_hash")
        with pytest.raises(LcjaxError, match=r"config\.json' has changed since|no 'config_hash'"):
            lcjax.load(rewritten(copy, change, rehash=False))


def test_settings_of_wrong_types_are_one_sentence(folder, tmp_path):
    path, _ = folder
    cases = {
        "model.width' is '8': it must be a whole number, 1 or more": ("model", "width", "8"),
        "model.num_layers' is 0": ("model", "num_layers", 0),
        "model.norm' is 'bogus': it must be post or pre": ("model", "norm", "bogus"),
        "model.dropout' is True": ("model", "dropout", True),
        r"window.buckets' is \(1, 'a'\)": ("window", "buckets", [1, "a"]),
        "settings 'model' are": (None, "model", [1]),
        "no 'experiment' of the right kind": (None, None, [1]),
    }
    for number, (words, (part, name, value)) in enumerate(cases.items()):

        def change(record, part=part, name=name, value=value):
            if name is None:
                record["experiment"] = value
            else:
                (record["experiment"][part] if part else record["experiment"])[name] = value

        copy = rewritten(shutil.copytree(path, tmp_path / str(number)), change)
        with pytest.raises(LcjaxError, match=words):
            lcjax.load(copy)
    (tmp_path / "0" / "config.json").write_text("[1, 2]")
    with pytest.raises(LcjaxError, match="not of this program"):
        lcjax.load(tmp_path / "0")
