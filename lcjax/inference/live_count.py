"""How far a long command is: a live line in a terminal, a plain line now and then elsewhere."""

import time
from collections.abc import Callable
from typing import Any

from rich.console import Console

_LIVE_SECONDS = 0.2
_PLAIN_SECONDS = 30.0


class LiveCount:
    """Counts things while they pass; use as a context, `add` what was done."""

    def __init__(self, console: Console, *units: str) -> None:
        """`units`: plural names of what is counted; the rate is that of the last one."""
        self._console, self._units = console, units
        self._status = console.status("reading ...") if console.is_terminal else None
        self.counts = [0] * len(units)
        self._started = self._shown = time.monotonic()

    def __enter__(self) -> "LiveCount":
        if self._status:
            self._status.start()
        return self

    def add(self, *amounts: int) -> None:
        """Adds to the counts, in the order of the units."""
        for i, amount in enumerate(amounts):
            self.counts[i] += amount
        self.show()

    def show(self) -> None:
        """Refreshes the line when it is time."""
        now = time.monotonic()
        if now - self._shown < (_LIVE_SECONDS if self._status else _PLAIN_SECONDS):
            return
        self._shown = now
        rate = self.counts[-1] / (now - self._started)
        counted = ", ".join(f"{n:,} {unit}" for n, unit in zip(self.counts, self._units, strict=True))
        show: Callable[[str], Any] = self._status.update if self._status else self._print
        show(f"{counted}, {rate:,.0f} {self._units[-1]}/s")

    def _print(self, text: str) -> None:
        self._console.print(text, highlight=False, soft_wrap=True)

    def __exit__(self, *unused: Any) -> None:
        if self._status:
            self._status.stop()
