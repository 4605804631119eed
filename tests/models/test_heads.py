"""Classification heads beside the recorded ones: invariances and the two heads no file records."""

import jax
import numpy as np
import pytest

from lcjax.models.heads import ClassifierHead, pool_layers, pool_max, pool_mean
from tests.models.weights import random_variables

KINDS = ["skip_avg_mlp", "avg_mlp", "avg_clf", "mlp_avg", "max", "att_avg", "att_cls"]


def inputs():
    layers = [jax.random.normal(jax.random.key(i), (3, 6, 8)) for i in range(3)]
    mask = np.arange(6) < np.array([[6], [4], [1]])
    return layers, mask


@pytest.mark.parametrize("kind", KINDS)
def test_padding_changes_no_logit(kind):
    layers, mask = inputs()
    head = ClassifierHead(5, kind)
    variables = random_variables(head, {"layers": layers, "mask": mask}, spread=0.05)
    run = jax.jit(lambda v, layers, mask: head.apply(v, {"layers": layers, "mask": mask})["logits"])
    logits = run(variables, layers, mask)
    assert logits.shape == (3, 5) and np.isfinite(logits).all()
    changed = [np.where(mask[..., None], layer, 9.0) for layer in layers]
    if kind == "att_avg":  # as published, its self-attention also looks at the padding; only the mean is masked
        assert np.isfinite(run(variables, changed, mask)).all()
    else:
        np.testing.assert_allclose(logits, run(variables, changed, mask), atol=1e-5)


def test_pooling():
    layers, mask = inputs()
    x = np.asarray(layers[0])
    np.testing.assert_allclose(pool_mean(x, mask)[1], x[1, :4].mean(axis=0), rtol=1e-5)
    np.testing.assert_allclose(pool_max(x, mask)[1], x[1, :4].max(axis=0))
    np.testing.assert_array_equal(pool_mean(x, np.zeros_like(mask)), 0)
    np.testing.assert_array_equal(pool_max(x, np.zeros_like(mask)), 0)
    # Equal weights: the mean over layers, divided by their number once more.
    even = pool_layers(layers, mask, np.zeros(3, np.float32))
    expected = np.mean([pool_mean(layer, mask) for layer in layers], axis=0) / 3
    np.testing.assert_allclose(even, expected, atol=1e-6)
