"""Rows of class probabilities: those of `lcjax.load(...).predict`, whatever the classes are called."""

import dataclasses

import jax
import numpy as np
import pytest

from lcjax.errors import Rejection
from lcjax.inference.curve_classes import ClassAnswers
from lcjax.inference.loaded import Loaded
from lcjax.systems.light_curve_classifier.encoder import with_origin
from lcjax.systems.light_curve_classifier.task import build_task
from tests.inference.models import light_curve
from tests.systems.light_curve_classifier.stars import settings


@pytest.fixture(scope="module")
def loaded(encoder):
    experiment = dataclasses.replace(with_origin(settings(encoder)), class_names=("class", "sine", "band"))
    task = build_task(experiment)
    shapes = jax.eval_shape(task.init, jax.random.key(0), task.batch_spec)
    rng = np.random.default_rng(0)
    return Loaded(experiment, task, jax.tree.map(lambda x: rng.normal(0, 0.4, x.shape).astype(np.float32), shapes))


def answers(loaded, **more):
    return ClassAnswers(loaded, loaded.experiment.class_names, loaded.experiment.pooling, **more)


def test_rows_are_the_answers_of_the_model(loaded):
    curves = [light_curve(n, seed) for seed, n in enumerate((30, 100, 7))]
    found = list(answers(loaded, embedding=True).answer([curves[0], Rejection("x", "no", ""), *curves[1:]]))
    assert isinstance(found[1], Rejection)
    for row, curve in zip([found[0], *found[2:]], curves, strict=True):
        raw = {
            "time": curve.mjd[None],
            "magnitude": curve.magnitude[None],
            "magnitude_error": curve.magnitude_error[None],
            "mask": np.ones((1, len(curve.mjd)), bool),
        }
        expected = loaded.predict(raw)
        p = [row["p_class"], row["sine"], row["p_band"]]
        np.testing.assert_allclose(p, expected["probabilities"][0], atol=1e-4)
        np.testing.assert_allclose(row["embedding"], expected["embedding"][0], atol=1e-3)
        assert sum(p) == pytest.approx(1, abs=1e-5) and row["class"] == ("class", "sine", "band")[int(np.argmax(p))]
        assert row["entropy"] == pytest.approx(-np.dot(p, np.log(p)), abs=1e-5)
        assert row["object_id"] == curve.object_id and row["n_points"] == len(curve.mjd)


def test_the_table_has_its_columns(loaded):
    names = ["object_id", "band", "p_class", "sine", "p_band", "class", "entropy", "n_points"]
    assert answers(loaded).schema.names == names
    assert answers(loaded, embedding=True).schema.names == [*names[:-1], "embedding", "n_points"]


def test_bands_are_pooled_as_evaluation_pools_windows(loaded):
    """The mean of the log-probabilities of all windows in all bands, by their points, made to add up to 1."""
    bands = [light_curve(n, seed, "s") for seed, n in ((0, 30), (1, 110))]
    for one, name in zip(bands, "gr", strict=True):
        one.band = name
    separate = list(answers(loaded).answer(bands))
    (row,) = answers(loaded, pool=True).answer([tuple(bands)])
    assert answers(loaded, pool=True).unit == "stars" and answers(loaded).unit == "light curves"
    p = np.array([[one["p_class"], one["sine"], one["p_band"]] for one in separate])
    mean = np.array([30, 110]) @ np.log(p) / 140
    np.testing.assert_allclose(
        [row["p_class"], row["sine"], row["p_band"]], np.exp(mean) / np.exp(mean).sum(), rtol=1e-4
    )
    assert (row["object_id"], row["band"], row["n_points"]) == ("s", "g+r", 140)
