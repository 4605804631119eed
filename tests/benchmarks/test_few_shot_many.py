"""Many trainings at once are what the system makes of each by itself."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from benchmarks.few_shot_many import Lesson, Rows, Trainings, answered, batch_of, macro_f1, stacked
from lcjax.configs import OptimizerConfig, TrainingConfig, WindowConfig
from lcjax.models.light_curve_head_config import HeadConfig
from lcjax.systems.classifier.metrics import class_metrics, summarize_classes
from lcjax.systems.light_curve_classifier.config import LightCurveClassifierExperiment
from lcjax.systems.light_curve_classifier.encoder import with_origin
from lcjax.systems.light_curve_classifier.fitting import fit_classifier
from lcjax.systems.light_curve_classifier.task import build_task

NAMES = ("a", "b")


def settings(**training):
    return LightCurveClassifierExperiment(
        window=WindowConfig(length=6, mode="sequential", evaluation_mode="sequential"),
        optimizer=OptimizerConfig(name="adam", learning_rate=0.02, schedule="cosine", clip_norm=1.0),
        training=TrainingConfig(batch_size=4, checkpoint_every=100, **training),
        head=HeadConfig("raw_gru", units=2, widths=(3,)),
        class_names=NAMES,
    )


@pytest.fixture(scope="module")
def windows():
    rng = np.random.default_rng(0)
    mask = np.arange(6) < rng.integers(2, 7, 24)[:, None]
    series = {name: np.where(mask, rng.normal(size=mask.shape), 0).astype("f4") for name in ("magnitude", "time")}
    error = np.where(mask, 0.1, 0).astype("f4")
    return {**series, "time": np.sort(series["time"]), "magnitude_error": error, "mask": mask}


def test_each_run_is_what_the_system_makes_of_it(windows):
    label = np.arange(24) % 2
    lessons = [
        Lesson(3, np.arange(0, 9), np.arange(20, 23), label),
        Lesson(4, np.arange(4, 18), np.arange(19, 24), label),
    ]
    experiment = settings(steps=8, evaluate_every=2, log_every=8, ema_decay=0.5, patience=2, monitor="-macro_f1")
    task = build_task(with_origin(experiment))
    ready = {**windows, "length": windows["mask"].sum(1).astype(np.int32)}
    best, updates = Trainings(task, experiment, 4).run(lessons, ready)
    answer = lambda variables, batch: task.extras["answer"](variables, batch)["logits"]
    rows = stacked([(np.arange(24), label)] * 2, 4)
    found = answered(answer, 4)(best.variables, rows, ready)
    training = dataclasses.replace(experiment.training, seed=lessons[1].seed)
    given = [({name: x[own] for name, x in windows.items()}, label[own]) for own in (lessons[1].learn, lessons[1].held)]
    alone = fit_classifier(dataclasses.replace(experiment, training=training), given[0], NAMES, None, given[1])
    np.testing.assert_allclose(found[1], answer(alone.variables, ready), atol=1e-5)
    assert np.abs(found[0] - found[1]).max() > 1e-3
    assert updates <= 8 and int(best.step.min()) >= 2


def test_rows_that_fill_up_do_not_count(windows):
    rows = stacked([(np.array([5, 2]), np.array([1, 0]))], 4)
    batch = batch_of(windows, Rows(rows.row[0], rows.label[0]))
    assert batch["weight"].tolist() == [1, 1, 0, 0] and batch["label"].tolist() == [1, 0, -1, -1]
    np.testing.assert_array_equal(batch["magnitude"][:2], windows["magnitude"][[5, 2]])
    assert stacked([(np.arange(3), np.arange(3))], 4, 9).row.shape == (1, 12)


def test_macro_f1_is_the_systems_own():
    logits, label = jax.random.normal(jax.random.key(0), (30, 3)), jnp.arange(30) % 2  # the third class has no windows
    sums = class_metrics(logits, label, jnp.ones(30), ("a", "b", "c"))
    means = {name: float(total / weight) if weight else float("nan") for name, (total, weight) in sums.items()}
    assert float(macro_f1(sums)) == pytest.approx(summarize_classes(means)["macro_f1"])
