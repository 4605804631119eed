"""Deep-CLASH against recorded arrays: outputs of both networks, shapes of the blocks, loss and RMSE; sizes come from the file."""

import re

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lcjax.losses.vote_fractions import pooled_rmse, vote_errors, vote_loss
from lcjax.models.deep_clash import DeepClash, deep_clash_flops
from lcjax.models.deep_clash_config import INCEPTIONS, LIGHT, PUBLISHED, DeepClashModelConfig
from tests.parity.recorded import check_file, files_of

BRANCHES = {
    "branch1.0": "reduce_3",
    "branch1.1": "conv_3",
    "branch2.0": "reduce_5",
    "branch2.1": "conv_5",
    "branch3.1": "pool",
    "branch4.0": "conv_1",
}
"""Name in a recording -> here, in the order of the widths of a module."""


def own_name(name):
    """`inception3.branch1.0` -> ("inception_3", "reduce_3"), `head.dense1` -> ("dense_1",)."""
    if match := re.fullmatch(r"inception(\d)\.(.*)", name):
        return f"inception_{match[1]}", BRANCHES[match[2]]
    return ({"head.conv": "head", "head.out": "logits"}.get(name) or re.sub(r"(?:head\.)?(\D+)(\d)", r"\1_\2", name),)


def room_of(tree, path):
    """The part of a tree below a path, made where it is not there."""
    for name in path:
        tree = tree.setdefault(name, {})
    return tree


def draw_weights(seed, names, shapes, doubled):
    """Variables as a recording draws them; `doubled`: the module after the third sees another number of channels."""
    rng = np.random.RandomState(seed)
    params, stats = {}, {}
    shapes = [tuple(map(int, re.findall(r"\d+", str(shape)))) for shape in shapes]
    width = {str(n): s[0] for n, s in zip(names, shapes, strict=True)}
    seen = 2 * width["inception3.branch1.1"] + width["inception3.branch3.1"] + width["inception3.branch4.0"]
    for name, shape in zip(map(str, names), shapes, strict=True):
        if doubled and name.startswith("inception4") and name not in ("inception4.branch1.1", "inception4.branch2.1"):
            shape = (shape[0], seen, *shape[2:])
        kernel = rng.standard_normal(shape) * np.sqrt(1.5 / np.prod(shape[1:]))
        *room, own = own_name(name)
        put = lambda tree, key, value, room=room: room_of(tree, room).setdefault(key, {}).update(value)
        put(params, own, {"kernel": np.transpose(kernel, (2, 3, 1, 0) if len(shape) == 4 else (1, 0))})
        put(params, own, {"bias": 0.05 * rng.standard_normal(shape[0])})
        if name.startswith("stem") or re.match(r"inception[123]\.", name):
            normal = [rng.standard_normal(shape[0]) for _ in range(4)]
            put(params, f"{own}_norm", {"scale": 1 + 0.1 * normal[0], "bias": 0.05 * normal[1]})
            put(stats, f"{own}_norm", {"mean": 0.05 * normal[2], "var": 1 + 0.1 * np.abs(normal[3])})
        if doubled and name.startswith("inception3.branch2"):
            for tree in (params, stats):
                for key in (own, f"{own}_norm"):
                    room_of(tree, room).pop(key, None)
    return jax.tree.map(lambda x: jnp.asarray(x, jnp.float32), {"params": params, "batch_stats": stats})


def config_of(names, shapes, side, doubled):
    sizes = {str(n): tuple(map(int, re.findall(r"\d+", str(s)))) for n, s in zip(names, shapes, strict=True)}
    widths = {name: tuple(sizes[f"{name.replace('_', '')}.{branch}"][0] for branch in BRANCHES) for name in INCEPTIONS}
    stems = [sizes[f"stem{i}"] for i in (1, 2)]
    return DeepClashModelConfig(
        side=side,
        stem=tuple(s[0] for s in stems),
        stem_kernels=tuple(s[-1] for s in stems),
        head=sizes["head.conv"][0],
        dense=(sizes["head.dense1"][0], sizes["head.dense2"][0]),
        num_classes=sizes["head.out"][0],
        doubled_branch=doubled,
        **widths,
    )


def check_network(z):
    x = jnp.moveaxis(jnp.asarray(z["x"]), 1, -1)
    names, shapes, votes = z["layer_names"], z["layer_shapes"], jnp.asarray(z["votes"])
    for doubled, ending in ((False, ""), (True, "_doubled_branch")):
        config = config_of(names, shapes, x.shape[1], doubled)
        variables = draw_weights(int(z["weights_seed"]), names, shapes, doubled)
        model = DeepClash(config)
        expected = jax.tree.map(jnp.shape, jax.eval_shape(model.init, jax.random.key(0), {"stamps": x}))
        assert expected == jax.tree.map(jnp.shape, variables)
        run = jax.jit(lambda v, x, model=model: model.apply(v, {"stamps": x}, mutable="intermediates"))
        outputs, seen = run(variables, x)
        probabilities = nn.softmax(outputs["logits"])
        # Sums of some thousand terms in float32, in another order.
        np.testing.assert_allclose(outputs["logits"], z[f"logits{ending}"], rtol=2e-4, atol=2e-4)
        np.testing.assert_allclose(probabilities, z[f"probs{ending}"], rtol=2e-4, atol=2e-5)
        if not doubled:
            blocks = ["stem_2", *INCEPTIONS]
            found = [np.moveaxis(seen["intermediates"][f"{b}_out"][0], -1, 1).shape[1:] for b in blocks]
            assert list(map(str, found)) == list(map(str, z["block_shapes"]))
            ones = jnp.ones(len(x))
            np.testing.assert_allclose(vote_loss(probabilities, votes, ones), z["loss"], rtol=1e-4)
            np.testing.assert_allclose(pooled_rmse(probabilities, votes, ones), z["pooled_rmse"], rtol=1e-4)


def test_recorded(golden_root):
    for path in files_of(golden_root, "deepclash"):
        check_file(path, [(lambda z: "layer_names" in z, check_network)])


def test_numbers_of_the_paper():
    shapes = jax.eval_shape(DeepClash(PUBLISHED).init, jax.random.key(0), {"stamps": jnp.zeros((1, 80, 80, 1))})
    count = lambda tree: sum(int(np.prod(leaf.shape)) for leaf in jax.tree.leaves(tree))
    assert round(count(shapes) / 1e6, 2) == 5.13
    assert PUBLISHED.sides == (37, 16, 8, 4)
    doubled = DeepClashModelConfig(doubled_branch=True)
    wider = jax.eval_shape(DeepClash(doubled).init, jax.random.key(0), {"stamps": jnp.zeros((1, 80, 80, 1))})
    assert wider["params"]["inception_4"]["reduce_3"]["kernel"].shape[2] == 672
    assert "conv_5" not in wider["params"]["inception_3"]
    assert deep_clash_flops(LIGHT, 1) < deep_clash_flops(PUBLISHED, 1) / 20


def test_losses():
    """Against the definitions, and a gradient that is finite where an answer is exact."""
    p, v = jnp.array([[0.5, 0.5, 0.0], [0.2, 0.3, 0.5]]), jnp.array([[0.5, 0.5, 0.0], [0.0, 1.0, 0.0]])
    each = [0.0, np.sqrt((0.04 + 0.49 + 0.25) / 3)]
    np.testing.assert_allclose(vote_errors(p, v), each, rtol=1e-6)
    weight = jnp.array([1.0, 3.0])
    assert float(vote_loss(p, v, weight)) == pytest.approx(0.75 * each[1], rel=1e-6)
    assert float(pooled_rmse(p, v, weight)) == pytest.approx(np.sqrt(0.75) * each[1], rel=1e-6)
    gradient = jax.grad(lambda q: vote_loss(q, v, weight))(p)
    assert np.isfinite(gradient).all() and not gradient[0].any() and gradient[1].any()
