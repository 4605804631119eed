"""Features as ranks among known values: a scale on which no outlier reaches far."""

import chex
import jax
import jax.numpy as jnp
import numpy as np

from lcjax.typing import Array


def quantile_ranks(values: Array, knots: Array) -> Array:
    """Where each value lies among the training values, in [0, 1]; ties lie in the middle of their stretch.

    Args:
      values: (B, F) float32. knots: (F, Q) float32, ascending quantiles evenly spaced in probability.

    >>> quantile_ranks(jnp.array([[1.5], [9.0]]), jnp.array([[0.0, 1.0, 2.0]])).tolist()
    [[0.75], [1.0]]
    """
    chex.assert_rank([values, knots], 2)
    chex.assert_axis_dimension(knots, 0, values.shape[1])
    at = np.linspace(0.0, 1.0, knots.shape[-1], dtype=np.float32)

    def ranks(column: Array, own: Array) -> Array:
        # From below a tie gives its last knot, from above its first.
        return 0.5 * (jnp.interp(column, own, at) - jnp.interp(-column, -own[::-1], -at[::-1]))

    return jax.vmap(ranks, in_axes=(1, 0), out_axes=1)(jnp.asarray(values), jnp.asarray(knots))
