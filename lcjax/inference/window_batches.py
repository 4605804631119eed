"""Windows of many light curves computed together, in arrays of a few fixed shapes; several batches at once on a CPU.

What a window gets depends on the window alone, bit for bit on a CPU: its padded length follows from its own number of points,
and a CPU computes a few rows of that length after the other (`Packing.points`), as many in every batch, so that the products have
the same shapes whatever else the batch holds. Such few rows also stay in the cache of a core, and the steps of a batch that is
not full are left out; the cores have a batch each, since products this small do not share well.
"""

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from lcjax.cores import cores
from lcjax.inference.predictor import Function, Row, computed
from lcjax.training.task import Packing
from lcjax.typing import Array, PyTree

SERIES = ("time", "magnitude", "magnitude_error")
_USUAL = Packing()


def padded_lengths(longest: int, packing: Packing = _USUAL) -> tuple[int, ...]:
    """Padded lengths for windows of up to `longest` points, ascending, multiples of 8 but for the last.

    >>> padded_lengths(200)
    (16, 24, 32, 40, 48, 64, 80, 104, 128, 160, 200)
    >>> padded_lengths(10)
    (10,)
    >>> padded_lengths(500, Packing(ratio=2.0, shortest=64))
    (64, 128, 248, 500)
    """
    found = [longest]
    while found[-1] > packing.shortest:
        shorter = 8 * min(round(found[-1] / packing.ratio / 8), (found[-1] - 1) // 8)
        found.append(max(shorter, packing.shortest))
    return tuple(sorted(found))


def in_small_steps(function: Function, on_cpu: bool, packing: Packing = _USUAL) -> Function:
    """The function by batches `{..., "mask": (B, L), "rows": ()}` of which the first `rows` count; others get anything finite."""

    def whole(variables: PyTree, batch: dict[str, Any]) -> dict[str, Array]:
        return function(variables, {name: value for name, value in batch.items() if name != "rows"})

    def stepwise(variables: PyTree, batch: dict[str, Any]) -> dict[str, Array]:
        rows = batch["rows"]
        total, length = batch["mask"].shape
        at_once = rows_at_once(length, packing)
        cut = lambda x: x.reshape(total // at_once, at_once, *x.shape[1:])
        parts = {name: cut(value) for name, value in batch.items() if name != "rows"}
        one = lambda i: function(variables, jax.tree.map(lambda x: jax.lax.dynamic_index_in_dim(x, i, 0, False), parts))
        shapes = jax.eval_shape(one, 0)
        empty = jax.tree.map(lambda x: jnp.zeros((total // at_once, *x.shape), x.dtype), shapes)

        def step(i: Array, done: dict[str, Array]) -> dict[str, Array]:
            return jax.tree.map(lambda whole, new: jax.lax.dynamic_update_index_in_dim(whole, new, i, 0), done, one(i))

        done = jax.lax.fori_loop(0, -(-rows // at_once), step, empty)
        return jax.tree.map(lambda x: x.reshape(total, *x.shape[2:]), done)

    return stepwise if on_cpu else whole


def rows_at_once(length: int, packing: Packing = _USUAL) -> int:
    """Rows of a step on a CPU: a power of two.

    >>> [rows_at_once(n) for n in (16, 50, 200, 1000)]
    [16, 4, 1, 1]
    """
    return 1 << (max(packing.points // length, 1).bit_length() - 1)


class WindowBatches:
    """Raw windows as `Batches` of a few padded lengths, compiled once for all light curves."""

    def __init__(
        self,
        function: Function,
        variables: PyTree,
        buckets: tuple[int, ...],
        batch_size: int,
        packing: Packing = _USUAL,
    ) -> None:
        """Compiles nothing yet.

        Args:
          function: pure; of raw windows `time`, `magnitude`, `magnitude_error`, `mask` (B, L), what else rows have, and `length` (B,).
          buckets: padded lengths, ascending. batch_size: windows of a batch; a CPU takes up to as many as fill its steps.
          packing: how many rows a CPU computes at once.
        """
        on_cpu = jax.default_backend() == "cpu"
        self.buckets, self.batch_size, self._packing = buckets, batch_size, packing
        self.workers = cores() if on_cpu else 2  # one batch comes back from an accelerator while it has the next
        self.most_waiting = batch_size * (4 + 2 * self.workers)
        self._variables = jax.device_put(variables)
        self._on_cpu = on_cpu
        self._run = jax.jit(in_small_steps(function, on_cpu, packing))

    @property
    def compiled(self) -> int:
        """Shapes that have been compiled."""
        return self._run._cache_size()  # type: ignore[attr-defined]

    def shape(self, row: Row) -> int:
        """The padded length of a window of at most the longest: `SERIES`, (n,) float32 each, and whatever else points have."""
        size = len(row["time"])
        return next(bucket for bucket in self.buckets if bucket >= size)

    def capacity(self, shape: int) -> int:
        """Rows of a batch of this padded length."""
        at_once = rows_at_once(shape, self._packing) if self._on_cpu else 1
        return -(-self.batch_size // at_once) * at_once

    def compute(self, rows: Sequence[Row]) -> Row:
        """The rows of what is computed that are not here are left out or get anything finite; see `Batches`."""
        length = self.shape(rows[0])
        total = self.capacity(length)
        series = {name: np.zeros((total, length), values.dtype) for name, values in rows[0].items()}
        sizes = np.zeros(total, np.int32)
        for i, row in enumerate(rows):
            sizes[i] = size = len(row["time"])
            for name, values in series.items():
                values[i, :size] = row[name]
        batch: dict[str, Any] = {**series, "mask": np.arange(length) < sizes[:, None], "length": sizes}
        return computed(self._run, self._variables, {**batch, "rows": np.int32(len(rows))})
