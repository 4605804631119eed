"""Connections that keep the server waiting: they are closed, so that a few hundred half-sent requests do not keep everybody out."""

import asyncio

from uvicorn.protocols.http.h11_impl import H11Protocol

PATIENCE = 10.0
"""Seconds; a connection on which no whole request comes is closed after this time, or twice this at most."""


class ImpatientProtocol(H11Protocol):
    """HTTP/1.1 as uvicorn speaks it, for clients that finish what they begin to ask.

    uvicorn closes connections that are quiet after an answer, but waits for ever for the rest of a request that has begun
    (`slow loris`), or for the first byte of one.
    """

    _timer: asyncio.TimerHandle | None = None
    _idle = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begins to watch."""
        super().connection_made(transport)
        self._timer = self.loop.call_later(PATIENCE, self._look)

    def connection_lost(self, exc: Exception | None) -> None:
        """Ends watching."""
        if self._timer is not None:
            self._timer.cancel()
        super().connection_lost(exc)

    def _look(self) -> None:
        answering = self.cycle is not None and not self.cycle.response_complete
        kept_alive = self.timeout_keep_alive_task is not None  # quiet after an answer: closed by uvicorn's own clock
        waiting = not answering and not kept_alive
        if waiting and (self._idle or self.cycle is None):
            self.transport.close()
            return
        self._idle = waiting
        self._timer = self.loop.call_later(PATIENCE, self._look)
