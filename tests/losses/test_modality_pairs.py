"""Losses of pairs of modalities: their formulas, missing modalities, chunks, and eight devices as one."""

import json
import os
import subprocess
import sys
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lcjax.losses.modality_pairs import pair_loss, pair_weights, retrieval_hits, softmax_terms

ROOT = Path(__file__).resolve().parents[2]
ROWS = 16
OVER_DEVICES = """
import json, sys
import jax, jax.numpy as jnp, numpy as np
from jax.sharding import Mesh, NamedSharding, PartitionSpec as P
from tests.losses.test_modality_pairs import every_loss, objects
x, y, weight = objects()
scale = jnp.float32(7.0)
found = {}
mesh = Mesh(np.array(jax.devices()), ("data",))
rows = NamedSharding(mesh, P("data"))
for name, loss in every_loss().items():
    grads = lambda a, b, w, s, axis=None: jax.value_and_grad(lambda a, b, s: loss(a, b, s, w, axis), (0, 1, 2))(a, b, s)
    put = [jax.device_put(v, rows) for v in (x, y, weight)]
    value, (ga, gb, gs) = jax.jit(grads)(*put, scale)
    found[f"{name}/jit"] = [float(value), np.asarray(ga).tolist(), np.asarray(gb).tolist(), float(gs)]
    split = lambda v: v.reshape(8, -1, *v.shape[1:])
    value, (ga, gb, gs) = jax.pmap(lambda a, b, w: grads(a, b, w, scale, "d"), axis_name="d")(*map(split, (x, y, weight)))
    mean = lambda g: (np.asarray(g) / 8).reshape(x.shape).tolist()
    found[f"{name}/pmap"] = [float(value[0]), mean(ga), mean(gb), float(np.mean(gs))]
print(json.dumps({"devices": jax.device_count(), "found": found}))
"""


def objects():
    rng = np.random.default_rng(1)
    unit = lambda x: (x / np.linalg.norm(x, axis=1, keepdims=True)).astype(np.float32)
    weight = (np.arange(ROWS) % 5 != 3).astype(np.float32)
    return unit(rng.normal(size=(ROWS, 4))), unit(rng.normal(size=(ROWS, 4))), weight


def every_loss():
    softmax = lambda a, b, s, w, axis=None: pair_loss(a, b, s, w, axis=axis)
    chunked = lambda a, b, s, w, axis=None: pair_loss(a, b, s, w, chunk=3, axis=axis)
    sigmoid = lambda a, b, s, w, axis=None: pair_loss(a, b, s, w, "sigmoid", bias=-3.0, chunk=2, axis=axis)
    return {"softmax": softmax, "chunked": chunked, "sigmoid": sigmoid}


def test_terms_of_rows_that_do_not_count_are_ordinary_numbers():
    """They are weighed by 0, and 0 times what is as large as the mask would swallow the others in low precision."""
    x, y, weight = objects()
    terms = softmax_terms(x, y, jnp.float32(7.0), weight)
    assert float(terms[weight == 0].min()) > 0 and float(terms.max()) < 20


def test_eight_devices_have_the_value_and_gradients_of_one():
    flags = "--xla_force_host_platform_device_count=8 --xla_backend_optimization_level=0"
    flags = {"XLA_FLAGS": flags, "JAX_PLATFORMS": "cpu", "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", OVER_DEVICES]
    done = subprocess.run(command, env=os.environ | flags, cwd=ROOT, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout.splitlines()[-1])
    assert told["devices"] == 8
    x, y, weight = objects()
    for name, loss in every_loss().items():
        value, gradients = jax.jit(jax.value_and_grad(loss, (0, 1, 2)))(x, y, jnp.float32(7.0), weight)
        for way in ("jit", "pmap"):
            found = told["found"][f"{name}/{way}"]
            np.testing.assert_allclose(found[0], value, rtol=1e-5, err_msg=f"{name} {way}")
            for ours, theirs in zip(found[1:], gradients, strict=True):
                np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-6, err_msg=f"{name} {way}")


def by_hand(x, y, scale, directions):
    logits = scale * x.astype(float) @ y.T.astype(float)
    nll = lambda m: np.mean([np.log(np.exp(m[i]).sum()) - m[i, i] for i in range(len(m))])
    return (nll(logits) + nll(logits.T)) * (1 if directions == "sum" else 0.5)


@pytest.mark.parametrize("directions", ["sum", "mean"])
def test_softmax_is_two_cross_entropies_over_the_objects_that_have_both(directions):
    x, y, weight = objects()
    there = weight > 0
    expected = by_hand(x[there], y[there], 5.0, directions)
    y = np.where(there[:, None], y, x)  # what is missing would be the best of answers
    np.testing.assert_allclose(pair_loss(x, y, jnp.float32(5.0), weight, directions=directions), expected, rtol=1e-5)


def test_sigmoid_is_a_decision_about_every_pair():
    x, y, weight = objects()
    there = weight > 0
    logits = 5.0 * x[there].astype(float) @ y[there].T + 0.5
    sign = 2 * np.eye(len(logits)) - 1
    expected = np.log1p(np.exp(-sign * logits)).sum(axis=1).mean()
    np.testing.assert_allclose(pair_loss(x, y, jnp.float32(5.0), weight, "sigmoid", bias=0.5), expected, rtol=1e-5)


def test_no_object_with_both_gives_zero_and_no_gradient():
    x, y, _ = objects()
    value, gradient = jax.value_and_grad(lambda a: pair_loss(a, y, jnp.float32(5.0), jnp.zeros(ROWS)))(x)
    assert value == 0 and not np.asarray(gradient).any()


def test_weights_and_hits_follow_the_modalities_that_are_there():
    pairs = [("a", "b"), ("a", "c"), ("b", "c")]
    present = {
        "a": jnp.array([True, True, True]),
        "b": jnp.array([True, False, True]),
        "c": jnp.array([True, True, False]),
    }
    weights = pair_weights(present, jnp.array([1.0, 1.0, 1.0]), pairs)
    assert weights["a_b"].tolist() == [1, 0, 1] and weights["b_c"].tolist() == [1, 0, 0]
    eye = jnp.eye(3)
    embeddings = {"a": eye, "b": eye[jnp.array([0, 2, 1])], "c": eye}
    scales = dict.fromkeys(weights, jnp.float32(20.0))
    hits, counts = retrieval_hits(embeddings, scales, weights, pairs)
    # Row 1 has no b, and its c is right; row 2 has only b, which is that of another row.
    assert hits.tolist() == [1, 1, 0] and counts.tolist() == [1, 1, 1]
