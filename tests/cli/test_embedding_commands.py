"""search, outliers, mislabels and map over tables of embeddings; features and holdout over tables of features."""

import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from data_pipelines.embedded_objects import EmbeddingInput, read_objects
from data_pipelines.labelled_features import read_objects as read_features
from lcjax.cli import holdout
from lcjax.cli import map as map_command
from lcjax.cli.main import main
from lcjax.errors import DataError

COUNT = 60
LABEL = ["a" if i % 2 else "b" for i in range(COUNT)]


@pytest.fixture(scope="module")
def vectors():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(COUNT, 4)) + np.where(np.arange(COUNT) % 2, 4, -4)[:, None] * [1, 0, 0, 0]
    x[7] = [4, 30, 0, 0]
    return x


@pytest.fixture(scope="module")
def table(vectors, tmp_path_factory):
    """Two modalities: the second is the first with some noise."""
    folder = tmp_path_factory.mktemp("embeddings")
    for name, noise in (("one", 0.0), ("two", 0.05)):
        x = vectors + noise * np.random.default_rng(1).normal(size=vectors.shape)
        ids = [f"s{i}" for i in range(COUNT)]
        columns = {
            "object_id": ids,
            "embedding": [row.tolist() for row in x],
            "class": LABEL,
            "distance_1": x[:, 0],
            "distance_5": x[:, 1],
        }
        pq.write_table(pa.table(columns), folder / f"{name}.parquet")
    return folder


def test_search(table, tmp_path, capsys):
    one, two = str(table / "one.parquet"), str(table / "two.parquet")
    out = tmp_path / "near.parquet"
    assert main(["search", one, "--k", "3", "--check", "--out", str(out)]) == 0
    found = pq.read_table(out).to_pydict()
    assert len(found["query"]) == 3 * COUNT and "s0" not in found["object_id"][:3] and found["class"][:3] == ["b"] * 3
    assert found["rank"][:3] == [1, 2, 3] and "neighbours of the class" in capsys.readouterr().out
    assert main(["search", one, "--queries", two, "--query", "s5", "--k", "1", "--check"]) == 0
    said = capsys.readouterr().out
    assert "recall at 1" in said and "s5     1     s5" in said
    assert main(["search", one, "--query", "s99"]) == 2 and "no object 's99'" in capsys.readouterr().err
    assert main(["search", one]) == 2 and "give --query" in capsys.readouterr().err
    assert main(["search", one, "--query", "s1", "--k", "60"]) == 2
    assert "60 neighbours are wanted of 60" in capsys.readouterr().err


def test_search_across_modalities_of_one_table(table, tmp_path, capsys):
    """As `lcjax predict` of several modalities writes it: an object without the modality asked for has a null."""
    one, two = (pq.read_table(table / f"{name}.parquet") for name in ("one", "two"))
    spectra = two["embedding"].to_pylist()
    spectra[3] = None
    columns = {"embedding_photometry": one["embedding"], "embedding_spectra": pa.array(spectra)}
    pq.write_table(pa.table({"object_id": one["object_id"], **columns}), tmp_path / "f.parquet")
    across = ["--columns.embedding", "embedding_spectra", "--query-embedding", "embedding_photometry", "--check"]
    assert main(["search", str(tmp_path / "f.parquet"), *across, "--query", "s5", "--k", "1"]) == 0
    said = capsys.readouterr().out
    assert "s5     1     s5" in said and f"{COUNT - 1:,} objects" in said


def test_outliers_of_embeddings(table, tmp_path, capsys):
    one, two = str(table / "one.parquet"), str(table / "two.parquet")
    assert main(["outliers", one, two, "--top", "3", "--out", str(tmp_path / "g")]) == 0
    ranked = pq.read_table(tmp_path / "g" / "outliers.parquet").to_pydict()
    assert ranked["object_id"][0] == "s7" and len(ranked["rank"]) == COUNT
    page = (tmp_path / "g" / "index.html").read_text()
    assert "1. s7" in page and "in every modality" in page
    assert main(["outliers", one, "--check", "a", "--method", "mahalanobis"]) == 0
    assert "outliers of a: AUROC 1.000" in capsys.readouterr().out
    assert main(["outliers", one, "--check", "z"]) == 2 and "no class 'z'" in capsys.readouterr().err


def test_outliers_of_scores_with_light_curves(tmp_path, capsys):
    scores = {
        "object_id": ["x", "y", "z"],
        "anomaly_score": [0.1, None, 7.0],
        "top_features": [["f"], ["f"], ["p", "q"]],
    }
    pq.write_table(pa.table(scores), tmp_path / "s.parquet")
    curves = {"object_id": ["z"] * 8, "mjd": np.arange(8) + 55000.3, "mag": np.full(8, 15.0), "magerr": np.full(8, 0.1)}
    pq.write_table(pa.table(curves), tmp_path / "c.parquet")
    more = ["--light-curves", str(tmp_path / "c.parquet"), "--out", str(tmp_path / "g")]
    assert main(["outliers", str(tmp_path / "s.parquet"), *more]) == 0
    page = (tmp_path / "g" / "index.html").read_text()
    assert (
        "1. z" in page
        and "top features: p, q" in page
        and page.count("image/png") == 1
        and "2. x" in page
        and "<h2>3." not in page
    )
    assert "1 objects without a finite score" in capsys.readouterr().err
    assert main(["outliers", str(tmp_path / "s.parquet"), "--band", "g"]) == 2
    assert "--labels and --band are for embeddings" in capsys.readouterr().err


def test_mislabels(table, tmp_path, capsys):
    changed = pq.read_table(table / "one.parquet").to_pydict()
    changed["class"][10] = "a"
    pq.write_table(pa.table(changed), tmp_path / "m.parquet")
    out = tmp_path / "doubts.parquet"
    assert main(["mislabels", str(tmp_path / "m.parquet"), "--out", str(out), "--check", "0.1"]) == 0
    first = pq.read_table(out).to_pylist()[0]
    assert (first["object_id"], first["class"], first["suggested"], first["candidate"]) == ("s10", "a", "b", True)
    assert "classes changed on purpose: AUROC" in capsys.readouterr().out
    assert main(["mislabels", str(tmp_path / "m.parquet"), "--check", "0.9"]) == 2
    bare = pq.read_table(table / "one.parquet").drop_columns(["class"])
    pq.write_table(bare, tmp_path / "bare.parquet")
    assert main(["mislabels", str(tmp_path / "bare.parquet")]) == 2
    assert "has no classes" in capsys.readouterr().err


def test_map(table, tmp_path, capsys):
    assert map_command.main([str(table / "one.parquet"), "--out", str(tmp_path / "m.html")]) == 0
    said = capsys.readouterr().out.split("\n")[0]
    assert said.startswith("The five nearest name the class of") and said in (tmp_path / "m.html").read_text()
    assert main(["map", str(table / "one.parquet"), "--out", str(tmp_path / "m.png")]) == 2
    assert "end --out in .html" in capsys.readouterr().err


def test_rows_that_do_not_do(tmp_path):
    write = lambda **columns: pq.write_table(pa.table(columns), tmp_path / "t.parquet")
    read = lambda **asked: read_objects(tmp_path / "t.parquet", EmbeddingInput(**asked))
    write(object_id=["a", "b", "a", None], embedding=[[1.0, 2], [float("nan"), 1], [1.0, 2], [3.0, 4]])
    objects = read()
    assert objects.object_id == ["a"] and len(objects.notes) == 3 and objects.label.tolist() == [-1]
    write(object_id=["a", "b", "a"], embedding=[[1.0, 2], [2.0, 1], [1.0, 2]], label=["X", "Y", "Z"])
    objects = read()  # the class of a repeated object is not that of its last row
    assert objects.label.tolist() == [-1, 0] and "1 stars with several classes or splits" in objects.notes[0]
    write(object_id=["a", "a"], embedding=[[1.0, 2], [1.0, 3]])
    with pytest.raises(DataError, match="two different embeddings"):
        read()
    write(object_id=["a", "a"], embedding=[[1.0, 2], [1.0, 3]], band=["g", "r"])
    with pytest.raises(DataError, match="choose one with --band"):
        read()
    assert read(band="r").embedding.tolist() == [[1.0, 3.0]]
    (tmp_path / "l.csv").write_text("object_id,class\nz,X\n")
    with pytest.raises(DataError, match="none of the objects"):
        read(band="r", labels=tmp_path / "l.csv")


def test_features_and_holdout(tmp_path, capsys):
    pytest.importorskip("light_curve", reason="needs light-curve (extra test or classic)")
    pytest.importorskip("sklearn", reason="needs scikit-learn (extra test or classic)")
    rng = np.random.default_rng(0)
    rows = {"object_id": [], "mjd": [], "mag": [], "magerr": [], "class": []}
    for i in range(36):
        time = np.sort(rng.uniform(55000, 55100, 15))
        scatter = [0.05, 0.5, 0.05][i % 3] + (0.4 * np.sin(time) if i % 3 == 2 else 0)
        rows["object_id"].append(f"s{i}")
        rows["mjd"].append(time)
        rows["mag"].append(15 + scatter * rng.normal(size=15))
        rows["magerr"].append(np.full(15, 0.05))
        rows["class"].append("xyz"[i % 3])
    pq.write_table(pa.table(rows), tmp_path / "stars.parquet")
    features = tmp_path / "features.parquet"
    assert main(["features", str(tmp_path / "stars.parquet"), "--out", str(features)]) == 0
    assert pq.read_table(features).num_columns == 25 and "36 stars, 22 features" in capsys.readouterr().err
    (tmp_path / "groups.csv").write_text("class,group\nx,A\ny,A\n")
    quick = ["--detectors", "isolation_forest", "ecod", "--folds", "2", "--out", str(tmp_path / "R")]
    assert holdout.main([str(features), "--groups", str(tmp_path / "groups.csv"), *quick]) == 0
    scores = json.loads((tmp_path / "R" / "scores.json").read_text())
    assert scores["ecod"].keys() == {"x", "y"} and scores["ecod"]["y"]["auroc"]["mean"] > 0.8
    quick = ["--detectors", "ecod", "--folds", "2", "--out", str(tmp_path / "R2")]
    assert holdout.main([str(features), "--leave-out", "x", *quick]) == 0
    assert json.loads((tmp_path / "R2" / "scores.json").read_text())["ecod"].keys() == {"y", "z"}
    assert main(["holdout", str(features), "--leave-out", "w", *quick]) == 2
    assert "no class 'w' to leave out: there are x, y, z" in capsys.readouterr().err
    assert (tmp_path / "R" / "report" / "index.html").is_file()
    assert main(["holdout", str(features), "--never", "x", "y", "z", *quick]) == 2
    assert "no class is left to hold out" in capsys.readouterr().err


def test_splits_and_folds_of_tables(tmp_path):
    columns = {
        "object_id": list("abcd"),
        "class": ["x", "x", "y", None],
        "f": [1.0, 2, 3, 4],
        "split": ["train", "test", "train", "test"],
        "fold": [0, None, 1, 2],
    }
    pq.write_table(pa.table(columns), tmp_path / "t.parquet")
    from data_pipelines.kinds.tables.columns import FeatureColumns

    found = read_features([str(tmp_path / "t.parquet")], FeatureColumns())
    assert (
        found.is_test.tolist() == [False, True, False] and found.fold.tolist() == [0, -1, 1] and found.names == ("f",)
    )
    assert found.notes == ("left out, without class: 1",)
    columns["split"][0] = "dev"
    pq.write_table(pa.table(columns), tmp_path / "t.parquet")
    with pytest.raises(DataError, match="says 'dev'"):
        read_features([str(tmp_path / "t.parquet")], FeatureColumns())


def test_an_object_that_is_given_two_classes_has_none(tmp_path):
    columns = {"object_id": ["a", "a", "b"], "embedding": [[1.0, 0.0]] * 2 + [[0.0, 1.0]], "label": ["X", "Y", "Y"]}
    pq.write_table(pa.table(columns), tmp_path / "e.parquet")
    found = read_objects(tmp_path / "e.parquet", EmbeddingInput())
    assert [found.class_of(i) for i in range(2)] == ["", "Y"] and found.class_names == ("Y",)
    assert "1 stars with several classes" in found.notes[0]


def test_repeated_objects_of_tables(tmp_path):
    """A copy is counted; another class of the same objects is refused, and not settled by the order of the files."""
    from data_pipelines.kinds.tables.columns import FeatureColumns

    columns = {"object_id": list("abcd"), "label": list("xyxy"), "f": [1.0, 2.0, None, 4.0], "g": [0.5, 1.5, 2.5, 3.5]}
    for name, label in (("one", "xyxy"), ("copy", "xyxy"), ("other", "yyxy"), ("turned", "yxyx")):
        pq.write_table(pa.table(columns | {"label": list(label)}), tmp_path / f"{name}.parquet")
    read = lambda *names: read_features([str(tmp_path / f"{name}.parquet") for name in names], FeatureColumns())
    assert read("one", "copy").notes == ("left out, repeated ids: 4",)
    assert "left out, repeated ids with another class, features or split: 1" in read("one", "other").notes
    with pytest.raises(DataError, match="4 of 8 rows say something else of an object than another row"):
        read("one", "turned")
