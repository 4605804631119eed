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


def global_mean_of_rows(values: Array, weight: Array) -> Array:
    """Weighted mean over the rows of the global batch: values (B, F), weight (B,) -> (F,); 0 if nothing weighs.

    >>> global_mean_of_rows(jnp.array([[1.0], [3.0], [9.0]]), jnp.array([1.0, 1.0, 0.0])).tolist()
    [2.0]
    """
    total, sums = jnp.sum(weight), jnp.sum(weight[:, None] * values, axis=0)
    if _inside_data_axis():
        total, sums = jax.lax.psum((total, sums), DATA_AXIS)
    return sums / jnp.where(total > 0, total, 1.0)


def global_any(values: Array) -> Array:
    """Whether each element is true on any device: (...) bool -> (...) bool.

    >>> global_any(jnp.array([True, False])).tolist()
    [True, False]
    """
    if not _inside_data_axis():
        return values
    return jax.lax.pmax(values.astype(jnp.int32), DATA_AXIS) > 0
