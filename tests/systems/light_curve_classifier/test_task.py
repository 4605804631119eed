"""The task of a classifier: what is trained, what a kept encoding is worth, what a star is answered."""

import dataclasses
import itertools

import jax
import numpy as np
import optax
import pytest

from lcjax.errors import ConfigError
from lcjax.systems.light_curve_classifier.encoder import encoder_variables, joined, with_origin
from lcjax.systems.light_curve_classifier.task import build_task, frozen_encoder
from lcjax.training.source import device_part
from lcjax.training.state import init_state
from lcjax.training.step import make_update
from tests.systems.light_curve_classifier.stars import LENGTH, Split, settings

CLASSES = ("flat", "sine")


def model(encoder, **changes):
    """(experiment, task, variables with the encoder's weights and a random head)."""
    experiment = dataclasses.replace(with_origin(settings(encoder, **changes)), class_names=CLASSES)
    task = build_task(experiment)
    variables = jax.jit(task.init)(jax.random.key(1), task.batch_spec | task.made_up(2))
    variables = joined(encoder_variables(experiment), variables["params"]["head"])
    return experiment, task, variables


def batch(rows=4):
    found = device_part(next(Split().relabelled(CLASSES).evaluation_batches(rows)))
    return {name: value for name, value in found.items() if name != "record"}


@pytest.fixture(scope="module")
def frozen(encoder):
    return model(encoder)


def test_what_is_kept_of_a_frozen_encoder_gives_the_same_answers(frozen):
    experiment, task, variables = frozen
    windows = batch()
    kept = frozen_encoder(experiment, encoder_variables(experiment))(windows)
    assert kept["encoded"].shape == (4, 3, 1, 8)
    (loss, whole), (again, cached) = (
        jax.jit(task.loss)(variables["params"], {}, b, jax.random.key(0)) for b in (windows, windows | kept)
    )
    assert float(loss) == pytest.approx(float(again), rel=1e-5)
    for name in whole[0]:
        np.testing.assert_allclose(whole[0][name], cached[0][name], rtol=1e-4)


@pytest.mark.parametrize("part", ["none", "1"])
def test_only_what_is_asked_for_is_trained(encoder, part):
    _, task, variables = model(encoder, train_encoder=part)
    optimizer = optax.adamw(1e-2, weight_decay=0.1)
    state = jax.jit(lambda: init_state(task, optimizer, jax.random.key(0), ema=False))()
    state = state.replace(params=variables["params"])
    batches = jax.tree.map(lambda x: x[None, None], batch())
    new, _ = jax.jit(make_update(task, optimizer, 0, None))(state, batches)
    moved = {
        "/".join(str(k.key) for k in path[:2])
        for path, same in jax.tree_util.tree_leaves_with_path(
            jax.tree.map(lambda a, b: bool((a == b).all()), variables["params"], new.params)
        )
        if not same
    }
    expected = {"head/gamma", "head/mlp"} | ({"encoder/block_1"} if part == "1" else set())
    assert moved == expected


def test_rows_without_a_class_or_weight_teach_nothing(frozen):
    _, task, variables = frozen
    windows = batch(8)
    run = jax.jit(task.loss)
    value, (sums, _) = run(variables["params"], {}, windows | {"label": np.array([0, 1, 0, 1] * 2)}, jax.random.key(0))
    few = windows | {"label": np.array([0, 1, -1, -1, 0, 1, 0, 1]), "weight": np.float32([1, 1, 1, 1, 0, 0, 0, 0])}
    masked, (sums, _) = run(variables["params"], {}, few, jax.random.key(0))
    assert float(sums["loss"][1]) == 2 and float(masked) == pytest.approx(float(sums["loss"][0]) / 2, rel=1e-5)
    assert float(value) != float(masked)


@pytest.mark.parametrize("pooling", ["log_probabilities", "probabilities"])
def test_stars_are_answered_by_all_their_windows(encoder, pooling):
    """A curve of three windows: the mean over them, weighted by points."""
    _, task, variables = model(encoder, pooling=pooling)
    rng = np.random.default_rng(0)
    n = 3 * LENGTH - 3
    curve = {"time": np.sort(rng.uniform(0, 90, (1, n))), "magnitude": rng.normal(15, 1, (1, n))}
    curve |= {"magnitude_error": np.full((1, n), 0.1), "mask": np.ones((1, n), bool)}
    curve = {name: x.astype(bool if name == "mask" else np.float32) for name, x in curve.items()}
    found = jax.jit(task.predict)(variables, curve)["probabilities"][0]
    edges = np.arange(4) * n // 3
    parts = [{k: x[:, a:b] for k, x in curve.items()} for a, b in itertools.pairwise(edges)]
    apart = np.concatenate([jax.jit(task.predict)(variables, part)["probabilities"] for part in parts])
    weight = np.diff(edges)[:, None] / n
    mean = (weight * (np.log(apart) if pooling == "log_probabilities" else apart)).sum(0)
    expected = np.exp(mean) / np.exp(mean).sum() if pooling == "log_probabilities" else mean
    np.testing.assert_allclose(found, expected, atol=2e-5)


def test_encoders_that_attend_to_padding_get_as_much_as_they_know(published_encoder):
    """Windows cut shorter than the encoder's are padded to its length."""
    whole = model(published_encoder)
    short = model(published_encoder, window=dataclasses.replace(settings().window, length=32))
    assert short[0].window.length == 32
    windows = {name: x[:, :32] if x.ndim == 2 else x for name, x in batch().items()}
    padded = {name: np.pad(x, ((0, 0), (0, 8))) if x.ndim == 2 else x for name, x in windows.items()}
    one = jax.jit(short[1].extras["answer"])(whole[2], windows)["logits"]
    np.testing.assert_allclose(one, jax.jit(whole[1].extras["answer"])(whole[2], padded)["logits"], atol=1e-5)


def test_classes_and_encoder_must_be_known(encoder):
    with pytest.raises(ConfigError, match="two classes or more"):
        build_task(with_origin(settings(encoder)))


def test_an_encoder_is_still_one_under_a_head(frozen):
    _, task, variables = frozen
    out = jax.eval_shape(task.encode, variables, batch())
    assert len(out["layers"]) == 3 and out["mask"].shape == (4, LENGTH)
