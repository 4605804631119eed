"""Which units of a network are alive: activations a model has sown, and the share of units that ever fire.

A rectified unit is live on a batch if its activation is above zero for at least one row, rotation and pixel. A layer
without live units passes nothing on and learns nothing: its branch is dead.
"""

import chex
import jax.numpy as jnp

from lcjax.global_batch import global_any
from lcjax.typing import Array, Axis, PyTree

_SUFFIX = "_out"


def activations(intermediates: PyTree) -> dict[str, Array]:
    """The sown `<name>_out` of a module as {name: array}, sorted by name."""
    return {name.removesuffix(_SUFFIX): intermediates[name][0] for name in sorted(intermediates)}


def live_units(intermediates: PyTree, weight: Array, axis: Axis = None) -> dict[str, Array]:
    """Which units of every rectified layer (`conv_*`, `dense_*`) fire on the global batch: name -> (units,) bool.

    Args:
      intermediates: collection of that name after `apply(..., mutable=["intermediates"])`.
      weight: (B,), rows of weight 0 do not count; layers may hold several copies of the batch, one after another.
      axis: that rows are spread over.
    """
    chex.assert_rank(weight, 1)
    rows = jnp.asarray(weight) > 0
    live = {}
    for name, x in activations(intermediates).items():
        if name.startswith(("conv_", "dense_")):
            counted = jnp.tile(rows, x.shape[0] // rows.shape[0])
            fires = (x > 0) & counted.reshape(-1, *[1] * (x.ndim - 1))
            live[name] = global_any(jnp.any(fires, axis=tuple(range(x.ndim - 1))), axis)
    return live


def live_fractions(intermediates: PyTree, weight: Array, axis: Axis = None) -> dict[str, Array]:
    """Share of live units of every rectified layer on a batch, scalars in [0, 1]; arguments as `live_units`."""
    return {name: jnp.mean(live.astype(jnp.float32)) for name, live in live_units(intermediates, weight, axis).items()}
