"""Half-sent requests and silent connections are closed; whole requests, one after the other, are answered."""

import asyncio

import uvicorn

from lcjax.hunt import connections

_WHOLE = b"GET / HTTP/1.1\r\nhost: a\r\n\r\n"


async def _app(scope, receive, send):
    if scope["type"] == "http":
        await asyncio.sleep(0.3)  # an answer may take longer than the patience for questions
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body"})


async def _try(port, *parts, patience=5.0):
    """Answers, then whether the server hung up within so many seconds after the last part."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    found = []
    for part in parts:
        writer.write(part)
        if part.endswith(b"\r\n\r\n"):
            found.append((await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 5))[:12])
    try:
        found.append(await asyncio.wait_for(reader.read(), patience) == b"")
    except TimeoutError:
        found.append(False)
    writer.close()
    return found


def test_slow_and_silent_connections(monkeypatch):
    monkeypatch.setattr(connections, "PATIENCE", 0.1)

    async def main():
        config = uvicorn.Config(
            _app, port=0, lifespan="off", log_config=None, http=connections.ImpatientProtocol, timeout_keep_alive=30
        )
        server = uvicorn.Server(config)
        serving = asyncio.create_task(server.serve())
        while not server.started:
            await asyncio.sleep(0.01)
        port = server.servers[0].sockets[0].getsockname()[1]
        tried = await asyncio.gather(
            _try(port),
            _try(port, b"GET / HTT"),
            _try(port, _WHOLE, patience=0.4),
            _try(port, _WHOLE, _WHOLE, patience=0.4),
            _try(port, _WHOLE, b"G"),
        )
        server.should_exit = True
        await serving
        return tried

    silent, half, whole, twice, half_after = asyncio.run(main())
    assert silent == [True] and half == [True]
    assert whole == [b"HTTP/1.1 204", False] and twice == [b"HTTP/1.1 204"] * 2 + [False]  # kept open for more
    assert half_after == [b"HTTP/1.1 204", True]
