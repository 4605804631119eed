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
    """True once SIGTERM arrived here or, in a run of several processes, once all have agreed to stop at this step."""

    def __enter__(self) -> "StopRequest":
        self._asked = False
        self._previous = None
        if threading.current_thread() is threading.main_thread():
            self._previous = signal.signal(signal.SIGTERM, self._on_signal)
        return self

    def _on_signal(self, signum: int, frame: FrameType | None) -> None:
        self._asked = True

    def __call__(self, step: int) -> bool:
        if jax.process_count() > 1:
            # jax.distributed takes SIGTERM for itself; its sync point makes all processes stop at the same step.
            from jax.experimental import multihost_utils

            return multihost_utils.reached_preemption_sync_point(step)
        return self._asked

    def __exit__(self, *exc: object) -> None:
        if self._previous is not None:
            signal.signal(signal.SIGTERM, self._previous)


class Watchdog:
    """Ends the process, with all stacks on stderr, when no step has finished for `minutes`.

    A peer that is alive but stuck would otherwise hang the whole run without an error.
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
        while not self._done.wait(5.0):
            if time.monotonic() - self._last > self._limit:
                print(f"lcjax: no step finished in {self._limit / 60:.0f} minutes; giving up", file=sys.stderr)
                faulthandler.dump_traceback()
                os._exit(3)
