"""The dense layer whose gradient a CPU computes fast: values, gradients and parameters of `nn.Dense`."""

import re

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lcjax.models.dense import _BY_PLATFORM, dense, row_product


class Layer(nn.Module):
    """One layer, as a block of a network calls it."""

    @nn.compact
    def __call__(self, x):
        """(..., D) -> (..., 5)."""
        return dense(x, 5, jnp.float32, "layer")


def test_values_parameters_and_gradients_of_a_flax_layer():
    x = jnp.asarray(np.random.default_rng(0).normal(size=(2, 3, 4)), jnp.float32)
    weights = jnp.asarray(np.random.default_rng(1).normal(size=(2, 3, 5)), jnp.float32)
    params = Layer().init(jax.random.key(0), x)
    assert jax.tree.map(jnp.shape, params) == {"params": {"layer": {"kernel": (4, 5), "bias": (5,)}}}
    own = lambda p, x: jnp.sum(weights * Layer().apply(p, x))
    plain = lambda p, x: jnp.sum(weights * nn.Dense(5).apply({"params": p["params"]["layer"]}, x))
    for found, wanted in zip(
        *(jax.tree.leaves(jax.value_and_grad(f, (0, 1))(params, x)) for f in (own, plain)), strict=True
    ):
        np.testing.assert_allclose(found, wanted, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("platform", sorted(_BY_PLATFORM))
def test_every_backend_gets_the_gradient_of_the_kernel(platform):
    rng = np.random.default_rng(2)
    rows, gradient = (jnp.asarray(rng.normal(size=(7, size)), jnp.float32) for size in (4, 5))
    wanted = np.asarray(rows, np.float64).T @ np.asarray(gradient, np.float64)
    np.testing.assert_allclose(_BY_PLATFORM[platform](rows, gradient), wanted, rtol=1e-5, atol=1e-6)


def test_on_a_cpu_no_product_reads_rows_by_column():
    kernel_gradient = jax.grad(lambda kernel, rows: jnp.sum(row_product(rows, kernel) ** 2))
    text = jax.jit(kernel_gradient, backend="cpu").lower(jnp.ones((32, 48)), jnp.ones((64, 32))).compile().as_text()
    contracted = re.findall(r"lhs_contracting_dims=\{(\d)\}", text)
    assert len(contracted) == 2 and set(contracted) == {"1"}
