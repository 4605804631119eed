"""The masked-pretraining task: what its loss may see, how it scores, what presets build."""

import dataclasses
import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lcjax.errors import ConfigError
from lcjax.systems import PRESETS, build_task
from lcjax.systems.masked_pretraining.config import MaskingConfig
from lcjax.systems.masked_pretraining.task import objective_value, prepare_windows, reconstruction_outputs
from tests.models.weights import random_variables

ROWS, LENGTH = 4, 16
SHARES = MaskingConfig(0.5, 0.2, 0.2)


def a_batch(seed=0, rows=ROWS):
    rng = np.random.default_rng(seed)
    n = rng.integers(5, LENGTH + 1, rows)
    mask = np.arange(LENGTH) < n[:, None]
    batch = {
        "time": np.sort(rng.uniform(0, 900, mask.shape), axis=1) * mask,
        "magnitude": rng.normal(15, 0.5, mask.shape) * mask,
        "magnitude_error": rng.uniform(0.01, 0.2, mask.shape) * mask,
    }
    batch = {k: v.astype(np.float32) for k, v in batch.items()}
    weight, label = np.ones(rows, np.float32), np.zeros(rows, np.int32)
    row = np.arange(rows, dtype=np.int32)
    return batch | {"mask": mask, "length": n.astype(np.int32), "weight": weight, "label": label, "row": row}


def small(preset, **objective):
    experiment = PRESETS[preset]()
    model = dataclasses.replace(experiment.model, num_layers=1, num_heads=2, width=8, ffn_width=8)
    return dataclasses.replace(
        experiment, model=model, masking=SHARES, objective=dataclasses.replace(experiment.objective, **objective)
    )


@functools.cache
def built(preset, **objective):
    """(experiment, task, weights, jitted preparation and network, jitted loss with gradient)."""
    experiment = small(preset, **objective)
    task = build_task(experiment)
    variables = random_variables(task.model, a_batch())

    @jax.jit
    def network(batch):
        ready = prepare_windows(batch, experiment, SHARES, jax.random.key(7))
        return ready, reconstruction_outputs(ready, task.model.apply(variables, ready))

    loss = jax.jit(jax.value_and_grad(lambda p, b: task.loss(p, {}, b, jax.random.key(7)), has_aux=True))
    return experiment, task, variables, network, loss


def test_an_unknown_system_is_one_sentence():
    with pytest.raises(ConfigError, match="no system 'wavelets'"):
        build_task(dataclasses.replace(PRESETS["astromer2"](), system="wavelets"))


@pytest.mark.parametrize("preset", ["astromer1", "astromer2", "astromer2-small"])
@settings(max_examples=12, deadline=None)
@given(
    seed=st.integers(0, 500),
    change=st.lists(st.floats(-40, 40, width=32), min_size=3, max_size=3),
    filler=st.floats(width=32) | st.just(float("nan")),
)
def test_strict_predictions_see_no_hidden_magnitude_and_no_padding(preset, seed, change, filler):
    """From raw windows on: masks, means, spread, randomised points and network together."""
    *_, network, _ = built(preset)
    batch = a_batch(seed)
    ready, before = network(batch)
    hidden = batch["mask"] & ~np.asarray(ready["visible"])
    changed = dict(batch)
    changed["magnitude"] = np.where(hidden, np.resize(np.float32(change), hidden.shape), batch["magnitude"])
    for name in ("time", "magnitude", "magnitude_error"):
        changed[name] = np.where(batch["mask"], changed[name], np.float32(filler))
    _, after = network(changed)
    for name in before.keys() & {"prediction", "prediction_error"}:
        np.testing.assert_array_equal(
            np.asarray(before[name])[batch["mask"]], np.asarray(after[name])[batch["mask"]], err_msg=name
        )


@pytest.mark.parametrize(
    ("preset", "objective"),
    [("astromer2", {}), ("astromer2-small", {}), ("astromer2-small", {"loss": "huber"})],
    ids=["weighted rmse", "gaussian", "huber"],
)
def test_loss_metrics_and_gradients_ignore_padding_and_filler_rows(preset, objective):
    _, _, variables, _, loss = built(preset, **objective)
    batch = a_batch(3)
    batch["weight"] = np.float32([1, 1, 1, 0])
    changed = dict(batch)
    for name in ("time", "magnitude", "magnitude_error"):
        changed[name] = np.where(batch["mask"], batch[name], np.float32("nan"))
        changed[name][3] = 3.0
    first, second = (loss(variables["params"], b) for b in (batch, changed))
    assert np.isfinite(first[0][0]) and float(first[0][0]) != 0
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-7), first, second)


def test_scores_come_from_hidden_points_are_repeatable_and_do_not_depend_on_the_batch():
    _, task, variables, _, _ = built("astromer2-small")
    evaluate = jax.jit(task.evaluate)
    key = jax.random.key(5)
    batch = a_batch(1)
    whole, again = evaluate(variables, batch, key), evaluate(variables, batch, key)
    jax.tree.map(np.testing.assert_array_equal, whole, again)
    halves = [evaluate(variables, {k: v[rows] for k, v in batch.items()}, key) for rows in (slice(0, 2), slice(2, 4))]
    for name, (total, weight) in whole.items():
        np.testing.assert_allclose(sum(h[name][0] for h in halves), total, rtol=1e-4, err_msg=name)
        np.testing.assert_allclose(sum(h[name][1] for h in halves), weight, rtol=1e-6)
    ready, outputs = jax.jit(task.extras["reconstruct"])(variables, batch, key)
    np.testing.assert_array_equal(ready["probed"], batch["mask"] & ~np.asarray(ready["visible"]))
    back = reconstruction_outputs(ready, outputs)
    np.testing.assert_allclose(np.asarray(back["target"])[batch["mask"]], batch["magnitude"][batch["mask"]], rtol=1e-5)
    # The reported scores are those of the magnitudes themselves.
    probed = np.asarray(ready["probed"])
    residual = (np.asarray(back["target"]) - np.asarray(back["prediction"]))[probed]
    report = task.summarize({k: float(total / weight) for k, (total, weight) in whole.items()})
    assert report["rmse"] == pytest.approx(np.sqrt(np.mean(residual**2)), rel=1e-4)
    assert report["r2"] < 1 and np.all(np.asarray(back["prediction_error"]) > 0)


def test_parity_scores_as_the_originals_standardise():
    experiment = small("astromer1")
    experiment = dataclasses.replace(experiment, model=dataclasses.replace(experiment.model, parity=True))
    ready = prepare_windows(a_batch(), experiment, SHARES, jax.random.key(0))
    real = np.where(a_batch()["mask"], ready["target"], np.nan)
    np.testing.assert_allclose(np.nanmean(real, axis=1), 0.0, atol=1e-5)


def test_embeddings_see_every_point_and_follow_the_magnitudes():
    _, task, variables, _, _ = built("astromer2")
    predict = jax.jit(task.predict)
    batch = a_batch(2)
    plain = predict(variables, batch)["embedding"]
    brighter = predict(variables, {**batch, "magnitude": np.where(batch["mask"], batch["magnitude"] - 2, 0)})
    np.testing.assert_allclose(plain, brighter["embedding"], atol=1e-3)  # the mean is removed
    other = predict(variables, {**batch, "magnitude": batch["magnitude"] * np.cos(batch["time"])})["embedding"]
    assert np.abs(plain - other).max() > 1e-3


def test_a_few_steps_lower_the_loss():
    _, _, variables, _, loss = built("astromer2-small")
    params, batch = variables["params"], a_batch(9)
    first = loss(params, batch)[0][0]
    for _ in range(20):
        (value, _), gradient = loss(params, batch)
        params = jax.tree.map(lambda p, g: p - 0.01 * jnp.clip(g, -1, 1), params, gradient)
    assert value < first


def test_windows_without_a_probed_point_say_nothing():
    """The originals count them as perfect; a strict loss leaves them out, whichever it is."""
    rng = np.random.default_rng(0)
    ready = {
        "target": rng.normal(size=(3, 8)).astype(np.float32),
        "magnitude_error": np.full((3, 8), 0.1, np.float32),
        "mask": np.ones((3, 8), bool),
        "probed": np.arange(8) < np.array([4, 0, 3])[:, None],
        "weight": np.ones(3, np.float32),
    }
    outputs = {"reconstruction": np.zeros((3, 8), np.float32), "log_variance": np.ones((3, 8), np.float32)}
    for loss in ("rmse", "mse", "huber", "gaussian_nll"):
        experiment = small("astromer2", loss=loss)
        value = objective_value(experiment, ready, outputs)
        without = objective_value(experiment, {**ready, "weight": np.float32([1, 0, 1])}, outputs)
        np.testing.assert_allclose(value, without, rtol=1e-6, err_msg=loss)
    parity = dataclasses.replace(experiment, model=dataclasses.replace(experiment.model, parity=True))
    mse = dataclasses.replace(parity, objective=dataclasses.replace(parity.objective, loss="mse", error_weights=False))
    squares = [np.mean(ready["target"][i][ready["probed"][i]] ** 2) for i in (0, 2)]
    np.testing.assert_allclose(objective_value(mse, ready, outputs), sum(squares) / 3, rtol=1e-5)


def test_the_padding_has_the_mean_error_of_its_window():
    """As the originals' loader: an error of 0 there would move the scale of all weights."""
    mask = np.array([[True, True, True, False]])
    ready = {
        "target": np.array([[1.0, 2.0, 3.0, 0.0]], np.float32),
        "magnitude_error": np.array([[0.1, 0.2, 0.4, 0.0]], np.float32),
        "mask": mask,
        "probed": mask,
        "weight": np.ones(1, np.float32),
    }
    inverse = 1 / np.array([0.1, 0.2, 0.4])  # that of the mean lies between them
    weights = (inverse - inverse.min()) / (inverse.max() - inverse.min()) + 1e-3
    expected = np.sqrt(np.mean(weights * np.array([1.0, 4.0, 9.0])))
    experiment = small("astromer2", loss="rmse", error_weights=True)
    found = objective_value(experiment, ready, {"reconstruction": np.zeros((1, 4), np.float32)})
    np.testing.assert_allclose(found, expected, rtol=1e-5)


@pytest.mark.parametrize("preset", ["astromer1", "astromer2-small"])
def test_the_mean_of_the_last_layer_is_the_embedding(preset):
    experiment, task, variables, *_ = built(preset)
    batch = a_batch()
    encode = jax.jit(task.encode)
    encoded = encode(variables, batch)
    assert len(encoded["layers"]) == experiment.model.num_layers + 1
    mask = np.asarray(encoded["mask"])
    assert (mask == batch["mask"]).all()
    mean = (np.asarray(encoded["layers"][-1]) * mask[..., None]).sum(1) / mask.sum(1, keepdims=True)
    ready = prepare_windows(batch, experiment, None, jax.random.key(0))
    np.testing.assert_allclose(mean, task.model.apply(variables, ready)["embedding"], atol=1e-5)
    np.testing.assert_array_equal(encode(variables, batch)["layers"][-1], encoded["layers"][-1])
    with_dropout = encode(variables, batch, jax.random.key(1))["layers"][-1]
    assert (np.abs(with_dropout - encoded["layers"][-1]).max() > 0) == (experiment.model.dropout > 0)
