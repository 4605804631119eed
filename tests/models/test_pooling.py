"""The fast gradient of a pooling against XLA's own."""

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lcjax.models.pooling import max_pool


@pytest.mark.parametrize("shape", [(2, 4, 6, 3), (3, 5, 7, 1)])
def test_values_and_gradient(shape):
    x = np.random.default_rng(0).normal(size=shape).astype(np.float32)
    weights = np.random.default_rng(1).normal(size=max_pool(x).shape).astype(np.float32)
    own = jax.value_and_grad(lambda x: jnp.sum(weights * max_pool(x)))(x)
    xla = jax.value_and_grad(lambda x: jnp.sum(weights * nn.max_pool(x, (2, 2), (2, 2))))(x)
    np.testing.assert_array_equal(own[0], xla[0])
    np.testing.assert_allclose(own[1], xla[1], rtol=1e-6)


def test_ties_share():
    gradient = jax.grad(lambda x: jnp.sum(max_pool(x)))(jnp.array([[1.0, 1.0], [0.0, 1.0]])[None, :, :, None])
    np.testing.assert_allclose(gradient[0, :, :, 0], [[1 / 3, 1 / 3], [0, 1 / 3]], rtol=1e-6)
