"""Windows of many light curves computed together, in arrays of a few fixed shapes; several batches at once on a CPU.

What a window gets depends on the window alone, bit for bit on a CPU: its padded length follows from its own number of points,
and a CPU computes a few rows of that length after the other (`Packing.points`), as many in every batch, so that the products have
the same shapes whatever else the batch holds. Such few rows also stay in the cache of a core, and the steps of a batch that is
not full are left out; the cores have a batch each, since products this small do not share well.
"""

from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

import jax
import jax.numpy as jnp
import numpy as np

from lcjax.cores import cores
from lcjax.training.task import Packing
from lcjax.typing import Array, PyTree

SERIES = ("time", "magnitude", "magnitude_error")
Function = Callable[[PyTree, dict[str, Any]], dict[str, Array]]
"""(variables, batch) -> named outputs, first axis rows."""
Owner = TypeVar("Owner")
Outputs = dict[str, np.ndarray]
Give = Callable[[Owner, int, Outputs, int], None]
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


@dataclass
class _Tray(Generic[Owner]):
    """A batch that is being filled."""

    series: dict[str, np.ndarray]
    sizes: np.ndarray
    owners: list[tuple[Owner, int]] = field(default_factory=list)


class WindowBatches(Generic[Owner]):
    """Compiled once for all light curves; `open` gives what gathers windows."""

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
          function: pure; of raw windows `time`, `magnitude`, `magnitude_error`, `mask` (B, L) and `length` (B,).
          buckets: padded lengths, ascending. batch_size: windows of a batch; a CPU takes up to as many as fill its steps.
          packing: how many rows a CPU computes at once.
        """
        on_cpu = jax.default_backend() == "cpu"
        self.buckets, self.batch_size, self._packing = buckets, batch_size, packing
        self.workers = cores() if on_cpu else 2  # one batch comes back from an accelerator while it has the next
        self.most_waiting = batch_size * (4 + 2 * self.workers)
        """Windows that may wait for company before those at the head are computed with what is there."""
        self._variables = jax.device_put(variables)
        self._on_cpu = on_cpu
        self._run = jax.jit(in_small_steps(function, on_cpu, packing))

    def capacity(self, length: int) -> int:
        """Rows of a batch of this padded length."""
        at_once = rows_at_once(length, self._packing) if self._on_cpu else 1
        return -(-self.batch_size // at_once) * at_once

    @property
    def compiled(self) -> int:
        """Shapes that have been compiled."""
        return self._run._cache_size()

    @contextmanager
    def open(self, give: "Give[Owner]") -> Iterator["OpenBatches[Owner]"]:
        """Gathers windows; threads end with the context.

        Args:
          give: called with (owner, number, outputs, row) for every window whose answer is `outputs[...][row]`.
        """
        pool = ThreadPoolExecutor(self.workers, thread_name_prefix="windows")
        try:
            yield OpenBatches(self, pool, give)
        finally:
            pool.shutdown(cancel_futures=True)

    def compute(self, tray: _Tray[Owner]) -> Outputs:
        """Waits for the answers to a batch."""
        length = tray.series["time"].shape[1]
        batch: dict[str, Any] = {**tray.series, "mask": np.arange(length) < tray.sizes[:, None], "length": tray.sizes}
        with jax.default_matmul_precision("float32"):  # an accelerator would otherwise round to 10 bits
            outputs = self._run(self._variables, {**batch, "rows": np.int32(len(tray.owners))})
        return {name: np.asarray(value) for name, value in jax.device_get(outputs).items()}

    def tray(self, length: int) -> "_Tray[Owner]":
        """An empty batch of this padded length."""
        rows = self.capacity(length)
        return _Tray({name: np.zeros((rows, length), np.float32) for name in SERIES}, np.zeros(rows, np.int32))


class OpenBatches(Generic[Owner]):
    """Windows in, answers handed out; the caller waits only where nothing else is left to do."""

    def __init__(self, batches: WindowBatches[Owner], pool: ThreadPoolExecutor, give: "Give[Owner]") -> None:
        """Nothing is waiting."""
        self._batches, self._pool, self._give = batches, pool, give
        self._trays: dict[int, _Tray[Owner]] = {}
        self._running: deque[tuple[Future[Outputs], list[tuple[Owner, int]]]] = deque()

    def add(self, owner: Owner, number: int, window: dict[str, np.ndarray]) -> None:
        """A window of at most the longest padded length: `SERIES`, (n,) float32 each."""
        size = len(window["time"])
        length = next(bucket for bucket in self._batches.buckets if bucket >= size)
        tray = self._trays.get(length)
        if tray is None:
            tray = self._trays[length] = self._batches.tray(length)
        row = len(tray.owners)
        for name, values in tray.series.items():
            values[row, :size] = window[name]
        tray.sizes[row] = size
        tray.owners.append((owner, number))
        if len(tray.owners) == len(tray.sizes):
            self._send(length)

    def send(self, owner: Owner) -> None:
        """Sends the batches that hold windows of `owner`, the first of those that wait, full or not."""
        for length in [n for n, tray in self._trays.items() if tray.owners[0][0] is owner]:
            self._send(length)

    def collect(self) -> None:
        """Waits for the batch that was sent first and hands its answers out."""
        future, owners = self._running.popleft()
        outputs = future.result()
        for row, (owner, number) in enumerate(owners):
            self._give(owner, number, outputs, row)

    def finish(self) -> None:
        """Computes what is left."""
        for length in list(self._trays):
            self._send(length)
        while self._running:
            self.collect()

    def _send(self, length: int) -> None:
        tray = self._trays.pop(length)
        self._running.append((self._pool.submit(self._batches.compute, tray), tray.owners))
        while len(self._running) > self._batches.workers + 1 or (self._running and self._running[0][0].done()):
            self.collect()
