"""`lcjax hunt`: candidates of a night in the browser, ranked by classifiers, for experts to accept or reject by keyboard.

`lcjax hunt user NAME` gives a user a password; `lcjax hunt tns REPORT.json` checks, and with --send sends, a report that the
page wrote.
"""

import dataclasses
import getpass
import importlib.util
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import tyro
from rich.console import Console
from rich.markup import escape

from lcjax.cli import option_groups
from lcjax.cli.hunt_opening import database_url, is_loopback, open_night
from lcjax.errors import MissingExtraError, StorageError

if TYPE_CHECKING:
    from lcjax.hunt.night import Night

_NEEDED = ("fastapi", "uvicorn", "sqlalchemy", "alembic")


@dataclasses.dataclass(frozen=True)
class HuntOptions:
    """Opens the triage page of a night of candidates on this machine, and prints its address.

    Without --alerts the night is simulated, and a small network that has learned from the same simulation ranks it. With alerts
    and without --model they are ranked by the survey's own real-bogus score.

    One candidate is one object, shown by its earliest alert that has come; its light curve is of all.
    Votes are on the disk when the page says so. The same command goes on with the same night, with everything that was voted.
    """

    alerts: tuple[str, ...] = ()
    """Files and folders of alerts (Avro, tar, Parquet, FITS, .npy), which are watched for new ones; or kafka://host:port/topic."""
    model: tuple[str, ...] = ()
    """Stamp classifiers: workdirs, weights folders or published names. The first ranks the list, all are shown."""
    host_model: str | None = None
    """Host finder, such as delight."""
    hunted: str = "SN"
    """Class whose probability ranks the list; what is accepted gets it as label."""
    known: tuple[Path, ...] = ()
    """Catalogues of known objects: TNS's public list as downloaded, or CSV tables with ra, dec (degrees) and name."""
    known_arcsec: float = 3.0
    """Radius in which a candidate is a known object."""
    database: str | None = None
    """SQLite file, or URL such as postgresql+psycopg://user@host/name. Default: lcjax-hunt/hunt.sqlite, for simulated alerts
    lcjax-hunt/simulated.sqlite."""
    host: str = "127.0.0.1"
    """Interface to listen on. Others than loopback need users with passwords (lcjax hunt user NAME) or --token-file."""
    port: int = 8642
    """0: any that is free."""
    token_file: Path | None = None
    """File with a token, of 16 characters at least, that lets in whoever has it, under any name that has no password.
    Default on loopback: a new one at every start, in the printed address."""
    user: str | None = None
    """Your name in the printed address. Default: that of your account here."""
    allowed_host: tuple[str, ...] = ()
    """Host names, beside localhost and numbers, under which browsers may ask for the page."""
    tls_cert: Path | None = None
    """Certificate (PEM), to serve over TLS."""
    tls_key: Path | None = None
    """Its key."""
    browser: bool = False
    """Also open the page in this machine's browser."""
    count: int = 300
    """Simulated alerts."""
    every: float = 20.0
    """Seconds between further simulated alerts; 0: none come."""
    batch_size: int | None = None
    """Alerts classified at once; does not change results."""
    tns_group_id: int | None = None
    """Number of your reporting group at the Transient Name Server: for reports."""
    tns_numbers: tuple[str, ...] = ()
    """Numbers of TNS that are not known here, such as atlas.source=N atlas.instrument=N lsst.filter.r=N (www.wis-tns.org/api/values)."""
    tns_reporter: str = ""
    """Who reports, as TNS wants it: 'A. Name (Institute), on behalf of ...'."""


def main(argv: list[str]) -> int:
    """Opens database and models, starts reading and classifying beside the server, serves until interrupted."""
    if argv[:1] == ["user"]:
        return _set_password(argv[1:])
    if argv[:1] == ["tns"]:
        from lcjax.cli import hunt_tns

        return hunt_tns.main(argv[1:])
    _check_installed()
    from data_pipelines.kinds import find_kind

    groups = option_groups.merged(find_kind(name).predict_options for name in ("alerts", "host_fields"))
    options, chosen = option_groups.parse(HuntOptions, groups, argv, "lcjax hunt")
    console = Console(stderr=True)
    say = lambda text: console.print(escape(text), highlight=False, soft_wrap=True)
    night = open_night(options, chosen, say)
    try:
        return serve(options, night, say)
    finally:
        night.background.stop()
        night.database.close()


def _check_installed() -> None:
    for package in _NEEDED:
        if importlib.util.find_spec(package) is None:
            raise MissingExtraError(package, "hunt", "the triage page")


def serve(options: HuntOptions, night: "Night", say: Callable[[str], None]) -> int:
    """Serves until interrupted."""
    import socket

    import uvicorn

    from lcjax.hunt.app import make_app
    from lcjax.hunt.connections import ImpatientProtocol

    try:
        family = socket.AF_INET6 if ":" in options.host else socket.AF_INET
        listener = socket.create_server((options.host, options.port), family=family)
    except (OSError, OverflowError) as error:
        raise StorageError(
            f"cannot listen on {options.host} port {options.port}: {getattr(error, 'strerror', None) or error}; "
            "choose another --port, or 0 for any"
        ) from error
    address = _address(options, night, listener.getsockname()[1])
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
    print(f"candidates of {night.background.feed.name}: {address}", flush=True)
    print(f"votes are kept in {night.database.shown}; stop with Ctrl-C", flush=True)
    if not is_loopback(options.host) and options.tls_cert is None:
        say("passwords travel unencrypted: give --tls-cert and --tls-key, or put a proxy with TLS before this")
    if options.browser:
        import webbrowser

        threading.Timer(1.0, webbrowser.open, (address,)).start()
    server.run(sockets=[listener])
    return 0


def _address(options: HuntOptions, night: "Night", port: int) -> str:
    from urllib.parse import quote

    scheme = "https" if night.secure else "http"
    host = f"[{options.host}]" if ":" in options.host else options.host
    base = f"{scheme}://{host}:{port}/"
    if options.token_file is not None or not night.token:
        return base
    return f"{base}enter?name={quote(options.user or _account())}&token={night.token}"


def _account() -> str:
    import re

    try:
        name = re.sub(r"[^\w.@-]", "", getpass.getuser())[:40]
    except (KeyError, OSError):
        name = ""
    return name or "me"


@dataclasses.dataclass(frozen=True)
class UserOptions:
    """Gives a user of the triage page a password (read from the terminal, or the first line of the input); sessions end."""

    name: Annotated[str, tyro.conf.Positional]
    """Letters, digits and . _ - @."""
    database: str | None = None
    """As of lcjax hunt."""
    night: Literal["alerts", "simulated"] = "alerts"
    """Whose default database, where none is given."""


def _set_password(argv: list[str]) -> int:
    _check_installed()
    from lcjax.hunt import sessions, votes
    from lcjax.hunt.database import Database

    options = tyro.cli(UserOptions, args=argv, prog="lcjax hunt user")
    sessions.check_name(options.name)
    night = HuntOptions(database=options.database, alerts=("given",) if options.night == "alerts" else ())
    if sys.stdin.isatty():
        password = getpass.getpass("password: ")
    else:
        password = sys.stdin.readline().rstrip("\n")
    database = Database(database_url(night))
    try:
        with database.write() as connection:
            sessions.add_user(connection, options.name, password)
            votes.log(connection, options.name, "password", detail="set from the command line")
    finally:
        database.close()
    print(f"'{options.name}' has a password in {database.shown}")
    return 0
