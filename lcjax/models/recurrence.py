"""A gated recurrent unit over the points of a window."""

import chex
import flax.linen as nn
import jax
import jax.numpy as jnp

from lcjax.typing import Array


def gated_recurrence(x: Array, mask: Array, kernel: Array, recurrent: Array, bias: Array) -> Array:
    """A GRU in the reset-after form with gates ordered z, r, h: (B, L, F) -> (B, L, D).

    Args:
      mask: (B, L) bool, points that move the state; the others are passed over.
      kernel: (F, 3D). recurrent: (D, 3D). bias: (2, 3D), of input and state.
    """
    width = recurrent.shape[0]
    chex.assert_rank([x, mask], [3, 2])
    chex.assert_equal_shape_prefix([x, mask], 2)
    chex.assert_shape([kernel, recurrent, bias], [(x.shape[-1], 3 * width), (width, 3 * width), (2, 3 * width)])
    inputs = x @ kernel + bias[0]

    def step(state: Array, item: tuple[Array, Array]) -> tuple[Array, Array]:
        xz, xr, xh = jnp.split(item[0], 3, axis=-1)
        hz, hr, hh = jnp.split(state @ recurrent + bias[1], 3, axis=-1)
        update, reset = jax.nn.sigmoid(xz + hz), jax.nn.sigmoid(xr + hr)
        moved = update * state + (1 - update) * jnp.tanh(xh + reset * hh)
        state = jnp.where(item[1][:, None], moved, state)
        return state, state

    start = jnp.zeros((x.shape[0], width), x.dtype)
    items = (jnp.swapaxes(inputs, 0, 1), jnp.swapaxes(mask, 0, 1))
    return jnp.swapaxes(jax.lax.scan(step, start, items)[1], 0, 1)


class GatedRecurrence(nn.Module):
    """`gated_recurrence` with parameters of its own."""

    width: int

    @nn.compact
    def __call__(self, x: Array, mask: Array) -> Array:
        """(B, L, F) and (B, L) bool -> (B, L, width)."""
        kernel = self.param("kernel", nn.initializers.glorot_uniform(), (x.shape[-1], 3 * self.width))
        recurrent = self.param("recurrent", nn.initializers.orthogonal(), (self.width, 3 * self.width))
        bias = self.param("bias", nn.initializers.zeros, (2, 3 * self.width))
        return gated_recurrence(x, mask, kernel, recurrent, bias)
