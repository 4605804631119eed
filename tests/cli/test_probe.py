"""`lcjax evaluate --probe`: of a model and of tables from elsewhere; nothing lost without a word, nothing guessed."""

import dataclasses
import json
import shutil

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from data_pipelines.prepare import prepare
from data_pipelines.shards.manifest import read_manifest
from lcjax.cli import evaluate, probe
from lcjax.cli.main import main
from lcjax.errors import ConfigError, DataError
from lcjax.evaluation import probe as probing
from lcjax.inference.loaded import Loaded
from lcjax.systems import find_system, systems
from tests.inference.models import experiment, light_curve, untrained, weights_folder

STARS = 120
QUICK = ["--shots", "5", "0", "--draws", "2"]


@pytest.fixture(scope="module", autouse=True)
def few_trees():
    before, probing.TREES = probing.TREES, 10
    yield
    probing.TREES = before


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """Stars of two classes and some without: the second class varies ten times as much."""
    folder = tmp_path_factory.mktemp("stars")
    rows = {"id": [], "time": [], "mag": [], "err": [], "label": []}
    for i in range(STARS):
        curve = light_curve(30, i)
        rows["id"].append(f"s{i}")
        rows["time"].append(curve.mjd)
        rows["mag"].append(15 + (curve.magnitude - 15) * (1.0 if i % 2 else 0.1))
        rows["err"].append(curve.magnitude_error)
        rows["label"].append(None if i >= 116 else "loud" if i % 2 else "quiet")
    pq.write_table(pa.table(rows), folder / "stars.parquet")
    made = prepare("light_curve_files", [folder / "stars.parquet"], folder / "D", shards=1, fractions=(0.6, 0.2, 0.2))
    return made.manifest.folder


def table(path, ids, vectors, **more):
    pq.write_table(pa.table({"object_id": ids, "embedding": [list(map(float, v)) for v in vectors], **more}), path)
    return str(path)


def known(data):
    """Ids and embeddings that tell the classes."""
    ids = [f"s{i}" for i in range(STARS)]
    rng = np.random.default_rng(0)
    return ids, [[(i % 2) + 0.1 * rng.normal(), rng.normal()] for i in range(STARS)]


def test_a_model_is_judged_on_stars_it_embeds(data, tmp_path, capsys):
    weights_folder(tmp_path / "W", experiment())
    out = tmp_path / "s.json"
    arguments = ["--data", str(data), "--json", str(out), "--report", str(tmp_path / "R"), *QUICK]
    assert main(["evaluate", str(tmp_path / "W"), "--probe", *arguments]) == 0
    (found,) = json.loads(out.read_text())
    shown = [(s["classifier"], s["shots"]) for s in found["scores"]]
    assert shown == [(name, shots) for shots in (5, "all") for name in probing.CLASSIFIERS]
    index = read_manifest(data).index("test")
    labelled = int((index.label >= 0).sum())
    assert {s["tested"] for s in found["scores"]} == {labelled} and found["notes"] == []
    train = read_manifest(data).index("train")
    assert found["classes"]["loud"][0] == int((train.label == 0).sum())
    assert all(
        0 <= s["macro_f1"]["low"] <= s["macro_f1"]["value"] <= s["macro_f1"]["high"] <= 1 for s in found["scores"]
    )
    # What `lcjax predict` writes is judged alike.
    table = str(tmp_path / "e.parquet")
    assert main(["predict", str(tmp_path / "W"), str(data), "--out", table]) == 0
    assert main(["evaluate", table, "--probe", "--data", str(data), "--json", str(tmp_path / "t.json"), *QUICK]) == 0
    assert json.loads((tmp_path / "t.json").read_text()) == [found]
    assert "random forest" in capsys.readouterr().out and (tmp_path / "R" / "report" / "index.html").exists()


def test_a_table_is_judged_by_prepared_data_and_what_is_of_no_use_is_counted(data, tmp_path, capsys):
    ids, vectors = known(data)
    tested = read_manifest(data).index("test")
    gone, broken = tested.object_ids()[tested.label >= 0][:2].tolist()
    rows = [i for i, name in enumerate(ids) if name != gone]
    ids, vectors = [ids[i] for i in rows], [vectors[i] for i in rows]
    vectors[ids.index(broken)] = [float("nan"), 1.0]
    path = table(tmp_path / "e.parquet", [*ids, ids[0], "stranger"], [*vectors, vectors[0], [1.0, 2.0]])
    out = tmp_path / "s.json"
    assert main(["evaluate", path, "--probe", "--data", str(data), "--json", str(out), *QUICK]) == 0
    (found,) = json.loads(out.read_text())
    said = " ".join(found["notes"])
    assert f"1 repeated rows, taken once ('{ids[0]}')" in said
    assert "1 stars of the table that are not known here, left out ('stranger')" in said
    assert f"1 stars whose embedding is not finite, left out ('{broken}')" in said
    assert f"1 labelled stars without an embedding ('{gone}')" in said and "2 stars of those to be scored on" in said
    assert all(s["macro_f1"]["value"] > 0.9 and s["tested"] == (tested.label >= 0).sum() - 2 for s in found["scores"])
    assert "stranger" in capsys.readouterr().out


def test_a_table_with_classes_of_its_own_or_with_labels_beside_it(data, tmp_path):
    ids, vectors = known(data)
    names = ["odd" if i % 2 else "even" for i in range(STARS)]
    path = table(tmp_path / "e.parquet", ids, vectors, **{"class": names})
    out = tmp_path / "s.json"
    assert main(["evaluate", path, "--probe", "--json", str(out), "--report", str(tmp_path), *QUICK]) == 0
    page = (tmp_path / "report" / "index.html").read_text()
    assert "table of embeddings" in page and "lcjax None" not in page
    (own,) = json.loads(out.read_text())
    assert own["classes"] == {"even": [48, 12], "odd": [48, 12]} and "no splits are given" in own["notes"][0]
    assert own["scores"][-1]["macro_f1"]["value"] > 0.9
    lines = [
        f"{name},{label},{'train' if i < 80 else 'test'}"
        for i, (name, label) in enumerate(zip(ids, names, strict=True))
    ]
    (tmp_path / "l.csv").write_text("id,label,split\n" + "\n".join(lines) + "\n")
    assert main(["evaluate", path, "--probe", "--labels", str(tmp_path / "l.csv"), "--json", str(out), *QUICK]) == 0
    (given,) = json.loads(out.read_text())
    assert given["classes"] == {"even": [40, 20], "odd": [40, 20]} and given["notes"] == []


def test_bands_are_chosen_and_two_embeddings_of_a_star_refused(data, tmp_path, capsys):
    ids, vectors = known(data)
    noise = np.random.default_rng(5).normal(size=(STARS, 2))
    path = table(tmp_path / "e.parquet", ids * 2, [*vectors, *noise], band=["g"] * STARS + ["r"] * STARS)
    assert main(["evaluate", path, "--probe", "--data", str(data)]) == 2
    assert "has embeddings in bands 'g' and 'r': choose one with --band" in capsys.readouterr().err
    out = tmp_path / "s.json"
    for band, good in (("g", True), ("r", False)):
        assert main(["evaluate", path, "--probe", "--data", str(data), "--band", band, "--json", str(out), *QUICK]) == 0
        assert (json.loads(out.read_text())[0]["scores"][-1]["macro_f1"]["value"] > 0.9) is good
    assert main(["evaluate", path, "--probe", "--data", str(data), "--band", "z"]) == 2
    assert "no embeddings in band 'z': it has g, r" in capsys.readouterr().err
    twice = next(i for i in ids if i in set(read_manifest(data).index("train").object_ids()))
    path = table(tmp_path / "e.parquet", [*ids, twice], [*vectors, [9.0, 9.0]])
    assert main(["evaluate", path, "--probe", "--data", str(data)]) == 2
    assert f"'{twice}' has two different embeddings" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ([], "has no classes: give prepared data with --data, or a table of classes with --labels"),
        (["--data", "D", "--labels", "l.csv"], "both say the classes"),
        (["--data", "D", "--split", "train"], "learns from the training split"),
        (["--data", "D", "--draws", "0"], "--draws is 1 or more"),
        (["--data", "D", "--classes", "loud", "silent"], "no stars of class 'silent'"),
        (["--data", "D", "--strict"], "has no option --strict"),
    ],
)
def test_what_is_unclear_is_one_sentence(data, tmp_path, more, said):
    path = table(tmp_path / "e.parquet", *known(data))
    arguments = [str(data) if word == "D" else str(tmp_path / word) if word == "l.csv" else word for word in more]
    with pytest.raises((ConfigError, DataError), match=said):
        evaluate.main([path, "--probe", *arguments])


def test_what_is_for_the_probe_alone_and_ids_that_match_nothing(data, tmp_path):
    path = table(tmp_path / "e.parquet", ["x", "y"], [[1.0], [2.0]])
    with pytest.raises(ConfigError, match="judged with --probe: add it"):
        evaluate.main([path])
    (tmp_path / "e.csv").write_text("object_id,e_0,e_1\n")
    with pytest.raises(DataError, match="is no Parquet file: store embeddings as Parquet"):
        evaluate.main([str(tmp_path / "e.csv"), "--probe"])
    with pytest.raises(ConfigError, match="are for --probe"):
        evaluate.main([path, "--shots", "3"])
    other = tmp_path / "copy" / data.name
    shutil.copytree(data, other)
    with pytest.raises(DataError, match="has none of the labelled stars of light_curve_files: are the ids the same"):
        evaluate.main([path, "--probe", "--data", str(data)])
    twice = ["--data", str(data), str(other)]
    with pytest.raises(DataError, match=r"'s\d+' of .* is in .* and in .*: give the dataset that is meant"):
        evaluate.main([table(tmp_path / "e.parquet", *known(data)), "--probe", *twice])


def test_systems_say_under_which_options_they_give_embeddings():
    for system in systems().values():
        for name, options in system.embedding_options.items():
            assert type(options) is system.predict_options[name] and options != type(options)()
    assert find_system("light_curve_classifier").embedding_options["classes"].embedding


def test_a_model_without_embeddings_is_refused(data, tmp_path):
    settings = experiment()
    loaded = Loaded(settings, *untrained(settings), tmp_path)
    silent = loaded.replace(task=dataclasses.replace(loaded.task, predict=lambda v, batch: {"x": batch["time"][:, 0]}))
    with pytest.raises(ConfigError, match="which gives no embeddings of objects"):
        probe.embed(silent, data)
