import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lcjax.models import multiscale_stamps
from lcjax.models.multiscale_config import MultiscaleModelConfig
from lcjax.models.multiscale_stamps import MultiscaleClassifier

SMALL = MultiscaleModelConfig(filters=(5, 4, 6, 3), dense=7, dropout=0.0)


def inputs(config, rows=3, seed=0):
    rng = np.random.default_rng(seed)
    shape = (rows, config.num_levels, config.image_size, config.image_size, config.num_channels)
    return rng.normal(size=shape).astype(np.float32), rng.normal(size=(rows, config.num_features)).astype(np.float32)


def seen(levels, features):
    return {"levels": levels, "features": features}


def made(config, seed=0):
    """Module and random variables; shapes are traced only, since compiling `init` costs more than the test."""
    model, rng = MultiscaleClassifier(config), np.random.default_rng(seed)
    shapes = jax.eval_shape(model.init, jax.random.key(0), seen(*inputs(config)))
    draw = lambda x: rng.normal(0, 1 / np.sqrt(max(1, np.prod(x.shape[:-1]))), x.shape).astype(np.float32)
    statistics = jax.tree.map(lambda x: np.ones(x.shape, np.float32), shapes["batch_stats"])
    return model, {"params": jax.tree.map(draw, shapes["params"]), "batch_stats": statistics}


@pytest.mark.parametrize("level_weights", ["shared", "stacked"])
def test_answers_do_not_change_when_stamps_are_turned_or_flipped(level_weights):
    config = dataclasses.replace(SMALL, level_weights=level_weights)
    model, variables = made(config)
    levels, features = inputs(config)
    apply = jax.jit(lambda x: model.apply(variables, seen(x, features))["logits"])
    expected = apply(levels)
    for k in range(4):
        turned = np.rot90(levels, k, axes=(2, 3))
        np.testing.assert_allclose(apply(turned), expected, atol=2e-5)
        np.testing.assert_allclose(apply(turned[:, :, ::-1]), expected, atol=2e-5)


def test_levels_count_and_weights_are_shared_or_not():
    sizes = {}
    for how in ("shared", "separate", "stacked"):
        config = dataclasses.replace(SMALL, level_weights=how)
        _, variables = made(config)
        sizes[how] = sum(
            x.size for n, p in variables["params"].items() if n.startswith("trunk") for x in jax.tree.leaves(p)
        )
    assert sizes["separate"] == 4 * sizes["shared"]
    assert sizes["stacked"] == sizes["shared"] + 9 * 18 * 5


def test_the_same_weights_at_all_levels_are_the_shared_network():
    shared, variables = made(SMALL)
    separate = MultiscaleClassifier(dataclasses.replace(SMALL, level_weights="separate"))
    params = {n: p for n, p in variables["params"].items() if n != "trunk"}
    params |= {f"trunk_{k}": variables["params"]["trunk"] for k in range(4)}
    levels, features = inputs(SMALL)
    apply = jax.jit(shared.apply)
    one = apply(variables, seen(levels, features))["logits"]
    other = separate.apply({"params": params, "batch_stats": variables["batch_stats"]}, seen(levels, features))[
        "logits"
    ]
    np.testing.assert_allclose(one, other, atol=1e-5)
    swapped = apply(variables, seen(levels[:, ::-1], features))["logits"]
    assert np.abs(swapped - one).max() > 1e-3, "levels must not be interchangeable"


def test_gradients_are_those_of_finite_differences():
    config = dataclasses.replace(
        SMALL, filters=(2, 2), kernels=(3, 3), pool_after=(1,), num_levels=2, image_size=4, dense=3
    )
    model, variables = made(config)
    levels, features = inputs(config, rows=2)

    def value(params, x):
        outputs = model.apply({"params": params, "batch_stats": variables["batch_stats"]}, seen(x, features))
        return jnp.sum(jnp.sin(outputs["logits"]))

    value, rng = jax.jit(value), np.random.default_rng(1)
    point = (variables["params"], levels)
    grads = jax.jit(jax.grad(value, argnums=(0, 1)))(*point)
    for _ in range(5):
        way = jax.tree.map(lambda x: rng.normal(size=x.shape).astype(np.float32), point)
        at = lambda step, way=way: value(*jax.tree.map(lambda x, d: x + np.float32(step) * d, point, way))
        slope = sum(float(jnp.vdot(g, d)) for g, d in zip(jax.tree.leaves(grads), jax.tree.leaves(way), strict=True))
        np.testing.assert_allclose((at(2e-3) - at(-2e-3)) / 4e-3, slope, rtol=0.03, atol=0.03)


@pytest.mark.parametrize("copies", ["all", "one"])
def test_every_parameter_learns(copies):
    config = dataclasses.replace(SMALL, dropout=0.3, train_copies=copies)
    model, variables = made(config)
    levels, features = inputs(config, rows=8)

    def value(params):
        outputs, _ = model.apply(
            {**variables, "params": params},
            seen(levels, features),
            deterministic=False,
            rngs={"dropout": jax.random.key(1)},
            mutable=["batch_stats", "intermediates"],
        )
        return jnp.sum(outputs["logits"] ** 2)

    grads = jax.jit(jax.grad(value))(variables["params"])
    for path, leaf in jax.tree_util.tree_leaves_with_path(grads):
        assert np.isfinite(leaf).all() and np.abs(leaf).max() > 0, path


def test_one_copy_depends_on_the_row_not_on_its_place():
    config = dataclasses.replace(SMALL, train_copies="one")
    model, variables = made(config)
    levels, features = map(jnp.asarray, inputs(config, rows=6))

    @jax.jit
    def pooled(rows):
        keys = {"dropout": jax.random.key(2)}
        outputs, _ = model.apply(
            variables,
            seen(levels[rows], features[rows]) | {"row": rows},
            deterministic=False,
            rngs=keys,
            mutable=["batch_stats"],
        )
        return outputs["pooled"]

    order = jnp.array([3, 1, 5, 0, 2, 4])
    np.testing.assert_allclose(pooled(jnp.arange(6))[order], pooled(order), atol=1e-5)


def test_the_one_copy_of_training_is_any_of_the_eight(monkeypatch):
    seen = []
    monkeypatch.setattr(
        multiscale_stamps, "pick", lambda levels, drawn, order: seen.append((np.asarray(drawn), order)) or levels
    )
    config = MultiscaleModelConfig(
        kernels=(3,),
        filters=(2,),
        pool_after=(1,),
        dense=3,
        image_size=4,
        num_levels=1,
        num_features=0,
        train_copies="one",
    )
    model, levels = MultiscaleClassifier(config), np.zeros((64, 1, 4, 4, 6), np.float32)
    batch = {"levels": levels, "features": np.zeros((64, 0), np.float32)}
    shapes = jax.eval_shape(model.init, jax.random.key(0), batch)
    variables = jax.tree.map(lambda x: np.zeros(x.shape, x.dtype), shapes)
    row = {"row": np.arange(64, dtype=np.int32)}
    model.apply(
        variables, batch | row, deterministic=False, rngs={"dropout": jax.random.key(1)}, mutable=["batch_stats"]
    )
    ((drawn, order),) = seen
    assert set(drawn.tolist()) == set(range(8)) and set(order) == set(range(8))
