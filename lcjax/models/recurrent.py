"""Recurrent networks over light curves whose points may be missing: a step without a point changes nothing."""

from collections.abc import Callable

import chex
import flax.linen as nn
import jax
import jax.numpy as jnp
from jax.typing import DTypeLike

from lcjax.typing import Array, PyTree


def _bias_of_gates(key: Array, shape: tuple[int, ...], dtype: DTypeLike = jnp.float32) -> Array:
    """Zeros, ones for the forget gate (the Keras default)."""
    del key
    quarter = shape[0] // 4
    return jnp.zeros(shape, dtype).at[quarter : 2 * quarter].set(1.0)


class LstmCell(nn.Module):
    """One step of an LSTM; gates in the order input, forget, candidate, output."""

    units: int

    @nn.compact
    def __call__(self, state: tuple[Array, Array], x: Array) -> tuple[tuple[Array, Array], Array]:
        """((output, memory) (B, units) each, (B, F)) -> (the new state, output (B, units))."""
        output, memory = state
        kernel = self.param("kernel", nn.initializers.glorot_uniform(), (x.shape[-1], 4 * self.units))
        recurrent = self.param("recurrent_kernel", nn.initializers.orthogonal(), (self.units, 4 * self.units))
        bias = self.param("bias", _bias_of_gates, (4 * self.units,))
        entering, kept, candidate, leaving = jnp.split(x @ kernel + output @ recurrent + bias, 4, axis=-1)
        memory = jax.nn.sigmoid(kept) * memory + jax.nn.sigmoid(entering) * jnp.tanh(candidate)
        output = jax.nn.sigmoid(leaving) * jnp.tanh(memory)
        return (output, memory), output


class StackedLstmCell(nn.Module):
    """Two LSTMs with a layer norm (epsilon 1e-3, the Keras default) between them, inside the step (A&A 670, A54)."""

    units: int

    @nn.compact
    def __call__(self, state: PyTree, x: Array) -> tuple[PyTree, Array]:
        """(states of both, (B, F)) -> (the new states, output of the second (B, units))."""
        first, between = LstmCell(self.units, name="lstm_0")(state[0], x)
        between = nn.LayerNorm(epsilon=1e-3, name="norm")(between)
        second, output = LstmCell(self.units, name="lstm_1")(state[1], between)
        return (first, second), output


class LastState(nn.Module):
    """What a recurrent network knows after the last point."""

    make: Callable[..., nn.Module]
    """`StackedLstmCell` or `flax.linen.GRUCell`: called with the number of units and a name."""
    units: int
    states: int = 1
    """Arrays of the state: 4 of the stacked LSTM."""

    @nn.compact
    def __call__(self, x: Array, mask: Array) -> Array:
        """(B, L, F), (B, L) bool -> (B, units)."""
        chex.assert_rank([x, mask], [3, 2])
        chex.assert_equal_shape_prefix([x, mask], 2)
        zeros = jnp.zeros((x.shape[0], self.units), jnp.float32)
        state = ((zeros, zeros), (zeros, zeros)) if self.states == 4 else zeros

        def step(cell: nn.Module, carry: tuple, inputs: tuple[Array, Array]) -> tuple[tuple, None]:
            value, there = inputs
            found = cell(carry[0], value)
            kept = jax.tree.map(lambda new, old: jnp.where(there[:, None], new, old), found, carry)
            return kept, None

        over_time = nn.scan(step, variable_broadcast="params", split_rngs={"params": False}, in_axes=1)
        (_, output), _ = over_time(self.make(self.units, name="cell"), (state, zeros), (x.astype(jnp.float32), mask))
        return output
