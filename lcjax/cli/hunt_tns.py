"""`lcjax hunt tns REPORT.json`: checks a report, and sends it to the Transient Name Server only when told to."""

import dataclasses
import json
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path
from typing import Annotated, Any

import tyro

from lcjax.errors import ConfigError, DataError
from lcjax.hunt.tns import problems

_SANDBOX, _REAL = "https://sandbox.wis-tns.org", "https://www.wis-tns.org"
_MOST_BYTES = 20 << 20
_SECONDS = 60.0


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
    report = _read(options.report)
    if wrong := problems(report):
        shown = "; ".join(wrong[:3])
        raise DataError(f"'{options.report}' has {len(wrong)} fields that TNS would refuse: {shown}")
    objects = report["at_report"].values()
    for one in objects:
        points = len(one["photometry"]["photometry_group"])
        print(
            f"{one['internal_name'] or '-':<20} {one['ra']['value']} {one['dec']['value']} {one['discovery_datetime']} {points} points"
        )
    server = options.server or (_REAL if options.real else _SANDBOX)
    if not options.send:
        print(f"dry run: {len(objects)} objects are as TNS wants them; --send would send them to {server}")
        return 0
    if options.key_file is None:
        raise ConfigError("sending needs --key-file, a file with the bot's API key, number and name")
    answer = _send(server, report, *_read_key(options.key_file))
    print(f"sent {len(objects)} objects to {server}: report {answer}")
    return 0


def _read(path: Path) -> Any:
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise DataError(f"'{path}' is too large for a report: give the file that the page wrote")
        return json.loads(path.read_text())
    except (OSError, ValueError, RecursionError) as error:
        raise DataError(f"'{path}' is no report: {error}") from error


def _read_key(path: Path) -> tuple[str, int, str]:
    try:
        lines = path.read_text().splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"the key file '{path}' cannot be read: {error}") from error
    if len(lines) < 3 or not all(lines[:3]) or not lines[1].strip().isdigit():
        raise ConfigError(f"the key file '{path}' has three lines: the bot's API key, its number and its name")
    return lines[0].strip(), int(lines[1]), lines[2].strip()


def _send(server: str, report: Any, key: str, number: int, name: str) -> str:
    """Number of the report at TNS. The key is in the body alone, never in an address or a message."""
    body = urllib.parse.urlencode({"api_key": key, "data": json.dumps(report)}).encode()
    marker = "tns_marker" + json.dumps({"tns_id": number, "type": "bot", "name": name})
    request = urllib.request.Request(f"{server}/api/set/bulk-report", body, {"User-Agent": marker})
    try:
        with urllib.request.urlopen(request, timeout=_SECONDS) as response:
            answer = json.loads(response.read(_MOST_BYTES))
        return str(answer["data"]["report_id"])
    except urllib.error.HTTPError as error:
        raise DataError(
            f"{server} refuses the report with status {error.code}: nothing was taken; check the key file"
        ) from None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataError(
            f"{server} did not answer as expected ({type(error).__name__}): look there before you send again"
        ) from None
