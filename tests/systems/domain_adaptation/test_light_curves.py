"""An encoder of light curves adapted between two surveys: from prepared data to answers, what is trained, what is refused."""

import dataclasses
import json

import jax
import jax.numpy as jnp
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import lcjax
from data_pipelines.prepare import prepare
from lcjax.cli.main import main
from lcjax.errors import ConfigError
from lcjax.systems import find_preset, find_system
from lcjax.systems.domain_adaptation.config import CurveAdaptationExperiment
from lcjax.systems.domain_adaptation.curve_network import CurveNetwork, build_task
from lcjax.systems.domain_adaptation.curve_presets import light_curve_mme
from lcjax.systems.domain_adaptation.light_curves import with_origin
from lcjax.systems.domain_pairs.evaluation import of_records
from lcjax.systems.encoder_origin import OriginConfig, encoder_experiment, encoder_task, preset_origin
from tests.inference.models import experiment as encoder_settings
from tests.inference.models import weights_folder

CLASSES = {"one": ("flat", "EW"), "two": ("flat", "EC")}
CHOSEN = ["--domains.classes", "flat", "EB=EW,EC", "--domains.target", "two", "--domains.shots", "2"]
SMALL = ["--network.head", "6", "--batch-size", "4", "--training.log-every", "2", "--training.evaluate-every", "4"]


def survey(path, seed, classes):
    rng, rows = np.random.default_rng(seed), []
    for i in range(40):
        n = int(rng.integers(20, 60))
        mjd = 55_000 + np.sort(rng.uniform(0, 100, n))
        wave = 0.5 * (i % 2) * np.sin(mjd)
        rows.append({"object_id": f"{path.stem}{i}", "class": classes[i % 2], "mjd": mjd.tolist(),
                     "magnitude": (15 + seed + wave + rng.normal(0, 0.02, n)).tolist(),
                     "magnitude_error": np.full(n, 0.02).tolist()})  # fmt: skip
    pq.write_table(pa.Table.from_pylist(rows), path)


@pytest.fixture(scope="module")
def surveys(tmp_path_factory):
    out = tmp_path_factory.mktemp("curves")
    for seed, (name, classes) in enumerate(CLASSES.items()):
        survey(out / f"{name}.parquet", seed, classes)
        prepare(
            "light_curve_files", [out / f"{name}.parquet"], out / "D", name=name, shards=2, fractions=(0.5, 0.25, 0.25)
        )
    weights_folder(out / "E", encoder_settings(length=40))
    return out


def train(surveys, workdir, steps, *more, preset="light-curve-mme"):
    given = ["--data", str(surveys / "D"), "--encoder", str(surveys / "E"), "--workdir", str(workdir)]
    return main(
        ["train", preset, *given, "--steps", str(steps), "--training.checkpoint-every", "2", *CHOSEN, *SMALL, *more]
    )


def encoder_of(workdir, which="latest"):
    return jax.tree.leaves(lcjax.load(workdir, which).variables["params"]["encoder"])


def test_whole_path(surveys, tmp_path, capsys):
    """The encoder learns with the classifier; a run that goes on is one that never stopped; scores are of stars."""
    assert train(surveys, tmp_path / "W", 4) == 0
    assert train(surveys, tmp_path / "V", 2, "--no-report") == 0
    assert train(surveys, tmp_path / "V", 4, "--no-report") == 0
    leaves = [jax.tree.leaves(lcjax.load(tmp_path / name, "latest").variables["params"]) for name in "WV"]
    for a, b in zip(*leaves, strict=True):
        np.testing.assert_array_equal(a, b)
    assert lcjax.load(tmp_path / "W").experiment.sgd.trunk_factor == 0.1, "the encoder comes trained"
    given = jax.tree.leaves(lcjax.load(surveys / "E").variables["params"])
    assert max(np.abs(a - b).max() for a, b in zip(encoder_of(tmp_path / "W"), given, strict=True)) > 0
    scores = json.loads((tmp_path / "W" / "scores.json").read_text())
    assert scores.keys() == {"source", "target", "recalibrated"} and scores["target"]["alerts"] == 10, (
        "stars, not windows"
    )
    out = tmp_path / "p.parquet"
    assert main(["predict", str(tmp_path / "W"), str(surveys / "two.parquet"), "--out", str(out)]) == 0
    rows = pq.read_table(out).to_pydict()
    assert len(rows["object_id"]) == 40 and np.allclose(np.add(rows["flat"], rows["EB"]), 1, atol=1e-5)
    raw = pq.read_table(surveys / "two.parquet").to_pylist()[0]
    curve = {name: np.array(raw[name])[None] for name in ("magnitude", "magnitude_error")}
    model = lcjax.load(tmp_path / "W")
    direct = model.predict({"time": np.array(raw["mjd"])[None], "mask": np.ones((1, len(raw["mjd"])), bool), **curve})
    assert rows["EB"][rows["object_id"].index("two0")] == pytest.approx(float(direct["probabilities"][0, 1]), abs=1e-5)
    assert main(["export", str(tmp_path / "W"), str(tmp_path / "X")]) == 0


def test_a_frozen_encoder_stays_and_base_weights_are_gone_on_from(surveys, tmp_path, capsys):
    frozen = ["--no-train-encoder", "--no-report"]
    assert train(surveys, tmp_path / "B", 2, *frozen, preset="light-curve-base") == 0
    given = jax.tree.leaves(lcjax.load(surveys / "E").variables["params"])
    for a, b in zip(encoder_of(tmp_path / "B"), given, strict=True):
        np.testing.assert_array_equal(a, b)
    start = ["--training.initial-weights", str(tmp_path / "B"), "--optimizer.learning-rate", "0", "--no-report"]
    assert train(surveys, tmp_path / "F", 2, *start, preset="light-curve-fine-tuning") == 0
    whole = [jax.tree.leaves(lcjax.load(tmp_path / n, "latest").variables["params"]) for n in "BF"]
    for a, b in zip(*whole, strict=True):
        np.testing.assert_array_equal(a, b)
    turned = ["--domains.classes", "EB=EW,EC", "flat"]
    assert train(surveys, tmp_path / "T", 2, *start, *turned, preset="light-curve-fine-tuning") == 2
    assert "have the classes flat, EB in this order, and this run has EB, flat" in capsys.readouterr().err


def test_features_raise_the_entropy_that_the_classifier_lowers(surveys):
    """Minimax: the gradient of the second loss in the encoder is that of ENT with the other sign, in the classifier the same but for it."""
    experiment = with_origin(dataclasses.replace(light_curve_mme(), encoder=str(surveys / "E")))
    inputs = dataclasses.replace(experiment.inputs, class_names=("a", "b"))
    experiment = dataclasses.replace(experiment, inputs=inputs)
    task = build_task(experiment)
    ent = build_task(dataclasses.replace(experiment, objective=dataclasses.replace(experiment.objective, method="ent")))
    batch = task.made_up(3)
    variables = task.init(jax.random.key(0), batch)
    found = []
    for one in (task, ent):
        loss = lambda p, one=one: one.updates[1].loss(p, {}, {"unlabelled": batch}, jax.random.key(1))[0]
        found.append(jax.jit(jax.grad(loss))(variables["params"]))
    for part, sign in (("encoder", 1.0), ("classifier", -1.0)):
        pairs = zip(jax.tree.leaves(found[0][part]), jax.tree.leaves(found[1][part]), strict=True)
        assert any(float(jnp.abs(a).max()) > 0 for a in jax.tree.leaves(found[0][part]))
        for a, b in pairs:
            np.testing.assert_allclose(a, sign * b, atol=1e-6)


def test_the_classifier_is_given_the_mean_of_the_last_layer_over_the_points(surveys):
    experiment = with_origin(dataclasses.replace(light_curve_mme(), encoder=str(surveys / "E")))
    encoder = encoder_task(experiment.origin)
    network = CurveNetwork(experiment, encoder)
    batch = encoder.made_up(3)
    variables = encoder.init(jax.random.key(0), batch)
    found = network.pooled({"params": {"encoder": variables["params"]}}, network.images(batch))
    last, mask = encoder.encode(variables, batch)["layers"][-1], batch["mask"][..., None]
    np.testing.assert_allclose(found, (last * mask).sum(1) / mask.sum(1), atol=1e-5)


def test_windows_of_a_light_curve_are_answered_together():
    logits = np.array([[0.0, 2.0], [4.0, 0.0], [1.0, 1.0]])
    found = of_records(logits, np.array([1, 1, 0]), np.array(["a", "a", "b"]), np.array([5, 5, 2]), np.array([1, 3, 7]))
    assert found.object_id.tolist() == ["b", "a"] and found.label.tolist() == [0, 1]
    np.testing.assert_allclose(found.logits, [[1, 1], [3, 0.5]])


def test_the_settings_of_an_encoder_are_those_of_its_preset():
    found = encoder_experiment(preset_origin("astromer2-small"))
    assert found == find_preset("astromer2-small")() and OriginConfig() == CurveAdaptationExperiment().origin
    start, made = find_system("light_curve_adaptation").simulated(light_curve_mme())
    assert start.architecture and set(made) == {*start.domains.source, *start.domains.target}


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ({}, "needs one encoder"),
        ({"encoder": "a", "architecture": "b"}, "needs one encoder"),
        ({"architecture": "astromer2-small", "train_encoder": False}, "must be trained"),
        ({"architecture": "delight"}, "no encoder of light curves"),
    ],
)
def test_what_is_refused(more, says):
    with pytest.raises(ConfigError, match=says):
        with_origin(dataclasses.replace(light_curve_mme(), **more))
