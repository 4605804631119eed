"""From a raw table to scores, through the command line: prepare, train, resume, evaluate, predict, export."""

import dataclasses
import json
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from data_pipelines.kinds.tables import KIND
from lcjax.cli.main import main
from lcjax.errors import ConfigError, DataError, Rejection
from lcjax.systems import find_system
from lcjax.systems.loading import load
from lcjax.systems.svdd.evaluation import answered, ranked
from lcjax.systems.svdd.prediction import AnomalyAnswers
from lcjax.systems.svdd.presets import PRESETS
from lcjax.systems.svdd.rows import FeatureRows, known_labels
from lcjax.systems.svdd.system import dropped
from tests.systems.svdd.conftest import CLASSES, NAMES

SIZE = [
    "--model.widths", "16", "8", "--model.latent", "3", "--batch-size", "64", "--pretraining-epochs", "3",
    "--training.evaluate-every", "4", "--training.checkpoint-every", "4", "--training.steps-per-dispatch", "4",
    "--optimizer.learning-rate", "0.005", "--inputs.outliers", "odd", "--inputs.scaling", "none",
]  # fmt: skip


@pytest.fixture(scope="module")
def data(table, tmp_path_factory):
    out = tmp_path_factory.mktemp("data")
    assert main(["data", "prepare", "feature_tables", "--source", str(table), "--out", str(out), "--shards", "1"]) == 0
    return str(out / "feature_tables" / "1.0.0")


@pytest.fixture(scope="module")
def workdir(data, tmp_path_factory):
    folder = str(tmp_path_factory.mktemp("run") / "W")
    train = lambda steps: main(["train", "mcdsvdd", "--data", data, "--workdir", folder, "--steps", steps, *SIZE])
    assert train("8") == 0
    before = load(folder, "latest").variables["centres"]["centres"]
    assert train("12") == 0
    np.testing.assert_array_equal(load(folder, "latest").variables["centres"]["centres"], before)
    assert load(folder).record["data"]["of_class"].keys() == {"a", "b", "c"}
    return folder


def test_scores(workdir, data, capsys):
    scores = json.loads((Path(workdir) / "scores.json").read_text())
    assert scores["held_out"]["odd"]["auroc"]["value"] > 0.8
    assert set(scores["of_class"]) == set(CLASSES)
    assert main(["evaluate", workdir, "--data", data, "--split", "validation"]) == 0
    said = capsys.readouterr().out
    assert "Held-out classes against the known ones" in said and "features it owes most to" in said


def test_predictions(workdir, table, tmp_path, blobs):
    out = tmp_path / "p.parquet"
    more = ["--anomaly.contributions", "2", "--anomaly.embedding"]
    assert main(["predict", workdir, str(table), "--out", str(out), *more]) == 0
    found = pq.read_table(out)
    loaded = load(workdir)
    order = [NAMES.index(n) for n in loaded.experiment.inputs.feature_names]
    wanted = answered(loaded, blobs.features[:, order])
    np.testing.assert_allclose(found["anomaly_score"].to_numpy(), wanted["anomaly_score"], rtol=1e-4, atol=1e-6)
    nearest = [("a", "b", "c")[i] for i in wanted["distances"].argmin(1)]
    assert found["nearest_class"].to_pylist() == nearest
    row = found.slice(len(blobs.label) - 1, 1).to_pylist()[0]
    features = blobs.features[-1:, order]
    share = np.asarray(
        loaded.task.extras["contributions"](loaded.variables, {"features": features})["contributions"][0]
    )
    assert row["top_features"][0] == loaded.experiment.inputs.feature_names[int(share.argmax())]
    # By hand: the score less that of the object with this feature of a usual one.
    usual = features.copy()
    usual[0, share.argmax()] = loaded.variables["scaler"]["middle"][share.argmax()]
    less = row["anomaly_score"] - float(answered(loaded, usual)["anomaly_score"][0])
    assert abs(row["top_contributions"][0] - less) < 1e-4 * max(1, less)


def test_a_table_that_lacks_a_feature(workdir, table, tmp_path, capsys):
    short = pq.read_table(table).drop_columns(["f2"])
    pq.write_table(short, tmp_path / "short.parquet")
    assert main(["predict", workdir, str(tmp_path / "short.parquet"), "--out", str(tmp_path / "p.parquet")]) == 2
    assert "feature that is not in the table: f2" in capsys.readouterr().err


def test_objects_of_other_units_are_told_by_their_row(workdir, blobs):
    loaded = load(workdir)
    names = loaded.experiment.inputs.feature_names
    features = blobs.features[:, [NAMES.index(n) for n in names]]
    inputs = dataclasses.replace(loaded.experiment.inputs, scaling="quantile")
    scaler = {**loaded.variables["scaler"], "table": np.nanquantile(features, [0, 0.5, 1], axis=0)}
    told = dataclasses.replace(
        loaded,
        experiment=dataclasses.replace(loaded.experiment, inputs=inputs),
        variables={**loaded.variables, "scaler": scaler},
    )
    record = lambda values: {"object_id": "x", "metadata": dict(zip(names, values, strict=True))}
    middle = np.nanmedian(features, axis=0)
    lacking = np.where(np.arange(len(names)) < 2, np.nan, middle)
    none = np.full(len(names), np.nan)
    asked = [middle, 1e4 + np.abs(middle), lacking, none]
    usual, far, some, empty = AnomalyAnswers(told).answer(record(values) for values in asked)
    counts = lambda row: (row["features_missing"], row["features_beyond"])
    assert counts(usual) == (0, 0) and counts(far) == (0, len(names)) and counts(some) == (2, 0)
    assert empty == Rejection("x", "no feature has a value", "")


def test_exported(workdir, tmp_path):
    assert main(["export", workdir, str(tmp_path / "X"), "--platforms", "cpu"]) == 0
    description = json.loads((tmp_path / "X" / "export.json").read_text())
    assert description["inputs"]["features"]["shape"] == ["rows", 6] and description["class_names"] == ["a", "b", "c"]


def test_arrays_by_name(workdir, blobs):
    loaded = load(workdir)
    whole = loaded.predict({"features": blobs.features[:3][:, [NAMES.index(n) for n in sorted(NAMES)]]})
    named = loaded.predict({n: blobs.features[:3, i] for i, n in enumerate(NAMES)})
    np.testing.assert_array_equal(whole["anomaly_score"], named["anomaly_score"])
    with pytest.raises(DataError, match="no 'f0'"):
        loaded.predict({"x": blobs.features[:3, 0]})


def test_data_that_does_not_do(data):
    system, source = find_system("svdd"), KIND.open_source([data], "train", 8)
    experiment = PRESETS["mcdsvdd"]()
    replace = dataclasses.replace
    wanting = lambda **changes: replace(experiment, inputs=replace(experiment.inputs, **changes))
    with pytest.raises(ConfigError, match="there is no class 'x' to hold out"):
        system.matched(wanting(outliers=("x",)), source, training=True)
    with pytest.raises(ConfigError, match="all classes are held out"):
        system.matched(wanting(outliers=CLASSES), source, training=True)
    with pytest.raises(ConfigError, match="no feature is left"):
        system.matched(wanting(drop=NAMES), source, training=True)
    with pytest.raises(ConfigError, match="has no feature 'g'"):
        system.matched(wanting(feature_names=("f0", "g")), source, training=True)
    source.class_names, source.labels = (), np.full(len(source.labels), -1)
    with pytest.raises(ConfigError, match="learns classes and this table has none"):
        system.matched(experiment, source, training=True)
    whole = system.matched(replace(experiment, detector="deep_svdd"), source, training=True)
    assert whole.class_names == ("known",) and (whole.labels == 0).all()
    assert not dropped("Meanvariance_1", ("Mean",)) and dropped("f2", ("f2",))


def test_rows_are_drawn_with_every_class_alike():
    labels, names = known_labels(np.repeat([0, 1, 2], [900, 90, 10]), ("x", "y", "z"), ("z",))
    assert names == ("x", "y") and (labels == -1).sum() == 10
    rows = FeatureRows(np.zeros((1000, 1)), labels, np.arange(1000), ("f",), names, 64, seed=3)
    drawn = [batch for _, (_, batch) in zip(range(60), rows.train_batches(), strict=False)]
    share = np.mean([(batch["label"] == 1).mean() for batch in drawn])
    assert 0.46 < share < 0.54 and all((batch["label"] >= 0).all() for batch in drawn)
    again = next(rows.train_batches(*divmod(7, rows.batches_per_epoch)))[1]
    np.testing.assert_array_equal(again["record"], drawn[7]["record"])
    last = list(rows.evaluation_batches())[-1]
    assert last["weight"].sum() == 1000 % 64


def test_intervals():
    rng = np.random.default_rng(0)
    score = np.concatenate([rng.normal(size=200), rng.normal(1.0, size=50)])
    area, precision = ranked(score, np.arange(250) >= 200)
    assert area.low < area.value < area.high and precision.low < precision.value < precision.high


def test_a_run_without_data_holds_a_simulated_class_out():
    from data_pipelines.simulate.features import HELD_OUT

    found, made = find_system("svdd").simulated(PRESETS["deep-svdd"]())
    assert found.inputs.outliers == (HELD_OUT,) and set(made) == {"simulated_features"}
    own = dataclasses.replace(found, inputs=dataclasses.replace(found.inputs, outliers=("c1",)))
    assert find_system("svdd").simulated(own)[0].inputs.outliers == ("c1",)
