"""Being asked to stop, and noticing that nothing moves any more."""

import faulthandler
import os
import signal
import sys
import threading
import time
from types import FrameType

import jax


class StopRequest:
    """Answers whether the run should save and leave.

    Alone: after SIGTERM or a first Ctrl-C (a second one interrupts at once). In a run of several processes: once all
    have agreed to stop at this step because one of them got SIGTERM; `jax.distributed` takes the signal there.
    """

    def __enter__(self) -> "StopRequest":
        self._asked = False
        self._previous: dict[int, object] = {}
        if jax.process_count() == 1 and threading.current_thread() is threading.main_thread():
            for number in (signal.SIGTERM, signal.SIGINT):
                self._previous[number] = signal.signal(number, self._on_signal)
        return self

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        self._asked = True
        if number == signal.SIGINT:
            signal.signal(signal.SIGINT, signal.default_int_handler)

    def __call__(self, step: int) -> bool:
        """True if the run should stop after `step` updates; every process must ask at every step."""
        if jax.process_count() > 1:
            from jax.experimental import multihost_utils

            return multihost_utils.reached_preemption_sync_point(step)
        return self._asked

    def __exit__(self, *exc: object) -> None:
        for number, handler in self._previous.items():
            signal.signal(number, handler)


class Watchdog:
    """Ends the process, with all stacks on stderr, when no step has finished for `minutes`.

    A peer that is alive but stuck would otherwise hang the whole run without an error. The default leaves room for
    slow compilation and long evaluations.
    """

    def __init__(self, minutes: float = 60.0) -> None:
        """Starts watching; only runs of several processes need it."""
        self._limit = minutes * 60
        self._last = time.monotonic()
        self._done = threading.Event()
        if jax.process_count() > 1:
            threading.Thread(target=self._watch, daemon=True).start()

    def step_finished(self) -> None:
        """Feeds the dog."""
        self._last = time.monotonic()

    def close(self) -> None:
        """Stops watching."""
        self._done.set()

    def _watch(self) -> None:
        while not self._done.wait(min(5.0, self._limit / 4)):
            if time.monotonic() - self._last > self._limit:
                minutes = f"{self._limit / 60:g}"
                print(f"lcjax: no step finished in {minutes} minutes; giving up", file=sys.stderr)
                faulthandler.dump_traceback()
                os._exit(3)
