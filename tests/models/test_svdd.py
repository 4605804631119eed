"""Networks of detectors: batch statistics of the rows that weigh, whichever way rows are spread."""

import jax
import numpy as np
import pytest

from lcjax.models.svdd import FeatureAutoencoder, Hypersphere, VariationalAutoencoder
from lcjax.models.svdd_config import DetectorModelConfig

CONFIG = DetectorModelConfig(widths=(5, 4), latent=3)
X = np.random.default_rng(0).normal(size=(6, 7)).astype(np.float32)


@pytest.mark.parametrize("module", [FeatureAutoencoder, Hypersphere, VariationalAutoencoder])
def test_rows_over_devices(module):
    model = module(CONFIG)
    variables = jax.jit(model.init)(jax.random.key(0), {"features": X})

    def run(x, axis=None):
        out, state = model.apply(variables, {"features": x}, deterministic=False, axis=axis, mutable=["batch_stats"])
        return out["embedding"], state

    whole, state = jax.jit(run)(X)
    parts, states = jax.jit(jax.vmap(lambda x: run(x, "rows"), axis_name="rows"))(X.reshape(2, 3, 7))
    np.testing.assert_allclose(parts.reshape(6, 3), whole, rtol=1e-4, atol=1e-5)
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a[1], b, rtol=1e-4, atol=1e-6), states, state)


def test_a_hypersphere_has_the_encoder_of_an_autoencoder():
    shapes = lambda module: jax.eval_shape(module(CONFIG).init, jax.random.key(0), {"features": X})
    autoencoder, sphere = shapes(FeatureAutoencoder), shapes(Hypersphere)
    assert autoencoder["params"]["encoder"] == sphere["params"]["encoder"]
    assert "bias" not in sphere["params"]["encoder"]["latent"]
    free = jax.eval_shape(
        Hypersphere(DetectorModelConfig((5,), 3, biases=False)).init, jax.random.key(0), {"features": X}
    )
    assert not [path for path, _ in jax.tree_util.tree_leaves_with_path(free["params"]) if "bias" in str(path[-1])]


def test_every_noise_draw_is_decoded():
    model = VariationalAutoencoder(CONFIG)
    variables = jax.jit(model.init)(jax.random.key(0), {"features": X})
    noise = np.stack([np.zeros((6, 3)), np.ones((6, 3)), -np.ones((6, 3))]).astype(np.float32)
    out = model.apply(variables, {"features": X, "noise": noise})["reconstruction"]
    assert out.shape == (3, 6, 7) and np.abs(out[1] - out[2]).max() > 1e-3
    np.testing.assert_allclose(out[0], model.apply(variables, {"features": X})["reconstruction"][0], rtol=1e-5)
