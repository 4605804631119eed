"""Answers for any number of items, in order, computed in batches of a few fixed shapes; the device works while you read on.

An item brings any number of rows (a light curve its windows, an alert one row). Rows of one shape wait together until they fill
a batch, so that every shape compiles once; what an item gets does not depend on its neighbours. Batches are computed beside the
reading, and collected when others have been sent. Memory is bounded: items that wait too long for company are computed with
what is there. What the rows of a kind are and how a batch of them is computed is said by `Batches`.
"""

from collections import deque
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

import jax
import numpy as np

from lcjax.errors import ConfigError, DataError, LcjaxError, Rejection
from lcjax.typing import Array, PyTree

Item = TypeVar("Item")
Row = dict[str, np.ndarray]
"""Arrays of one row, without the batch axis."""
Function = Callable[[PyTree, dict[str, Any]], dict[str, Array]]
"""(variables, batch) -> named outputs, first axis rows."""
_LOOK_AHEAD = 16
"""Batches of rows, and of items, that may wait for rows to fill a batch."""


@dataclass(frozen=True)
class Answer(Generic[Item]):
    """What became of an item."""

    item: Item
    outputs: tuple[Row, ...] = ()
    """One for each of its rows, in order."""
    refused: LcjaxError | None = None
    """Why the model cannot take it, instead of outputs."""


class Batches(Protocol):
    """Rows of one kind in batches of fixed shapes."""

    workers: int
    """Batches computed at once."""
    most_waiting: int
    """Rows and items that may wait for company before those at the head are computed with what is there."""

    def shape(self, row: Row) -> Hashable:
        """Rows with equal ones share a batch."""

    def capacity(self, shape: Any) -> int:
        """Rows of a full batch."""

    def compute(self, rows: Sequence[Row]) -> Row:
        """Waits for the outputs of rows of one shape, at most a full batch of them: arrays whose first axis begins with these rows.

        Raises:
          DataError, ConfigError: the model cannot take rows of this shape.
        """


def answered(
    batches: Batches, items: Iterable[tuple[Item, Sequence[Row]] | Rejection]
) -> Iterator[Answer[Item] | Rejection]:
    """One answer an item, in the order given; rejections among the items are passed on."""
    waiting: deque[_Held[Item] | Rejection] = deque()
    held_rows = 0
    pool = ThreadPoolExecutor(batches.workers, thread_name_prefix="batches")
    running = _Running(batches, pool)
    try:
        for entry in items:
            if isinstance(entry, Rejection):
                waiting.append(entry)
            else:
                waiting.append(held := running.add(*entry))
                held_rows += held.missing
            while waiting:
                head = waiting[0]
                if isinstance(head, _Held):
                    # Items without rows wait too: a run of rejections behind one open item is no reason to grow.
                    if head.missing and held_rows + len(waiting) <= batches.most_waiting:
                        break
                    running.complete(head)
                    held_rows -= len(head.outputs)
                yield _outcome(waiting.popleft())
        running.finish()
        yield from map(_outcome, waiting)
    finally:
        pool.shutdown(cancel_futures=True)


class Predictor(Generic[Item]):
    """A pure function of batches, applied to items whose rows are dictionaries of arrays of any shapes."""

    def __init__(self, function: Function, variables: PyTree, batch_size: int) -> None:
        """Compiles nothing yet.

        Args:
          function: jitted here.
          batch_size: rows of every compiled batch.

        Raises:
          ConfigError: a batch size that makes no sense.
        """
        if batch_size < 1:
            raise ConfigError(f"a batch of {batch_size} rows is impossible: it must be at least 1")
        self.batch_size = batch_size
        self.workers = 1 if jax.default_backend() == "cpu" else 2  # one batch comes back while the device has the next
        self.most_waiting = _LOOK_AHEAD * batch_size
        self._variables = jax.device_put(variables)
        self._run = jax.jit(function)

    def answer(self, items: Iterable[tuple[Item, Sequence[Row]] | Rejection]) -> Iterator[Answer[Item] | Rejection]:
        """One answer an item, in the order given; rejections among the items are passed on."""
        return answered(self, items)

    def shape(self, row: Row) -> Hashable:
        """Names and shapes of its arrays."""
        return tuple((name, np.shape(value)) for name, value in row.items())

    def capacity(self, shape: Any) -> int:
        """The batch size."""
        return self.batch_size

    def compute(self, rows: Sequence[Row]) -> Row:
        """Zeros fill the batch up; see `Batches`."""
        short = self.batch_size - len(rows)
        batch = {}
        for name, first in rows[0].items():
            stacked = np.stack([row[name] for row in rows])
            fill = np.zeros((short, *np.shape(first)), stacked.dtype)
            batch[name] = np.concatenate([stacked, fill]) if short else stacked
        return computed(self._run, self._variables, batch)


def computed(function: Function, variables: PyTree, batch: dict[str, Any]) -> Row:
    """The outputs of a batch, on the host."""
    with jax.default_matmul_precision("float32"):  # an accelerator would otherwise round to 10 bits
        outputs = function(variables, batch)
    return {name: np.asarray(value) for name, value in jax.device_get(outputs).items()}


@dataclass
class _Held(Generic[Item]):
    """An item whose rows are being answered."""

    item: Item
    outputs: list[Row | None]
    missing: int
    refused: LcjaxError | None = None


_Queue = list[tuple[_Held, int, Row]]


class _Running:
    """Rows in, answers handed out; the caller waits only where nothing else is left to do."""

    def __init__(self, batches: Batches, pool: ThreadPoolExecutor) -> None:
        self._batches, self._pool = batches, pool
        self._queues: dict[Hashable, _Queue] = {}
        self._sent: deque[tuple[Future[Row], _Queue]] = deque()

    def add(self, item: Item, rows: Sequence[Row]) -> _Held[Item]:
        """Sends the batches that its rows fill."""
        held = _Held(item, [None] * len(rows), len(rows))
        for number, row in enumerate(rows):
            shape = self._batches.shape(row)
            queue = self._queues.setdefault(shape, [])
            queue.append((held, number, row))
            if len(queue) == self._batches.capacity(shape):
                self._send(shape)
        return held

    def complete(self, head: _Held) -> None:
        """Sends the batches that hold rows of the first item of those that wait, full or not, and waits for it."""
        for shape in [shape for shape, queue in self._queues.items() if queue[0][0] is head]:
            self._send(shape)
        while head.missing:
            self._collect()

    def finish(self) -> None:
        """Computes what is left."""
        for shape in list(self._queues):
            self._send(shape)
        while self._sent:
            self._collect()

    def _send(self, shape: Hashable) -> None:
        queue = self._queues.pop(shape)
        self._sent.append((self._pool.submit(self._batches.compute, [row for _, _, row in queue]), queue))
        while len(self._sent) > self._batches.workers + 1 or (self._sent and self._sent[0][0].done()):
            self._collect()

    def _collect(self) -> None:
        """Waits for the batch that was sent first and hands its answers out."""
        future, queue = self._sent.popleft()
        try:
            outputs = future.result()
        except (DataError, ConfigError) as error:
            for held, _, _ in queue:
                held.refused = error
                held.missing -= 1
            return
        for i, (held, number, _) in enumerate(queue):
            held.outputs[number] = {name: value[i] for name, value in outputs.items()}
            held.missing -= 1


def _outcome(head: _Held[Item] | Rejection) -> Answer[Item] | Rejection:
    if isinstance(head, Rejection):
        return head
    outputs = () if head.refused else tuple(row for row in head.outputs if row is not None)
    return Answer(head.item, outputs, head.refused)


def usual_batch_size(given: int | None, cpu: int, accelerator: int, unit: str) -> int:
    """The batch size a user gave, or the usual one of this device.

    Raises:
      ConfigError: it is below 1.
    """
    if given is None:
        return cpu if jax.default_backend() == "cpu" else accelerator
    if given < 1:
        raise ConfigError(f"a batch of {given} {unit} is impossible: it must be at least 1")
    return given
