"""The room of Deep-CLASH: what it takes for votes, what counts, what it answers; fine-tuning begins with the weights it is given."""

import dataclasses
import types

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from data_pipelines.kinds import find_kind
from data_pipelines.kinds.images.galaxies import GalaxySettings
from data_pipelines.prepare import prepare
from lcjax.errors import ConfigError, DataError, Rejection
from lcjax.inference.loaded import Loaded
from lcjax.models.deep_clash_config import DeepClashModelConfig
from lcjax.systems import find_system
from lcjax.systems.base import Work
from lcjax.systems.deep_clash import check_fractions
from lcjax.systems.deep_clash.config import VOTES, DeepClashExperiment, GalaxyImageConfig, VoteObjectiveConfig
from lcjax.systems.deep_clash.evaluation import Voted, score_votes, vote_report
from lcjax.systems.deep_clash.task import build_task, votes_of

TINY = DeepClashModelConfig(
    side=40,
    stem=(3, 4),
    stem_kernels=(3, 3),
    head=4,
    dense=(8,),
    **{f"inception_{i}": (2, 3, 2, 2, 2, 2) for i in range(1, 7)},
)
SYSTEM = find_system("deep_clash")


@dataclasses.dataclass
class Data:
    target_names: tuple = ()
    class_names: tuple = ()


def experiment(**changes):
    return dataclasses.replace(
        DeepClashExperiment(model=TINY), objective=VoteObjectiveConfig(votes="fractions", names=VOTES), **changes
    )


@pytest.fixture(scope="module")
def task():
    return build_task(experiment())


@pytest.fixture(scope="module")
def variables(task):
    return jax.jit(task.init)(jax.random.key(0), {"image": jnp.zeros((2, 40, 40, 1))})


@pytest.fixture(scope="module")
def predict(task, variables):
    run = jax.jit(task.predict)
    return lambda images: run(variables, {"image": images})["votes"]


@pytest.fixture(scope="module")
def gradient(task, variables):
    """Of the loss on a batch: value, metrics, batch statistics, gradient."""
    run = jax.jit(jax.value_and_grad(task.loss, has_aux=True))
    return lambda some: run(variables["params"], {"batch_stats": variables["batch_stats"]}, some, jax.random.key(1))


def batch(rows=4, seed=0):
    rng = np.random.default_rng(seed)
    votes = rng.dirichlet(np.ones(5), rows).astype(np.float32)
    images = rng.normal(size=(rows, 40, 40, 1)).astype(np.float32)
    return {"image": jnp.asarray(images), "target": jnp.asarray(votes), "weight": jnp.ones(rows)}


def test_names_come_from_the_data():
    plain = DeepClashExperiment(model=TINY)
    found = SYSTEM.adapt(plain, Data(target_names=("a", "b", "c")))
    assert (
        found.objective.names == ("a", "b", "c")
        and found.model.num_classes == 3
        and found.objective.votes == "fractions"
    )
    found = SYSTEM.adapt(plain, Data(class_names=("x", "y")))
    assert found.objective.votes == "classes" and found.model.num_classes == 2
    with pytest.raises(ConfigError, match="say which are the votes"):
        SYSTEM.adapt(plain, Data(("a", "b"), ("x", "y")))
    with pytest.raises(ConfigError, match="votes need two or more"):
        SYSTEM.adapt(plain, Data(("a",), ()))
    with pytest.raises(ConfigError, match="cannot be called 'band'"):
        SYSTEM.adapt(plain, Data(("band", "b")))
    loaded = Loaded(experiment(), None, None)
    with pytest.raises(ConfigError, match="gives votes for spheroid"):
        SYSTEM.on_data(loaded, Data(VOTES[::-1]))
    assert SYSTEM.on_data(loaded, Data(VOTES)) is loaded


def test_what_is_no_vote_counts_for_nothing(task, variables, gradient):
    full = batch()
    spoilt = np.array(full["target"])
    spoilt[2, 1], spoilt[3] = np.nan, (1, 1, 0, 0, 0)
    votes, weight = votes_of({**full, "target": jnp.asarray(spoilt)}, 5, False)
    assert weight.tolist() == [1, 1, 0, 0] and np.isfinite(votes).all()
    (value, (metrics, _)), _ = gradient({**full, "target": jnp.asarray(spoilt)})
    again = np.array(spoilt)
    again[3] = (9, 0, 0, 0, 0)
    other = gradient({**full, "target": jnp.asarray(again)})[0][0]
    assert float(value) == float(other) and float(metrics["loss"][1]) == 2
    found = jax.jit(task.evaluate)(variables, {**full, "target": jnp.asarray(spoilt)}, jax.random.key(0))
    assert float(found["unfit"][0] / found["unfit"][1]) == 0.5
    assert "50.0% of the images of train" in task.warnings("train", {"unfit": 0.5})[0] and not task.warnings(
        "train", {"unfit": 0.0}
    )
    by_class, weight = votes_of({"image": full["image"], "label": jnp.array([0, 4, -1, 2])}, 5, True)
    assert by_class[1].tolist() == [0, 0, 0, 0, 1] and weight.tolist() == [1, 1, 0, 1]
    assert task.summarize({"mean_square": 0.25})["pooled_rmse"] == 0.5


def test_answers_do_not_depend_on_the_batch(predict):
    images = batch(4)["image"] * jnp.array([1.0, 10, 100, 1e3])[:, None, None, None]
    together = predict(images)
    others = batch(4, seed=9)["image"]
    alone = jnp.concatenate([predict(others.at[0].set(image))[:1] for image in images])
    np.testing.assert_allclose(together, alone, atol=1e-6)
    np.testing.assert_allclose(together.sum(-1), 1.0, atol=1e-6)
    np.testing.assert_allclose(predict(3 * images + 7), together, atol=1e-3)


def test_training_moves_weights_and_statistics(variables, gradient):
    (_, (_, moved)), found = gradient(batch())
    dead = [name for name, leaf in jax.tree_util.tree_leaves_with_path(found) if not np.isfinite(leaf).all()]
    assert not dead and any(np.any(leaf) for leaf in jax.tree.leaves(found))
    before, after = jax.tree.leaves(variables["batch_stats"]), jax.tree.leaves(moved["batch_stats"])
    assert all(not np.array_equal(a, b) for a, b in zip(before, after, strict=True))


def test_scores_by_band_draw_objects():
    rng = np.random.default_rng(0)
    votes = rng.dirichlet(np.ones(3), 60)
    answers = votes + np.array([0.1, -0.1, 0.0])
    ids, bands = np.repeat([f"g{i}" for i in range(30)], 2), np.tile(["F435W", "F160W"], 30)
    voted = Voted(ids, bands, votes, answers)
    found = score_votes(voted)
    assert (found.images, found.objects) == (60, 30) and voted.bands == ["F435W", "F160W"]
    assert found.rmse.value == pytest.approx(np.sqrt(0.02 / 3)) == found.pooled.value
    assert [s.value for s in found.bias] == pytest.approx([0.1, -0.1, 0.0]) and found.rmse.low <= found.rmse.high
    assert [s.value for s in found.by_class] == pytest.approx([0.1, 0.1, 0.0])
    report = vote_report(voted, ("a", "b", "c"))
    assert [row[0] for row in report.printed[0].rows] == ["all", "F435W", "F160W"]
    assert all(picture.draw().axes for picture in report.sections[1].parts)
    with pytest.raises(DataError, match="nothing to score"):
        score_votes(Voted(ids[:0], bands[:0], votes[:0], answers[:0]))


def test_catalogue_of_answers(task, variables, predict):
    loaded = Loaded(experiment(), task, variables)
    work = Work({}, find_kind("images").tools(), batch_size=4)
    answers = SYSTEM.answers(loaded, work)
    rng = np.random.default_rng(0)
    item = lambda name, pixels: {"object_id": name, "band": "F160W", "ra": 1.0, "dec": np.nan, "image": pixels}
    image = rng.normal(size=(40, 40, 1)).astype(np.float32)
    items = [
        item("a", image),
        Rejection("x", "file: damaged", "f"),
        item("b", rng.normal(size=(50, 47, 1))),
        item("c", np.zeros((40, 40, 1))),
        item("d", rng.normal(size=(40, 40, 3))),
    ]
    hot, missing = (np.array(items[2]["image"]) for _ in range(2))
    hot[20, 20], missing[20, 20] = 1e38, np.nan
    seen = [answers.input_row(item("e", pixels))["image"] for pixels in (hot, missing)]
    np.testing.assert_array_equal(*seen)
    rows = list(answers.answer(items))
    assert [type(row) is Rejection for row in rows] == [False, True, False, True, True]
    assert "no galaxy" in rows[3].reason and "3 where each band" in rows[4].reason
    expected = np.asarray(predict(jnp.tile(jnp.asarray(image), (4, 1, 1, 1))))[0]
    np.testing.assert_allclose([rows[0][name] for name in VOTES], expected, atol=1e-6)
    assert rows[0]["class"] == VOTES[int(expected.argmax())] and rows[0]["ra"] == 1.0
    assert set(rows[0]) == set(answers.schema.names)


def test_pictures_take_the_mean_of_their_channels(variables, predict):
    task = build_task(experiment(image=GalaxyImageConfig(channels="mean")))
    grey = batch()["image"]
    seen = jax.jit(task.predict)(variables, {"image": jnp.repeat(grey, 3, -1)})["votes"]
    np.testing.assert_allclose(seen, predict(grey), atol=1e-5)


def test_prepare_train_and_what_fine_tuning_begins_with(tmp_path, capsys):
    from lcjax.cli.main import main
    from lcjax.systems.loading import load

    settings = GalaxySettings(side=40, bands_of_each=2, survey="clash")
    data = prepare("simulated_galaxies", [], tmp_path / "D", n_objects=40, fractions=(0.6, 0.2, 0.2), galaxies=settings)
    small = ["--model.stem", "3", "4", "--model.stem-kernels", "3", "3", "--model.head", "4", "--model.dense", "8"]
    small += [part for i in range(1, 7) for part in (f"--model.inception-{i}", *"232222")]
    often = ["--training.evaluate-every", "1", "--training.checkpoint-every", "1"]
    arguments = [
        "--data",
        str(data.manifest.folder),
        "--workdir",
        str(tmp_path / "W"),
        "--batch-size",
        "8",
        "--steps",
        "2",
    ]
    assert main(["train", "deep-clash-light", *arguments, *small, *often]) == 0
    assert "Errors of vote fractions" in capsys.readouterr().out and (tmp_path / "W" / "report" / "index.html").exists()
    base = load(tmp_path / "W")
    assert set(base.experiment.objective.names) == set(VOTES)
    start = dataclasses.replace(base.experiment.training, initial_weights=str(tmp_path / "W"))
    tuned = dataclasses.replace(base.experiment, training=start)
    begun = SYSTEM.initial_variables(tuned, base)
    for a, b in zip(jax.tree.leaves(begun), jax.tree.leaves(base.variables), strict=True):
        np.testing.assert_array_equal(a, b)
    other = dataclasses.replace(tuned, objective=dataclasses.replace(tuned.objective, names=("a", "b")))
    with pytest.raises(ConfigError, match="fine-tuned on the same votes"):
        SYSTEM.initial_variables(other, base)


def test_votes_in_percent_are_refused():
    fractions = np.array([[0.2, 0.8], [np.nan, np.nan], [0.5, 0.2]])
    check_fractions(fractions, ("a", "b"))  # some are, and the others are counted
    check_fractions(fractions[1:2], ("a", "b"))
    with pytest.raises(ConfigError, match=r"votes that sum to 1: those of the first \(a, b\) sum to 100;"):
        check_fractions(100 * fractions, ("a", "b"))
    data = types.SimpleNamespace(class_names=(), target_names=("a", "b"), metadata=100 * fractions, used=[0, 2])
    with pytest.raises(ConfigError, match="sum to 100"):
        SYSTEM.matched(DeepClashExperiment(), data, training=True)
    assert SYSTEM.matched(DeepClashExperiment(), data, training=False) is data


def test_runs_without_data_are_simulated_by_their_stage():
    base = SYSTEM.simulated(DeepClashExperiment(model=TINY))[1]["simulated_candels_40"]
    assert base.options == {"galaxies": {"survey": "candels", "side": 40}}
    tuned = DeepClashExperiment(model=TINY, stage="fine_tuning")
    assert set(SYSTEM.simulated(tuned)[1]) == {"simulated_clash_40"}
    assert "begins with random weights" in SYSTEM.notes(tuned, Data())[0] and not SYSTEM.notes(experiment(), Data())
