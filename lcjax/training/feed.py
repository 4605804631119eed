"""From a source to dispatches: read ahead in a thread, group batches into updates, stack what one call will run."""

import queue
import threading
from collections import deque
from collections.abc import Iterator
from typing import Any

import jax
import numpy as np

from lcjax.errors import DataError
from lcjax.training.source import Position, device_part
from lcjax.typing import Batch


class Prefetch:
    """Runs an iterator in a thread, a few items ahead; errors surface where the item is asked for."""

    def __init__(self, items: Iterator, depth: int = 4) -> None:
        """Starts reading `items` at once."""
        self._queue: queue.Queue = queue.Queue(depth)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._read, args=(items,), daemon=True)
        self._thread.start()

    def _put(self, item: tuple) -> bool:
        while not self._stop.is_set():
            try:
                self._queue.put(item, timeout=0.1)
                return True
            except queue.Full:
                continue
        return False

    def _read(self, items: Iterator) -> None:
        try:
            for item in items:
                if not self._put((item, None)):
                    return
            self._put((None, DataError("the training data ended: it gave no further batch")))
        except BaseException as error:
            self._put((None, error))

    def __iter__(self) -> Iterator:
        return self

    def __next__(self) -> Any:
        item, error = self._queue.get()
        if error is not None:
            raise error
        return item

    def close(self) -> None:
        """Stops the thread."""
        self._stop.set()
        self._thread.join(timeout=5)


class Feeder:
    """Groups batches into updates of `accumulate` batches, and updates into dispatches.

    What a dispatch holds depends only on where it starts and on what follows, never on where the run was resumed.
    """

    def __init__(self, reader: Iterator[tuple[Position, Batch]], accumulate: int) -> None:
        """`reader`: ((epoch, batch), arrays) without end."""
        self._reader, self._accumulate = reader, accumulate
        self._ahead: deque[tuple[Position, Batch]] = deque()

    def take(self, updates: int) -> list[list[Batch]]:
        """Batches of the next `updates` updates, or of one if their padded lengths differ (padding is not work)."""
        self._fill(updates * self._accumulate)
        batches = [batch for _, batch in self._ahead][: updates * self._accumulate]
        groups = [batches[i : i + self._accumulate] for i in range(0, len(batches), self._accumulate)]
        if len({_width(group) for group in groups}) > 1:
            groups = groups[:1]
        for _ in range(len(groups) * self._accumulate):
            self._ahead.popleft()
        return groups

    @property
    def position(self) -> Position:
        """(epoch, batch) of the first batch not taken yet."""
        self._fill(1)
        return tuple(self._ahead[0][0])

    def peek(self) -> Batch:
        """The first batch not taken yet."""
        self._fill(1)
        return self._ahead[0][1]

    def _fill(self, count: int) -> None:
        while len(self._ahead) < count:
            self._ahead.append(next(self._reader))


def _width(group: list[Batch]) -> tuple[int, ...]:
    """Longest second axis of every entry that has one."""
    arrays = [jax.tree.leaves(device_part(batch)) for batch in group]
    return tuple(max(x.shape[1] for x in entry) for entry in zip(*arrays, strict=True) if entry[0].ndim > 1)


def stack_updates(updates: list[list[Batch]]) -> Batch:
    """Batches of several updates -> arrays (updates, accumulated, rows, ...), zero-padded along the second axis.

    Streams keep their own numbers of rows.
    """
    batches = [device_part(batch) for update in updates for batch in update]
    leading = (len(updates), len(updates[0]))

    def stack(*values: np.ndarray) -> np.ndarray:
        if values[0].ndim > 1:
            width = max(v.shape[1] for v in values)
            values = [np.pad(v, [(0, 0), (0, width - v.shape[1])] + [(0, 0)] * (v.ndim - 2)) for v in values]
        return np.stack(values).reshape(*leading, *values[0].shape)

    return jax.tree.map(stack, *batches)
