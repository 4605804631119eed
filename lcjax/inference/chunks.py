"""Large batches on a CPU, a few rows after the other, so that activations stay in its cache."""

from collections.abc import Callable

import jax

from lcjax.cores import cores
from lcjax.typing import PyTree

_ROWS_PER_CORE = 8
"""What one core computes at once: the activations of more leave its cache."""


def map_in_chunks(call: Callable[[PyTree], PyTree], batch: PyTree) -> PyTree:
    """`call(batch)` of arrays (B, ...), on a CPU a few rows after the other where B allows it; pure, for use in `jit`."""
    rows = len(jax.tree.leaves(batch)[0])
    most = _ROWS_PER_CORE * cores()
    if jax.default_backend() != "cpu" or rows <= most:
        return call(batch)
    at_once = next(n for n in range(most, 0, -1) if rows % n == 0)
    if 2 * at_once < most:  # crumbs would keep the cores waiting
        return call(batch)
    answers = jax.lax.map(call, jax.tree.map(lambda x: x.reshape(rows // at_once, at_once, *x.shape[1:]), batch))
    return jax.tree.map(lambda x: x.reshape(rows, *x.shape[2:]), answers)
