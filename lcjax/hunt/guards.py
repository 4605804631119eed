"""What every request must pass before the app sees it: a host that is ours, an origin that is ours, a small body, a decent pace.

Host: a page of another site may make its own name point here (DNS rebinding); a request that names a host we are not called by is
refused. Numbers are always ours: no such attack has them. Origin: browsers say which site a changing request comes from.
"""

import asyncio
import ipaddress
import time
from collections import OrderedDict
from collections.abc import Sequence
from http.cookies import CookieError, SimpleCookie
from typing import Any
from urllib.parse import urlsplit

_COOKIE = "lcjax_hunt"
MOST_BODY = 64 * 1024
SLOWEST_BODY = 10.0
"""Seconds until the next part of a body must have come."""
_MOST_PACERS = 10_000
_SAFE = ("GET", "HEAD", "OPTIONS")
HEADERS = {
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; connect-src 'self'; "
        "manifest-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    ),
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), microphone=(), geolocation=()",
}


class Pace:
    """Token buckets: so many requests a second of each client, and so many at once."""

    def __init__(self, per_second: float, burst: int) -> None:
        """`burst`: requests that a client that was quiet may make at once."""
        self.per_second, self.burst = per_second, burst
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def allows(self, client: str, now: float | None = None) -> bool:
        """Whether one more request of a client is within its pace.

        >>> pace = Pace(1.0, 2)
        >>> [pace.allows("a", at) for at in (0.0, 0.0, 0.0, 1.5)]
        [True, True, False, True]
        """
        now = time.monotonic() if now is None else now
        left, at = self._left.pop(client, (float(self.burst), now))
        left = min(float(self.burst), left + (now - at) * self.per_second)
        self._left[client] = (left - 1 if left >= 1 else left, now)
        if len(self._left) > _MOST_PACERS:
            self._left.popitem(last=False)
        return left >= 1


class Guard:
    """ASGI middleware around the app."""

    def __init__(self, app: Any, names: Sequence[str] = (), secure: bool = False) -> None:
        """`names`: host names that are ours beside localhost and numbers. `secure`: served over TLS."""
        self._app, self._names = app, {"localhost", *(name.lower() for name in names)}
        self._secure = secure
        self._reads, self._writes = Pace(100, 400), Pace(20, 100)
        self._of_address = Pace(400, 2000)  # whatever cookies it makes up; behind a proxy a whole team has one address

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """One request."""
        if scope["type"] != "http":
            if scope["type"] == "lifespan":
                await self._app(scope, receive, send)
            return
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
        refusal = self._refusal(scope, headers)
        if refusal is not None:
            await _answer(send, *refusal)
            return
        taken, whole = 0, False

        async def bounded() -> Any:
            nonlocal taken, whole
            try:  # a body that trickles in holds a connection; after the body one only waits for the end
                message = await asyncio.wait_for(receive(), None if whole else SLOWEST_BODY)
            except TimeoutError:
                return {"type": "http.disconnect"}
            whole = not message.get("more_body", False)
            taken += len(message.get("body", b""))
            if taken > MOST_BODY:  # a body without a true content-length
                return {"type": "http.disconnect"}
            return message

        async def marked(message: Any) -> None:
            if message["type"] == "http.response.start":
                there = {name.lower() for name, _ in message["headers"]}
                more = dict(HEADERS)
                if self._secure:
                    more["strict-transport-security"] = "max-age=31536000"
                if b"cache-control" not in there:
                    more["cache-control"] = "no-store"
                extra = [(k.encode(), v.encode()) for k, v in more.items() if k.encode() not in there]
                message = {**message, "headers": [*message["headers"], *extra]}
            await send(message)

        await self._app(scope, bounded, marked)

    def _refusal(self, scope: Any, headers: dict[str, str]) -> tuple[int, str] | None:
        host = headers.get("host", "")
        if not self._is_ours(host):
            return 421, "this server is not called by that host name: use the printed address, or --allowed-host"
        if b"%00" in scope.get("query_string", b"") or "\0" in scope["path"]:
            return 400, "the address holds a null character"
        size = headers.get("content-length", "0")
        if not size.isdigit() or int(size) > MOST_BODY:
            return 413, "the request is too large"
        address = str((scope.get("client") or ("?",))[0])
        client = secret_of(headers.get("cookie", ""), host) or address
        safe = scope["method"] in _SAFE
        if not self._of_address.allows(address) or not (self._reads if safe else self._writes).allows(client):
            return 429, "too many requests: wait a second"
        if safe:
            return None
        origin = headers.get("origin", "")
        scheme = "https" if self._secure else "http"
        if (
            origin.lower() != f"{scheme}://{host.lower()}"
            or headers.get("sec-fetch-site", "same-origin") != "same-origin"
        ):
            return 403, "the request comes from another site"
        return None

    def _is_ours(self, host: str) -> bool:
        if "@" in host:
            return False
        try:
            name = (urlsplit(f"//{host}").hostname or "").lower()
        except ValueError:
            return False
        try:
            ipaddress.ip_address(name)
        except ValueError:
            return name in self._names
        return True


def cookie_of(host: str) -> str:
    """Name of the cookie of a server: browsers keep those of one machine together, whatever the port.

    >>> cookie_of("127.0.0.1:8642"), cookie_of("[::1]")
    ('lcjax_hunt_8642', 'lcjax_hunt')
    """
    port = host.rpartition(":")[2]
    return f"{_COOKIE}_{port}" if ":" in host and port.isascii() and port.isdigit() else _COOKIE


def secret_of(cookies: str, host: str = "") -> str:
    """The session's secret among the cookies of a request to a host; empty: none."""
    try:
        found = SimpleCookie(cookies).get(cookie_of(host))
    except CookieError:
        return ""
    return found.value if found else ""


async def _answer(send: Any, status: int, text: str) -> None:
    import json

    body = json.dumps({"error": text}).encode()
    headers = [(k.encode(), v.encode()) for k, v in {**HEADERS, "content-type": "application/json"}.items()]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
