"""`lcjax hunt tns REPORT.json`: checks a report, and sends it to the Transient Name Server only when told to."""

import dataclasses
from pathlib import Path
from typing import Annotated

import tyro

from lcjax.errors import ConfigError
from lcjax.hunt.tns_sending import REAL, SANDBOX, read_key, read_report, send, shown


@dataclasses.dataclass(frozen=True)
class TnsOptions:
    """Checks a report that the triage page wrote, and says what it would send. Nothing is sent without --send.

    A report that is sent goes to TNS's sandbox unless --real is given as well.
    """

    report: Annotated[Path, tyro.conf.Positional]
    """JSON file."""
    send: bool = False
    """Send it."""
    real: bool = False
    """To the real server, where what is reported is public at once and for ever."""
    key_file: Path | None = None
    """File with three lines: the bot's API key, its number and its name at TNS. Keep it readable by you alone."""
    server: str | None = None
    """Address of another server, for tests."""


def main(argv: list[str]) -> int:
    """Checks, says what is there, and sends if asked."""
    options = tyro.cli(TnsOptions, args=argv, prog="lcjax hunt tns")
    report = read_report(options.report)
    lines = shown(report)
    print("\n".join(lines))
    server = options.server or (REAL if options.real else SANDBOX)
    if not options.send:
        print(f"dry run: {len(lines)} objects are as TNS wants them; --send would send them to {server}")
        return 0
    if options.key_file is None:
        raise ConfigError("sending needs --key-file, a file with the bot's API key, number and name")
    answer = send(server, report, *read_key(options.key_file))
    print(f"sent {len(lines)} objects to {server}: report {answer}")
    return 0
