"""The stamp classifier's promises: sizes, invariance to turns, what training mode changes, rows that only fill up."""

import dataclasses

import jax
import numpy as np
import pytest

from lcjax.models.activity import live_fractions
from lcjax.models.stamp_classifier import StampClassifier, stamp_train_flops
from lcjax.models.stamp_classifier_config import IMAGE_ONLY, PRODUCTION, StampModelConfig
from tests.models.weights import random_variables

PUBLISHED = StampModelConfig(norm="none", live_dropout=False, parity=True)
TINY = StampModelConfig(kernels=(4, 3), filters=(4, 8), pool_after=(2,), trunk=(6,), head=(7, 5), image_size=9)
TINY = dataclasses.replace(TINY, norm_groups=2)


def arrays(config, rows=6, seed=0):
    rng = np.random.default_rng(seed)
    size = config.image_size
    images = rng.random((rows, size, size, config.num_channels), np.float32)
    return images, rng.normal(size=(rows, config.num_features)).astype(np.float32)


def inputs(config, rows=6):
    """The same, as the module takes it."""
    return dict(zip(("images", "features"), arrays(config, rows), strict=True))


def network(config, seed=0):
    model = StampClassifier(config)
    variables = random_variables(model, inputs(config, 1), seed=seed)
    if config.num_features:
        variables["batch_stats"]["bn"]["var"] = np.abs(variables["batch_stats"]["bn"]["var"]) + 0.1
    return model, variables


@pytest.mark.parametrize(
    "config,trained,everything",
    [
        (PUBLISHED, 261_049, 261_101),
        (dataclasses.replace(IMAGE_ONLY, norm="none"), 255_173, 255_173),
        (dataclasses.replace(PRODUCTION, norm="none"), 441_075, 441_121),
    ],
)
def test_published_sizes(config, trained, everything):
    variables = jax.eval_shape(lambda: StampClassifier(config).init(jax.random.key(0), inputs(config, 1)))
    count = lambda tree: sum(int(np.prod(x.shape)) for x in jax.tree.leaves(tree))
    assert count(variables["params"]) == trained
    assert count(variables) == everything


@pytest.mark.parametrize("changes", [{}, {"norm": "none"}, {"num_features": 0}, {"trunk": (6, 5), "head": ()}])
def test_answers_do_not_change_when_the_stamp_is_turned(changes):
    config = dataclasses.replace(TINY, **changes)
    model, variables = network(config)
    images, features = arrays(config)
    run = jax.jit(lambda images: model.apply(variables, {"images": images, "features": features})["logits"])
    answers = [run(np.rot90(images, k, (1, 2))) for k in range(4)]
    for turned in answers[1:]:
        np.testing.assert_allclose(turned, answers[0], rtol=1e-5, atol=1e-5)
    flipped = run(images[:, ::-1])
    assert np.max(np.abs(flipped - answers[0])) > 1e-3


def test_dropout_lives_only_where_it_may():
    rngs = {"dropout": jax.random.key(1)}
    for live in (True, False):
        config = dataclasses.replace(TINY, live_dropout=live, num_features=0)
        model, variables = network(config)
        run = jax.jit(
            lambda **how: model.apply(variables, inputs(config), **how)["logits"], static_argnames="deterministic"
        )
        quiet, trained = run(deterministic=True), run(deterministic=False, rngs=rngs)
        assert np.allclose(quiet, trained) != live


def test_dropout_belongs_to_the_row():
    """A row's mask depends on its index in the global batch, not on its place in this one."""
    config = dataclasses.replace(TINY, num_features=0)
    model, variables = network(config)
    images, _ = arrays(config)
    rngs, row = {"dropout": jax.random.key(1)}, np.arange(6, dtype=np.int32)
    seen = lambda i: {"images": images[i], "row": row[i]}
    run = jax.jit(lambda seen: model.apply(variables, seen, deterministic=False, rngs=rngs)["logits"])
    order = np.array([4, 1, 0, 5])
    np.testing.assert_allclose(run(seen(order)), run(seen(row))[order], rtol=1e-5, atol=1e-6)


def test_filling_rows_do_not_move_the_feature_norm():
    model, variables = network(TINY)
    images, features = arrays(TINY)
    weight = np.array([1, 1, 1, 1, 0, 0], np.float32)
    features[4:] = 1e3
    rngs = {"dropout": jax.random.key(0)}
    train = jax.jit(lambda seen: model.apply(variables, seen, deterministic=False, rngs=rngs, mutable="batch_stats"))
    run = lambda n, w: train({"images": images[:n], "features": features[:n], "weight": w})
    (few, moved), (all_, moved_all) = run(4, weight[:4]), run(6, weight)
    np.testing.assert_allclose(all_["logits"][:4], few["logits"], rtol=1e-5, atol=1e-5)
    jax.tree.map(np.testing.assert_allclose, moved, moved_all)
    old, x = variables["batch_stats"]["bn"], features[:4]
    np.testing.assert_allclose(moved["batch_stats"]["bn"]["mean"], 0.99 * old["mean"] + 0.01 * x.mean(0), rtol=1e-4)
    np.testing.assert_allclose(moved["batch_stats"]["bn"]["var"], 0.99 * old["var"] + 0.01 * x.var(0), rtol=1e-4)


def test_live_fractions_see_dead_and_live_layers():
    config = dataclasses.replace(TINY, norm="none")
    model, variables = network(config)
    variables["params"]["conv_2"]["bias"] = np.full(8, -1e6, np.float32)
    variables["params"]["conv_1"]["bias"] = np.array([1e3, -1e3, 1e3, 1e3], np.float32)
    _, noted = jax.jit(lambda v: model.apply(v, inputs(config), mutable=["intermediates"]))(variables)
    shares = live_fractions(noted["intermediates"], np.ones(6))
    assert float(shares["conv_1"]) == 0.75 and float(shares["conv_2"]) == 0
    assert set(shares) == {"conv_1", "conv_2", "dense_1", "dense_2", "dense_3"}
    assert not any(float(x) for x in live_fractions(noted["intermediates"], np.zeros(6)).values())


def test_flops_count_every_kernel():
    """Closed form against the sizes of the arrays: a convolution does 2 x kernel x pixels operations."""
    model, variables = network(TINY)
    _, noted = jax.eval_shape(lambda v: model.apply(v, inputs(TINY, 1), mutable=["intermediates"]), variables)
    total = 0.0
    for name, layer in variables["params"].items():
        if "kernel" not in layer:
            continue
        out = noted["intermediates"].get(f"{name}_out", [np.zeros((1, 5))])[0]
        total += 2.0 * layer["kernel"].size * np.prod(out.shape[:-1])
    assert stamp_train_flops(TINY, 10) == 3 * 10 * total
