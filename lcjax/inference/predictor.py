"""Answers for any number of items, in order, computed in batches of a few fixed shapes; the device works while you read on.

An item brings any number of rows (a light curve its windows, an alert one row). Rows of one shape wait together until they fill
a batch, so that every shape compiles once; what an item gets does not depend on its neighbours. A batch is collected when the
next one has been sent, so that device and host work at the same time. Memory is bounded: items that wait too long for company
are computed with what is there.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

import jax
import numpy as np

from lcjax.errors import ConfigError, DataError, LcjaxError, Rejection
from lcjax.typing import PyTree

Item = TypeVar("Item")
Row = dict[str, np.ndarray]
"""Arrays of one row, without the batch axis."""
_LOOK_AHEAD = 8
"""Batches of items that may wait for their rows to fill a batch."""
_IN_FLIGHT = 1
"""Batches on the device when the next one is sent."""


@dataclass(frozen=True)
class Answer(Generic[Item]):
    """What became of an item."""

    item: Item
    outputs: tuple[Row, ...] = ()
    """One for each of its rows, in order."""
    refused: LcjaxError | None = None
    """Why the model cannot take it, instead of outputs."""


@dataclass
class _Waiting(Generic[Item]):
    item: Item
    outputs: list[Row | None] = field(default_factory=list)
    missing: int = 0
    refused: LcjaxError | None = None


_Queue = list[tuple[_Waiting, int, Row]]


class Predictor(Generic[Item]):
    """A pure function of batches, applied to items."""

    def __init__(
        self, function: Callable[[PyTree, dict[str, Any]], dict[str, Any]], variables: PyTree, batch_size: int
    ) -> None:
        """Compiles nothing yet.

        Args:
          function: (variables, batch) -> named outputs, first axis rows; jitted here.
          batch_size: rows of every compiled batch.

        Raises:
          ConfigError: a batch size that makes no sense.
        """
        if batch_size < 1:
            raise ConfigError(f"a batch of {batch_size} rows is impossible: it must be at least 1")
        self.batch_size = batch_size
        self._variables = jax.device_put(variables)
        self._run = jax.jit(function)

    def submit(self, rows: Sequence[Row]) -> dict[str, jax.Array]:
        """Sends rows of one shape, at most `batch_size`, to the device; zeros fill the batch up.

        Raises:
          DataError, ConfigError: the model cannot take rows of this shape.
        """
        short = self.batch_size - len(rows)
        batch = {}
        for name, first in rows[0].items():
            stacked = np.stack([row[name] for row in rows])
            fill = np.zeros((short, *np.shape(first)), stacked.dtype)
            batch[name] = np.concatenate([stacked, fill]) if short else stacked
        with jax.default_matmul_precision("float32"):  # an accelerator would otherwise round to 10 bits
            return self._run(self._variables, batch)

    def answer(self, items: Iterable[tuple[Item, Sequence[Row]] | Rejection]) -> Iterator[Answer[Item] | Rejection]:
        """One answer an item, in the order given; rejections among the items are passed on."""
        waiting: deque[_Waiting[Item] | Rejection] = deque()
        queues: dict[tuple, _Queue] = {}
        running: deque[tuple[dict[str, jax.Array], _Queue]] = deque()
        for entry in items:
            if isinstance(entry, Rejection):
                waiting.append(entry)
            else:
                item, rows = entry
                waiting.append(held := _Waiting(item, [None] * len(rows), len(rows)))
                for number, row in enumerate(rows):
                    queue = queues.setdefault(_signature(row), [])
                    queue.append((held, number, row))
                    if len(queue) == self.batch_size:
                        self._send(queue, running)
            if len(waiting) > _LOOK_AHEAD * self.batch_size:
                self._finish(queues, running)
            yield from _done(waiting)
        self._finish(queues, running)
        yield from _done(waiting)

    def _send(self, queue: _Queue, running: deque[tuple[dict[str, jax.Array], _Queue]]) -> None:
        if not queue:
            return
        sent, queue[:] = queue[:], []
        try:
            running.append((self.submit([row for _, _, row in sent]), sent))
        except (DataError, ConfigError) as error:
            for held, _, _ in sent:
                held.refused = error
                held.missing -= 1
        while len(running) > _IN_FLIGHT:
            _collect(*running.popleft())

    def _finish(self, queues: dict[tuple, _Queue], running: deque[tuple[dict[str, jax.Array], _Queue]]) -> None:
        for queue in queues.values():
            self._send(queue, running)
        while running:
            _collect(*running.popleft())


def _signature(row: Row) -> tuple:
    """Rows with equal ones fit in one batch."""
    return tuple((name, np.shape(value)) for name, value in row.items())


def _collect(outputs: dict[str, jax.Array], sent: _Queue) -> None:
    """Waits for the device and hands its answers out."""
    host = {name: np.asarray(value) for name, value in jax.device_get(outputs).items()}
    for i, (held, number, _) in enumerate(sent):
        held.outputs[number] = {name: value[i] for name, value in host.items()}
        held.missing -= 1


def _done(waiting: deque) -> Iterator[Any]:
    """What is ready at the head, in order."""
    while waiting:
        head = waiting[0]
        if isinstance(head, Rejection):
            yield waiting.popleft()
            continue
        if head.missing:
            return
        waiting.popleft()
        refused = head.refused
        yield Answer(head.item, () if refused else tuple(row for row in head.outputs if row is not None), refused)


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
