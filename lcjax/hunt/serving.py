"""Serves the page until it is interrupted, and says where it is."""

import getpass
import re
import socket
import threading
import webbrowser
from collections.abc import Callable
from urllib.parse import quote

import uvicorn

from lcjax.errors import StorageError
from lcjax.hunt.app import make_app
from lcjax.hunt.connections import ImpatientProtocol
from lcjax.hunt.entering import is_loopback
from lcjax.hunt.night import Night
from lcjax.hunt.settings import HuntOptions


def serve(options: HuntOptions, night: Night, say: Callable[[str], None]) -> int:
    """Serves until interrupted."""
    try:
        family = socket.AF_INET6 if ":" in options.host else socket.AF_INET
        listener = socket.create_server((options.host, options.port), family=family)
    except (OSError, OverflowError) as error:
        raise StorageError(
            f"cannot listen on {options.host} port {options.port}: {(error.strerror if isinstance(error, OSError) else None) or error}; "
            "choose another --port, or 0 for any"
        ) from error
    shown = address(options, night, listener.getsockname()[1])
    config = uvicorn.Config(
        make_app(night),
        log_level="warning",
        access_log=False,  # addresses hold the token once
        server_header=False,
        lifespan="off",
        ssl_certfile=options.tls_cert,
        ssl_keyfile=options.tls_key,
        timeout_keep_alive=30,
        http=ImpatientProtocol,
        limit_concurrency=400,
    )
    server = uvicorn.Server(config)
    night.background.start()
    print(f"candidates of {night.background.feed.name}: {shown}", flush=True)
    print(f"votes are kept in {night.database.shown}; stop with Ctrl-C", flush=True)
    if not is_loopback(options.host) and options.tls_cert is None:
        say("passwords travel unencrypted: give --tls-cert and --tls-key, or put a proxy with TLS before this")
    if options.browser:
        threading.Timer(1.0, webbrowser.open, (shown,)).start()
    server.run(sockets=[listener])
    return 0


def address(options: HuntOptions, night: Night, port: int) -> str:
    """Where the page is; on this machine with the token that lets in."""
    scheme = "https" if night.secure else "http"
    host = f"[{options.host}]" if ":" in options.host else options.host
    base = f"{scheme}://{host}:{port}/"
    if options.token_file is not None or not night.token:
        return base
    return f"{base}enter?name={quote(options.user or _account())}&token={night.token}"


def _account() -> str:
    try:
        name = re.sub(r"[^\w.@-]", "", getpass.getuser())[:40]
    except (KeyError, OSError):
        name = ""
    return name or "me"
