"""Host finders from the command line: prepare, train, evaluate, import."""

import json

import pytest

from lcjax.cli.main import main
from tests.pretrained.delight_files import random_layers, write_keras3

pytest.importorskip("sep")


@pytest.fixture(scope="module")
def fields(tmp_path_factory):
    out = tmp_path_factory.mktemp("fields")
    split = ["--fractions", "0.5", "0.25", "0.25", "--shards", "2"]
    assert main(["data", "prepare", "simulated_hosts", "--out", str(out), "--n-objects", "24", *split]) == 0
    return out


def test_train_evaluate_and_resume(fields, tmp_path, capsys):
    work = tmp_path / "W"
    small = ["--model.filters", "4", "4", "4", "--model.hidden", "8", "--training.evaluate-every", "2"]
    train = ["train", "delight-hosts", "--data", str(fields), "--workdir", str(work), "--batch-size", "4", *small]
    assert main([*train, "--steps", "2"]) == 0
    assert (work / "report" / "index.html").is_file()
    scores = json.loads((work / "scores.json").read_text())
    assert scores["by_size"]["all"]["fields"] > 0 and "hostless" in scores["calibration"]
    capsys.readouterr()
    assert main(["evaluate", str(work), "--data", str(fields), "--json", str(tmp_path / "s.json")]) == 0
    printed = capsys.readouterr().out
    assert "median error" in printed and "calibration" in printed
    assert json.loads((tmp_path / "s.json").read_text()) == scores


def test_stacks_of_another_shape(fields, tmp_path, capsys):
    more = ["--model.side", "24", "--image.image-size", "384", "--batch-size", "4"]
    assert main(["train", "delight", "--data", str(fields), "--workdir", str(tmp_path / "W"), *more]) == 2
    assert "shape" in capsys.readouterr().err


def test_import(tmp_path, capsys):
    source = write_keras3(tmp_path / "w.h5", random_layers())
    assert main(["weights", "import", "delight", str(source), "--out", str(tmp_path / "W")]) == 0
    assert "5 planes of 30 x 30" in capsys.readouterr().out
    assert main(["weights", "import", "delight", str(tmp_path / "none"), "--out", str(tmp_path / "W2")]) == 2
    assert "there is no file" in capsys.readouterr().err
