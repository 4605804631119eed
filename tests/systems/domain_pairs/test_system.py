"""Each method from prepared data to answers by the command line; what is refused, in one sentence."""

import dataclasses
import json

import jax
import numpy as np
import pyarrow.parquet as pq
import pytest

import lcjax
from data_pipelines.kinds import find_kind
from lcjax.cli.main import main
from lcjax.systems import find_preset, find_system
from lcjax.systems.domain_adaptation.config import SgdConfig, start_notes, trunk_note, with_trunk_factor
from lcjax.systems.domain_pairs.config import CollapseConfig, PairInputsConfig
from lcjax.systems.domain_pairs.evaluation import answer_domains
from lcjax.systems.domain_pairs.inputs import example
from lcjax.systems.domain_pairs.metrics import collapse_warnings
from lcjax.systems.splits import held_out_data
from tests.systems.domain_pairs.two_surveys import SETTINGS

NO_LABELS = ["--domains.shots", "0", "--domains.validation-shots", "0"]
"""Of the target."""


def train(preset, surveys, workdir, steps, *more):
    marks = ["--training.evaluate-every", "8", "--training.checkpoint-every", "4", "--steps", str(steps)]
    return main(["train", preset, "--data", str(surveys), "--workdir", str(workdir), *marks, *SETTINGS, *more])


def arrays_of(workdir):
    variables = lcjax.load(workdir, "latest").variables
    return jax.tree.leaves(variables["params"])


def test_whole_path(surveys, tmp_path, capsys):
    """Interrupted and resumed training gives the weights of an uninterrupted one; then scores, answers, an export."""
    assert train("real-bogus-mme", surveys, tmp_path / "W", 8, "--no-report") == 0
    assert train("real-bogus-mme", surveys, tmp_path / "V", 4, "--no-report") == 0
    assert train("real-bogus-mme", surveys, tmp_path / "V", 8, "--no-report") == 0
    for a, b in zip(arrays_of(tmp_path / "W"), arrays_of(tmp_path / "V"), strict=True):
        np.testing.assert_array_equal(a, b)
    record = json.loads((tmp_path / "W" / "config.json").read_text())
    assert {name: len(ids) for name, ids in record["data"]["shots"].items()} == {"bogus": 2, "real": 2}
    out = tmp_path / "p.parquet"
    raw = surveys.parent / "two.npz"
    asked = ["--images.image", "x", "--images.channel-names", "feature"]
    assert main(["predict", str(tmp_path / "W"), str(raw), "--out", str(out), *asked]) == 0
    rows = pq.read_table(out).to_pydict()
    assert len(rows["object_id"]) == 90 and np.allclose(np.sum(rows["probabilities"], axis=1), 1, atol=1e-5)
    model = lcjax.load(tmp_path / "W")
    with np.load(raw) as z:
        direct = model.predict({"image": z["x"][:5][:, None, :, None]})
    np.testing.assert_allclose(rows["probabilities"][:5], direct["probabilities"], atol=1e-5)
    assert main(["export", str(tmp_path / "W"), str(tmp_path / "E")]) == 0


@pytest.mark.parametrize("preset", ["real-bogus-mme", "mme-digits", "light-curve-mme"])
def test_a_trained_trunk_learns_a_tenth_as_fast_and_one_from_random_weights_does_not(preset):
    experiment = find_preset(preset)()
    assert experiment.sgd.trunk_factor is None and trunk_note(experiment) == ""
    fresh, trained = (with_trunk_factor(experiment, known) for known in (False, True))
    assert (fresh.sgd.trunk_factor, trained.sgd.trunk_factor) == (1.0, 0.1)
    said = dataclasses.replace(experiment, sgd=SgdConfig(trunk_factor=0.5))
    assert with_trunk_factor(said, trained=True) == said and "0.5 times as fast" in trunk_note(said)
    tuned = find_preset("real-bogus-fine-tuning")()  # descends by Adam, all layers alike
    assert with_trunk_factor(tuned, trained=True) == tuned and trunk_note(tuned) == ""
    assert ["none are given" in note for note in start_notes(tuned)] == [True] and start_notes(fresh) == [
        trunk_note(fresh)
    ]
    given = dataclasses.replace(tuned, training=dataclasses.replace(tuned.training, initial_weights="BASE"))
    assert not start_notes(given)


@pytest.mark.parametrize(("preset", "shots"), [("real-bogus-base", 0), ("light-curve-base", 0), ("real-bogus-mme", 3)])
def test_what_is_trained_on_the_source_alone_is_judged_on_it(preset, shots):
    """A few images of the target, which such a network does not know, would keep its first weights as the best."""
    assert find_preset(preset)().domains.validation_shots == shots


@pytest.mark.parametrize(
    ("preset", "more"),
    [("real-bogus-con2da", []), ("real-bogus-avda", ["--objective.pretraining-steps", "4", *NO_LABELS])],
)
def test_other_methods_train_and_are_scored(preset, more, surveys, tmp_path, capsys):
    assert train(preset, surveys, tmp_path / "W", 8, *more) == 0
    assert "balanced" in capsys.readouterr().out and (tmp_path / "W" / "report" / "index.html").exists()
    scores = json.loads((tmp_path / "W" / "scores.json").read_text())
    assert scores.keys() == {"source", "target", "recalibrated"} and scores["target"]["alerts"] == 18
    assert scores["recalibrated"]["target"]["temperature"] > 0


def test_fine_tuning_and_scores_of_both_domains(surveys, tmp_path, capsys):
    """Shots alone move the base weights; scores of each domain are those of its own images, balanced by class."""
    assert train("real-bogus-base", surveys, tmp_path / "B", 8, "--no-report") == 0
    record = json.loads((tmp_path / "B" / "config.json").read_text())
    assert record["experiment"]["sgd"]["trunk_factor"] == 1.0, "its trunk begins with random weights"
    start = ["--training.initial-weights", str(tmp_path / "B"), "--training.patience", "None"]
    assert train("real-bogus-fine-tuning", surveys, tmp_path / "F", 8, *start, "--no-report") == 0
    moved = [np.abs(a - b).max() for a, b in zip(arrays_of(tmp_path / "B"), arrays_of(tmp_path / "F"), strict=True)]
    assert 0 < max(moved) < 0.02
    loaded = lcjax.load(tmp_path / "F")
    kind = find_kind(find_system(loaded.experiment.system).kind)
    loaded, held_out = held_out_data(loaded, kind, [surveys], "test", print)
    answers = answer_domains(loaded, held_out)
    assert {name: len(own.label) for name, own in answers.items()} == {"source": 18, "target": 18}
    scores = find_system("domain_adaptation").evaluate(loaded, held_out, {}).facts["scores"]
    own = answers["target"]
    right = own.probabilities.argmax(1) == own.label
    by_hand = np.mean([right[own.label == k].mean() for k in (0, 1)])
    assert scores["target"].balanced_accuracy.value == pytest.approx(by_hand)
    loaded, one = held_out_data(loaded, kind, [surveys / "two"], "test", print)
    assert answer_domains(loaded, one).keys() == {"target"}


@pytest.mark.parametrize(
    ("more", "says"),
    [
        (["--domains.target", "three"], "there is no dataset 'three'"),
        (["--domains.target"], "which of the datasets one, two is the target"),
        (["--domains.shots", "99"], "or ask for fewer with --domains.shots"),
        (["--domains.validation-shots", "99"], "or ask for fewer with --domains.validation-shots"),
        (["--domains.source", "two"], "source and target at once"),
        (["--domains.shots", "0", "--objective.method", "s_plus_t"], "must be at least 1"),
        (["--domains.target", "one", "two"], "all of this data"),
    ],
)
def test_what_is_refused(more, says, surveys, tmp_path, capsys):
    assert train("real-bogus-mme", surveys, tmp_path / "W", 4, *more) == 2
    shown = capsys.readouterr().err
    assert says in shown.replace("\n", " ") and "Traceback" not in shown


def test_collapse_is_said():
    sure = {"unlabelled_entropy": 1e-4, "unlabelled_largest_share": 0.999}
    assert "99.9 %" in collapse_warnings(sure, CollapseConfig(), 2)[0]
    for other in ({"unlabelled_entropy": 0.3}, {"unlabelled_largest_share": 0.6}):
        assert not collapse_warnings(sure | other, CollapseConfig(), 2)


@pytest.mark.parametrize("name", ["base", "fine-tuning", "s-plus-t", "ent", "mme", "avda", "con2da"])
def test_what_each_method_learns_from_with_and_without_shots(name):
    """Without shots, methods that learn from unlabelled images go on with those, and their losses need no others."""
    experiment = find_preset(f"real-bogus-{name}")()
    system = find_system(experiment.system)
    streams = system.streams(experiment)
    none = dataclasses.replace(experiment, domains=dataclasses.replace(experiment.domains, shots=0))
    if "unlabelled" not in streams:
        assert system.streams(none) == streams
        return
    assert streams == ("source", "target", "unlabelled") and system.streams(none) == ("source", "unlabelled")
    inputs = PairInputsConfig(vectors=5)
    task = system.build_task(dataclasses.replace(none, inputs=inputs))
    batch = {**example(inputs, 4), "label": np.zeros(4, np.int32), "target": np.zeros((4, 0), np.float32)}
    variables = jax.eval_shape(task.init, jax.random.key(0), batch)
    state = {k: v for k, v in variables.items() if k != "params"}
    for update in task.updates:
        loss, _ = jax.eval_shape(
            update.loss, variables["params"], state, {**batch, "unlabelled": batch}, jax.random.key(0)
        )
        assert loss.shape == ()


def test_without_data_four_surveys_are_simulated(tmp_path):
    """Their builder takes the options, and a target that is said stays."""
    from data_pipelines.simulated_data import simulated_datasets

    system, experiment = find_system("con2da"), find_preset("real-bogus-con2da")()
    chosen, datasets = system.simulated(experiment)
    assert chosen.domains.target == ("sim_ztf",) and chosen.domains.source == ("sim_hits",) and len(datasets) == 4
    few = {name: dataclasses.replace(datasets[name], n_objects=12) for name in ("sim_hits", "sim_ztf")}
    made = simulated_datasets(few, tmp_path / "data")
    assert made == [tmp_path / "data" / name for name in few] and all(path.is_dir() for path in made)
    own = dataclasses.replace(experiment.domains, target=("sim_des",))
    assert system.simulated(dataclasses.replace(experiment, domains=own))[0].domains == own
