"""Arrays of the few-shot benchmark, methods on all draws at once, and the command."""

import json

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from benchmarks import few_shot_export, few_shot_left_out, few_shot_methods, few_shot_scenarios
from benchmarks.few_shot_arrays import STARS, read
from benchmarks.few_shot_many import Lesson
from benchmarks.few_shot_methods import Question, School, Taught, read_encoder, write_encoder
from benchmarks.few_shot_stars import CLASSES, Curve, padded_windows, windows_of
from benchmarks.few_shot_tasks import sample_of, windows_sample
from benchmarks.few_shot_trained import held_stars
from lcjax.errors import ConfigError, DataError
from lcjax.evaluation.probe import draw
from lcjax.inference.loaded import Loaded
from lcjax.models.light_curve_head_config import HeadConfig
from lcjax.systems.encoder_origin import encoder_task
from tests.inference.models import experiment, light_curve, untrained

SURVEY = "asas_acvs"


@pytest.fixture(scope="module")
def curves():
    """Four stars of each class to learn from, two in each part to be scored on; some have two windows."""
    out = []
    for i, part in enumerate(["train"] * 4 + ["development"] * 2 + ["held out"] * 2):
        for k, label in enumerate(CLASSES[SURVEY]):
            own = light_curve(260 if (i + k) % 3 == 0 else 20 + i, seed=10 * i + k)
            series = own.mjd, own.magnitude.astype("f4"), own.magnitude_error.astype("f4")
            out.append(Curve(f"s{i}{k}", SURVEY, label, part, *series))
    return out


@pytest.fixture(scope="module")
def arrays(curves, tmp_path_factory):
    folder = tmp_path_factory.mktemp("arrays")
    asked = few_shot_export.surveys(curves, [2, 9]) | few_shot_left_out.left_out_samples(curves)
    few_shot_export.write(folder / STARS, curves, asked, draws=3)
    return folder


def test_draws_are_those_of_the_benchmark(curves, arrays):
    found, sample = read(arrays / STARS), sample_of(curves, SURVEY)
    runs = found.of(SURVEY)
    assert [(run.shots, run.seed) for run in runs] == [(2, 0), (2, 1), (2, 2), (9, 0)]  # nine are all: one draw
    rows = draw(sample.label, sample.pool, 2, 1)
    held = held_stars([sample.curves[i] for i in rows], sample.label[rows], 1)
    pieces = [windows_of([sample.curves[i]]) for i in rows[~held]]
    wanted = padded_windows([piece for own in pieces for piece in own])
    for name in ("time", "magnitude", "magnitude_error", "mask"):
        np.testing.assert_array_equal(found.windows[name][runs[1].learn], wanted[name])
    asked = found.asked(SURVEY)
    tested = windows_sample(sample)
    assert len(asked) == len(tested.tested) and found.points[asked].sum() == sum(
        len(tested.curves[i].mjd) for i in tested.tested
    )
    np.testing.assert_array_equal(found.label[SURVEY][found.curve[asked]], tested.label[tested.tested])
    with pytest.raises(DataError, match="write it with --export"):
        read(arrays / "none.npz")


def test_left_out_classes_are_asked_and_never_learned_from(curves, arrays):
    found = read(arrays / STARS)
    (run,) = found.of(f"{SURVEY}, left out: ED")
    label = found.label[run.question]
    learned = np.unique(found.curve[np.concatenate([run.learn, run.held])])
    assert len(learned) == 20 and label[learned].max() == 4 and found.classes[run.question][-1] == "ED"
    asked = np.unique(found.curve[found.asked(run.question)])
    assert np.bincount(label[asked]).tolist() == [4] * 6
    # An embedding that is one place for all known stars, and another for those of the class that is left out.
    far = np.where(label == 5, 9.0, 0.0)[found.curve][:, None] + np.zeros(2)
    far[found.part[found.curve] == 0] += np.random.default_rng(0).normal(size=(1, 2))
    rows = few_shot_left_out.left_out_rows(found, [run.question], "x", [far])
    assert rows[0]["task"] == "unknown_class" and rows[0]["scores"]["held out"]["ED"]["value"] == 1
    every = f"{SURVEY}, left out: none"
    place = found.label[every][found.curve][:, None] + np.zeros(2)
    (row,) = few_shot_left_out.left_out_rows(found, [every], "x", [place])
    assert row["scores"]["held out"]["value"] == pytest.approx(0.4)  # four of the ten nearest can be of the class


def test_each_run_reads_its_own_encoder(tmp_path):
    task, variables = untrained(experiment(length=8))
    settings = experiment(length=8)
    write_encoder(tmp_path / "e.npz", Loaded(settings, task, variables, tmp_path, {}))
    encoder = read_encoder(tmp_path / "e.npz")
    jax.tree.map(np.testing.assert_array_equal, encoder.variables, variables)
    rng, mask = np.random.default_rng(0), np.arange(8) < np.random.default_rng(1).integers(3, 9, 12)[:, None]
    windows = {name: np.where(mask, rng.normal(size=mask.shape), 0).astype("f4") for name in ("time", "magnitude")}
    windows |= {"magnitude_error": 0.1 * mask.astype("f4"), "mask": mask, "length": mask.sum(1).astype("i4")}
    label = np.arange(12) % 2
    lessons = [Lesson(0, np.arange(8), np.arange(8, 12), label)] * 2
    own = jax.tree.map(lambda x: jnp.stack([x, 0.5 * x]), variables)
    head = few_shot_methods._preset("few-shot", HeadConfig("avg_clf"), steps=2, evaluate_every=2)
    question = Question(lessons, windows, [np.arange(12)] * 2, 1, 1, embeds=True)
    taught = School(lambda: True).taught("x", head, question, encoder, own)
    encode = encoder_task(encoder.origin).encode
    for i in (0, 1):
        found = encode(jax.tree.map(lambda x, i=i: x[i], own), windows)
        mean = np.sum(np.where(mask[..., None], found["layers"][-1], 0), 1) / mask.sum(1)[:, None]
        np.testing.assert_allclose(taught.embedding[i, :12], mean, atol=2e-5)
    assert taught.updates == 2 and taught.score.shape[-1] == few_shot_methods.CLASSES


def test_the_command_scores_stars_and_windows_and_goes_on(curves, arrays, monkeypatch, capsys, tmp_path):
    asked, found = [], read(arrays / STARS)

    def knows(school, encoder, question):
        asked.append(len(question.lessons))
        rows = max(map(len, question.asked))
        score = np.zeros((len(question.lessons), rows, 6), np.float32)
        for i, (lesson, own) in enumerate(zip(question.lessons, question.asked, strict=True)):
            score[i, np.arange(len(own)), np.minimum(lesson.label[own], 5)] = 1
        yield Taught("knows", score, score, [1] * len(question.lessons), 3, 4, {})

    monkeypatch.setitem(few_shot_scenarios.METHODS, "gru", knows)
    given = ["--arrays", str(arrays), "--methods", "gru", "--out", str(tmp_path / "r.json")]
    for _ in range(2):
        assert few_shot_scenarios.main(given) == 0
    assert asked == [4, 7], "what is done is not done again"
    rows = json.loads((tmp_path / "r.json").read_text())["rows"]
    assert {row["task"] for row in rows} == {"few_shot", "windows", "neighbours", "unknown_class"}
    few = [row for row in rows if row["task"] in ("few_shot", "windows")]
    assert [(row["shots"], row["draws"]) for row in few] == [(2, 3), (9, 1)] * 2
    assert all(row["scores"]["held out"]["value"] == 1 and row["stars"] == found.stars for row in few)
    assert "1.000" in capsys.readouterr().out
    with pytest.raises(ConfigError, match="no method 'skip-head'"):
        few_shot_scenarios.main([*given, "--methods", "skip-head"])
    with pytest.raises(ConfigError, match="no question 'x'"):
        few_shot_scenarios.main([*given, "--questions", "x"])
    with pytest.raises(ConfigError, match="write arrays with"):
        few_shot_scenarios.main([])
    with pytest.raises(ConfigError, match="give prepared asas_acvs"):
        few_shot_scenarios.main(["--export", str(tmp_path)])


def test_a_star_is_answered_by_all_its_windows(arrays):
    found = read(arrays / STARS)
    rows = found.asked(SURVEY)
    label = found.label[SURVEY][found.curve[rows]]
    score = np.full((4, len(rows), 6), -5.0, np.float32)
    first = np.append(found.curve[rows][1:] == found.curve[rows][:-1], False)  # of two windows: wrong, but nearly right
    score[:, np.arange(len(rows)), label] = np.where(first, -1, 0)
    score[:, first, (label[first] + 1) % 6] = 0
    group = few_shot_scenarios.Group("gru", "", (SURVEY,), found, (SURVEY,))
    out = few_shot_scenarios.scored(group, Taught("x", score, None, [1] * 4, 1, 1, {}))
    value = {row["task"]: row["scores"]["held out"]["value"] for row in out if row["shots"] == 9}
    assert value["few_shot"] == 1 and value["windows"] < 0.9
