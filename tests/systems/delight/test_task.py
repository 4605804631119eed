import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from lcjax.models.delight import Delight
from lcjax.models.delight_config import HOSTS, PUBLISHED, DelightModelConfig
from lcjax.systems import PRESETS, build_task
from lcjax.systems.delight import task as delight_task
from lcjax.systems.delight.config import DelightExperiment, HostObjectiveConfig, ImageConfig
from lcjax.systems.delight.task import delight_train_flops, normalised_levels, offset_errors
from lcjax.transforms import dihedral
from tests.systems.delight.delight_files import random_variables

SIDE, LEVELS = 18, 2


def experiment(head="offset", **objective):
    model = DelightModelConfig(side=SIDE, levels=LEVELS, filters=(4, 6, 6), hidden=16, dropout=0.1, head=head, unit=8.0)
    settings = {"l1": 0.0, "l2": 0.0, **objective}
    return DelightExperiment(
        model=model, image=ImageConfig(2 * SIDE, 1.0, LEVELS, "none"), objective=HostObjectiveConfig(**settings)
    )


def batch(rows=24, seed=0):
    """A blob where the host is; nothing but faint noise without one."""
    rng = np.random.default_rng(seed)
    offset = rng.uniform(-5, 5, (rows, 2)).astype(np.float32)
    hostless = (np.arange(rows) % 4 == 0).astype(np.float32)
    y, x = np.mgrid[:SIDE, :SIDE] - (SIDE - 1) / 2
    stamps = np.zeros((rows, SIDE, SIDE, LEVELS), np.float32)
    for row in range(rows):
        for level in range(LEVELS):
            at = offset[row] / 2**level
            blob = np.exp(-0.5 * ((x - at[0]) ** 2 + (y - at[1]) ** 2) / 4)
            stamps[row, :, :, level] = (1 - hostless[row]) * blob + 0.1 * rng.random((SIDE, SIDE))
    offset = np.where(hostless[:, None] > 0, np.nan, offset)
    return {"stamps": stamps, "offset": offset, "hostless": hostless, "weight": np.ones(rows, np.float32)}


def test_it_learns_and_answers():
    task = build_task(experiment("mixture", training_variants=1))
    data = batch()
    variables = jax.jit(task.init)(jax.random.key(0), data)
    adam = optax.adam(1e-2)

    @jax.jit
    def step(params, state, key):
        (value, _), grads = jax.value_and_grad(task.loss, has_aux=True)(params, {}, data, key)
        updates, state = adam.update(grads, state)
        return optax.apply_updates(params, updates), state, value

    params, state, losses = variables["params"], adam.init(variables["params"]), []
    for number in range(80):
        params, state, value = step(params, state, jax.random.key(number))
        losses.append(float(value))
    assert np.isfinite(losses).all() and np.mean(losses[-10:]) < 0.7 * np.mean(losses[:10])
    answers = jax.jit(task.predict)({"params": params}, data)
    hosted = data["hostless"] == 0
    error = np.hypot(*(np.asarray(answers["offset"]) - data["offset"])[hosted].T)
    assert np.median(error) < 2.5
    assert np.mean((answers["hostless_probability"] > 0.5) == ~hosted) > 0.9
    total = answers["probability"] + answers["second_probability"] + answers["hostless_probability"]
    assert np.all(total <= 1.001) and np.all(answers["second_probability"] <= answers["probability"] + 1e-6)
    metrics = jax.jit(task.evaluate)({"params": params}, data, jax.random.key(0))
    assert float(metrics["distance"][0] / metrics["distance"][1]) == pytest.approx(error.mean(), rel=1e-4)


def test_rows_that_fill_up_count_for_nothing():
    task = build_task(experiment("mixture"))
    data = batch(8)
    variables = random_variables(task)
    half = {**data, "weight": np.array([1, 1, 1, 1, 0, 0, 0, 0], np.float32)}
    other = {k: np.concatenate([v[:4], v[:4]]) if k != "weight" else v for k, v in half.items()}
    run = jax.jit(task.evaluate)
    for (a, w), (b, v) in zip(*(run(variables, x, jax.random.key(0)).values() for x in (half, other)), strict=True):
        np.testing.assert_allclose([a, w], [b, v], rtol=1e-5)


def test_published_loss():
    """The mean of squares over the 16 outputs, and the penalties on the first dense kernel."""
    task = build_task(experiment(l1=1e-3, l2=1e-2))
    plain = build_task(experiment())
    data = batch(4)
    data["hostless"][:] = 0
    data["offset"] = np.nan_to_num(data["offset"])
    params = random_variables(task)["params"]
    kernel = params["head"]["dense_1"]["kernel"]
    value, base = (jax.jit(t.loss)(params, {}, data, jax.random.key(0))[0] for t in (task, plain))
    expected = 1e-3 * np.abs(kernel).sum() + 1e-2 * np.square(kernel).sum()
    assert float(value - base) == pytest.approx(float(expected), rel=1e-3)
    raw = np.random.default_rng(0).normal(size=(2, 8, 2)).astype(np.float32)
    offset = np.array([[1.0, 2.0], [3.0, -1.0]], np.float32)
    # Signs and order of the published rotations, inverted: what each variant should have answered.
    seen = lambda x, y: [(x, y), (-y, x), (-x, -y), (y, -x), (x, -y), (y, x), (-x, y), (-y, -x)]
    wanted = np.array([seen(*o) for o in offset])
    np.testing.assert_allclose(
        offset_errors(raw, offset, "mse", 1.0), np.mean((raw - wanted) ** 2, axis=(1, 2)), rtol=1e-5
    )
    small = offset_errors(raw * 0 + wanted + 0.5, offset, "huber", 1.0)
    np.testing.assert_allclose(small, 0.25, rtol=1e-5)
    np.testing.assert_allclose(offset_errors(wanted + 3.0, offset, "huber", 1.0), 5.0, rtol=1e-5)


def test_published_shape():
    task = build_task(PRESETS["delight"]())
    shapes = jax.eval_shape(task.init, jax.random.key(0), task.batch_spec)
    assert sum(np.prod(leaf.shape) for leaf in jax.tree.leaves(shapes)) == 2_297_184
    assert PRESETS["delight-hosts"]().model == HOSTS
    assert delight_train_flops(PUBLISHED, 8) == pytest.approx(3 * 8 * (5 * 2 * 4.53e6 + 2 * 2.25e6), rel=0.01)


def test_third_output_does_not_turn():
    settings = experiment()
    settings = dataclasses.replace(settings, model=dataclasses.replace(settings.model, outputs=3))
    stamps = jnp.asarray(batch(3)["stamps"])
    model, variables = Delight(settings.model), random_variables(build_task(settings))
    run = jax.jit(lambda s: model.apply(variables, {"levels": normalised_levels(s)}))
    plain, turned = run(stamps), run(jnp.rot90(stamps, axes=(1, 2)))
    assert plain["raw"].shape == (3, 24)
    data = {**batch(3), "host_radius": np.full(3, 4.0, np.float32)}
    loss = lambda params: build_task(settings).loss(params, {}, data, jax.random.key(0))[0]
    slope = jax.jit(jax.grad(loss))(variables["params"])["head"]["dense_2"]["bias"]
    assert abs(slope[2]) > 0.1  # it is trained
    np.testing.assert_allclose(turned["size"], plain["size"], atol=1e-4)
    np.testing.assert_allclose(
        turned["offset"], np.stack([plain["offset"][:, 1], -plain["offset"][:, 0]], 1), atol=1e-4
    )
    np.testing.assert_allclose(turned["scatter"], plain["scatter"], atol=1e-4)


def test_bfloat16_is_close():
    settings = experiment()
    half = dataclasses.replace(settings, training=dataclasses.replace(settings.training, precision="bfloat16"))
    data = batch(4)
    variables = random_variables(build_task(settings))
    exact, rough = (jax.jit(build_task(s).predict)(variables, data)["offset"] for s in (settings, half))
    assert rough.dtype == jnp.float32
    np.testing.assert_allclose(rough, exact, atol=0.5)


def test_every_variant_draws_its_own_dropout():
    """A stack that looks the same turned and mirrored: all eight answers agree, but for dropout."""
    settings = dataclasses.replace(experiment().model, dropout=0.5)
    model, variables = Delight(settings), random_variables(build_task(experiment()))
    ring = np.hypot(*(np.mgrid[:SIDE, :SIDE] - (SIDE - 1) / 2)).astype(np.float32)
    inputs = {"levels": np.broadcast_to(ring[None, :, :, None], (2, SIDE, SIDE, LEVELS)), "row": np.arange(2)}
    run = jax.jit(
        lambda still: model.apply(variables, inputs, deterministic=False, rngs={"dropout": jax.random.key(still)})
    )
    still = jax.jit(model.apply)(variables, inputs)["raw"].reshape(2, 8, 2)
    np.testing.assert_allclose(still, still[:, :1].repeat(8, axis=1), atol=1e-4)
    dropped = np.asarray(run(0)["raw"]).reshape(16, 2)
    assert len(np.unique(dropped.round(4), axis=0)) == 16


def test_copies_drawn_in_training_turn_and_mirror_with_their_offsets(monkeypatch):
    settings, data = experiment("mixture", training_variants=1), batch(64)
    task = build_task(settings)
    seen = {}

    def pick(levels, symmetries):
        seen["symmetries"] = np.asarray(symmetries)
        return dihedral.pick(levels, symmetries)

    def density(offset, *mixture):
        seen["offset"] = np.asarray(offset)
        return jnp.zeros(len(offset))

    monkeypatch.setattr(delight_task, "pick", pick)
    monkeypatch.setattr(delight_task, "mixture_log_density", density)
    task.loss(random_variables(task)["params"], {}, data, jax.random.key(0))
    assert set(seen["symmetries"].tolist()) == set(range(8)), "every symmetry is drawn, mirrored ones too"
    turned = dihedral.turn_vectors(jnp.nan_to_num(data["offset"]))[np.arange(64), seen["symmetries"]]
    np.testing.assert_allclose(seen["offset"], turned, atol=1e-6)
