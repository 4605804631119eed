"""Sums over the global batch, whichever way it is spread.

Under `jit` an array is already global. Under `pmap` each device sees its own rows; the engine names the mapped axis
`DATA_AXIS`, and a psum completes the sum. With such a loss every device holds the gradient of the *global* loss with
respect to its own rows, times the number of devices: averaging gradients over the axis gives the exact gradient.
"""

import jax
import jax.numpy as jnp

from lcjax.typing import Array

DATA_AXIS = "data"


def _inside_data_axis() -> bool:
    try:
        jax.lax.axis_index(DATA_AXIS)
    except NameError:
        return False
    return True


def global_sum(values: Array) -> Array:
    """Sum of all elements over the global batch.

    >>> float(global_sum(jnp.ones((2, 3))))
    6.0
    """
    total = jnp.sum(values)
    return jax.lax.psum(total, DATA_AXIS) if _inside_data_axis() else total


def global_mean(values: Array, weight: Array) -> Array:
    """Weighted mean over the global batch; 0 if nothing weighs."""
    total = global_sum(weight)
    return global_sum(values * weight) / jnp.where(total > 0, total, 1.0)
