"""What the engine asks of data: seeded batches that can be restarted anywhere, and one pass for evaluation."""

import queue
import threading
from collections.abc import Iterator
from typing import Protocol

import numpy as np

HOST_KEYS = frozenset({"object_id", "reference_mjd", "band", "record"})
"""Batch entries that stay on the host."""

Position = tuple[int, int]
"""(epoch, batch of the epoch): two integers name any place in the endless sequence of training batches."""


class Source(Protocol):
    """Batches of this process's rows; concatenated in rank order they are the global batch."""

    fingerprint: str

    def train_batches(self, epoch: int = 0, batch: int = 0) -> Iterator[tuple[Position, dict[str, np.ndarray]]]:
        """Endless; restarted at a position it yields exactly the same rest."""

    def evaluation_batches(self) -> Iterator[dict[str, np.ndarray]]:
        """One pass in fixed order; rows that only fill up a batch have weight 0."""


def device_part(batch: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The entries that go to the device."""
    return {name: value for name, value in batch.items() if name not in HOST_KEYS}


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
            self._put((None, StopIteration()))
        except BaseException as error:
            self._put((None, error))

    def __iter__(self) -> Iterator:
        return self

    def __next__(self):
        item, error = self._queue.get()
        if error is not None:
            raise error
        return item

    def close(self) -> None:
        """Stops the thread."""
        self._stop.set()
        self._thread.join(timeout=5)
