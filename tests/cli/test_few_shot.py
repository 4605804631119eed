"""A classifier of light curves through the command line: few labelled stars, exact resume, a workdir that stands alone."""

import json
import shutil

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import lcjax
from lcjax.cli.main import main
from lcjax.pretrained.weights_folder import arrays_sha256
from lcjax.systems.light_curve_classifier.encoder import encoder_variables, parted
from tests.systems.light_curve_classifier.stars import encoder_folder, settings

QUICK = ["--head.widths", "8", "--head.units", "4", "--batch-size", "8", "--training.evaluate-every", "4"]
QUICK += ["--training.checkpoint-every", "4", "--training.log-every", "4", "--reader", "plain", "--no-report"]
DRAW = ["--samples-per-class", "5"]


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """Eighty stars of two classes and two of a third."""
    rng = np.random.default_rng(0)
    rows = {"id": [], "label": [], "time": [], "mag": [], "err": []}
    for i in range(82):
        n = int(rng.integers(20, 90))
        rows["id"].append(f"star{i:03d}")
        rows["label"].append("RARE" if i > 79 else ("SHORT" if i % 2 else "LONG"))
        rows["time"].append(np.sort(rng.uniform(53000, 53002 if i % 2 else 53020, n)))
        rows["mag"].append(14 + rng.normal(0, 0.02, n))
        rows["err"].append(np.full(n, 0.02))
    folder = tmp_path_factory.mktemp("survey")
    pq.write_table(pa.table(rows), folder / "stars.parquet")
    command = ["data", "prepare", "light_curve_files", "--source", folder / "stars.parquet", "--out", folder / "D"]
    assert main([*map(str, command), "--shards", "2"]) == 0
    return folder


@pytest.fixture(scope="module")
def encoder(tmp_path_factory):
    return encoder_folder(tmp_path_factory.mktemp("encoder") / "E")


def train(preset, data, workdir, *more):
    return main(["train", preset, "--data", str(data / "D"), "--workdir", str(workdir), *DRAW, *QUICK, *map(str, more)])


@pytest.fixture(scope="module")
def trained(data, encoder, tmp_path_factory):
    workdir = tmp_path_factory.mktemp("run") / "W"
    assert train("few-shot", data, workdir, "--encoder", encoder, "--steps", 8) == 0
    return workdir


def test_the_same_command_goes_on_bit_for_bit(data, encoder, trained, tmp_path, capsys):
    assert train("few-shot", data, tmp_path / "W", "--encoder", encoder, "--steps", 4) == 0
    moved = tmp_path / "elsewhere"
    shutil.copytree(encoder, moved)  # the same weights, wherever they lie
    assert train("few-shot", data, tmp_path / "W", "--encoder", moved, "--steps", 8) == 0
    one, other = (lcjax.load(folder, "latest") for folder in (trained, tmp_path / "W"))
    assert arrays_sha256(one.variables) == arrays_sha256(other.variables)
    losses = [[json.loads(row)["loss"] for row in (w / "metrics.jsonl").open()] for w in (trained, tmp_path / "W")]
    assert losses[0] == losses[1]
    encoder_folder(tmp_path / "E2", parity=True)
    capsys.readouterr()
    assert train("few-shot", data, tmp_path / "W", "--encoder", tmp_path / "E2", "--steps", 8) == 2
    assert "origin" in capsys.readouterr().err  # another encoder is another run


def test_the_draw_is_in_the_workdir_and_the_encoder_is_untouched(encoder, trained):
    config = json.loads((trained / "config.json").read_text())
    stars = config["data"]["stars"]
    assert {name: len(set(ids)) for name, ids in stars.items()} == {"LONG": 5, "SHORT": 5}
    assert set(config["data"]["left_out_classes"]) == {"RARE"}
    assert {name: len(ids) for name, ids in config["data"]["validation"]["stars"].items()} == {"LONG": 1, "SHORT": 1}
    loaded = lcjax.load(trained)
    origin = encoder_variables(settings(encoder))
    assert arrays_sha256(parted(loaded.variables)[0]) == arrays_sha256(origin) == loaded.experiment.origin.sha256


@pytest.fixture
def without_encoder(encoder):
    """The encoder's folder is gone for a while."""
    encoder.rename(encoder.with_name("away"))
    yield
    encoder.with_name("away").rename(encoder)


def test_a_workdir_stands_alone(data, trained, without_encoder, tmp_path):
    """Without its encoder: scores, rows, programs."""
    shutil.copytree(trained, tmp_path / "W")
    assert main(["evaluate", str(tmp_path / "W"), "--data", str(data / "D"), "--json", str(tmp_path / "s.json")]) == 0
    scores = json.loads((tmp_path / "s.json").read_text())
    assert (
        scores["stars"]["class_names"] == ["LONG", "SHORT"]
        and scores["windows"]["windows"] >= scores["stars"]["objects"]
    )
    out = tmp_path / "p.parquet"
    assert (
        main(["predict", str(tmp_path / "W"), str(data / "stars.parquet"), "--out", str(out), "--output.embedding"])
        == 0
    )
    table = pq.read_table(out)
    assert table.column_names == ["object_id", "LONG", "SHORT", "class", "entropy", "embedding", "n_points"]
    assert len(table) == 82
    assert main(["export", str(tmp_path / "W"), str(tmp_path / "x")]) == 0
    assert json.loads((tmp_path / "x" / "export.json").read_text())["class_names"] == ["LONG", "SHORT"]


def test_reconstruction_on_the_drawn_stars_gives_an_encoder_for_the_head(data, encoder, trained, tmp_path):
    run = tmp_path / "R"
    assert train("few-shot-reconstruction", data, run, "--encoder", encoder, "--steps", 4) == 0
    tuned = lcjax.load(run)
    assert tuned.experiment.system == "astromer2"
    drawn = [json.loads((w / "config.json").read_text())["data"]["stars"] for w in (run, trained)]
    assert drawn[0] == drawn[1]
    assert arrays_sha256(tuned.variables) != arrays_sha256(lcjax.load(encoder).variables)
    assert train("few-shot-astromer1-b", data, tmp_path / "C", "--encoder", run, "--steps", 4) == 0
    found = parted(lcjax.load(tmp_path / "C", "latest").variables)[0]
    assert arrays_sha256(found) != arrays_sha256(tuned.variables)  # scenario b trains it further


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ([], "needs an encoder"),
        (["--encoder", "nowhere/W"], "nowhere/W"),
        (["--architecture", "astromer2-small"], "must learn with the head"),
    ],
)
def test_mistakes_are_one_sentence(data, tmp_path, capsys, more, message):
    assert train("few-shot", data, tmp_path / "W", *more) == 2
    error = capsys.readouterr().err
    assert message in error.replace("\n", " ") and "Traceback" not in error


def test_random_windows_of_few_stars_are_refused(data, encoder, tmp_path, capsys):
    assert train("few-shot", data, tmp_path / "W", "--encoder", encoder, "--window.mode", "random") == 2
    assert "sequential or published" in capsys.readouterr().err.replace("\n", " ")
