"""A function over a stream of items by processes of their own: bounded memory, results in the order of the items.

For work in C or Python that holds the interpreter's lock, such as finding the sources of images. Processes are spawned, not
forked, since the caller has threads and perhaps an accelerator, and end with the caller, however it ends.
"""

import itertools
import multiprocessing
import os
import signal
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import Any, Self, TypeVar

from lcjax.cores import cores
from lcjax.errors import DataError

Item = TypeVar("Item")
Result = TypeVar("Result")

_FEW = 32
"""So many items are not worth starting a process."""
_MOST = 4
_AHEAD = 4
"""Items that wait for a process, for each of them."""


def usual_count() -> int:
    """Processes that are worth starting: with more than four, whoever takes their answers is the slowest.

    One core is left to the caller; none to spare means none.
    """
    return min(_MOST, cores() - 1)


class Processes:
    """Processes that start with the first stream that is long enough; use as a context."""

    def __init__(self, count: int) -> None:
        """`count`: of processes; 0: everything is done here."""
        self.count = count
        self._pool: ProcessPoolExecutor | None = None

    def map(self, function: Callable[[Item], Result], items: Iterable[Item], few: int = _FEW) -> Iterator[Result]:
        """`function` of every item, in order; what it raises is raised here, at its turn.

        Args:
          function: picklable, like the items and its results. few: so many items are not worth starting a process.

        Raises:
          DataError: a process died.
        """
        items = iter(items)
        if self.count and self._pool is None:
            yield from map(function, itertools.islice(items, few))
            more = list(itertools.islice(items, 1))
            if not more:
                return
            items = itertools.chain(more, items)
            context = multiprocessing.get_context("spawn")
            self._pool = ProcessPoolExecutor(self.count, context, initializer=_end_with_the_caller)
        if self._pool is None:
            yield from map(function, items)
            return
        yield from self._beside(self._pool, function, items)

    def _beside(
        self, pool: ProcessPoolExecutor, function: Callable[[Item], Result], items: Iterator[Item]
    ) -> Iterator[Result]:
        waiting: deque[Future[Result]] = deque()
        try:
            for item in items:
                waiting.append(pool.submit(function, item))
                if len(waiting) >= _AHEAD * self.count:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        except BrokenProcessPool as error:
            raise DataError(
                "a process that works beside this one died (perhaps memory was short): use fewer of them (lcjax predict: --decoders)"
            ) from error
        finally:
            for future in waiting:
                future.cancel()

    def close(self) -> None:
        """Ends the processes; what they still have is dropped."""
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)
            self._pool = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *unused: Any) -> None:
        self.close()


def _end_with_the_caller() -> None:
    """Signals to the group are the caller's business, its death ends this process."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    caller = multiprocessing.parent_process()

    def wait() -> None:
        if caller is not None:
            caller.join()
            os._exit(1)

    threading.Thread(target=wait, daemon=True).start()
