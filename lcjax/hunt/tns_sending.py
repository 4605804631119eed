"""Reports to the Transient Name Server: read from a file, checked, and sent."""

import json
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path
from typing import Any

from lcjax.errors import ConfigError, DataError
from lcjax.hunt.tns import problems

SANDBOX, REAL = "https://sandbox.wis-tns.org", "https://www.wis-tns.org"
_MOST_BYTES = 20 << 20
_SECONDS = 60.0


def read_report(path: Path) -> Any:
    """The JSON that the page wrote.

    Raises:
      DataError: it cannot be read, or TNS would refuse fields of it.
    """
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise DataError(f"'{path}' is too large for a report: give the file that the page wrote")
        report = json.loads(path.read_text())
    except (OSError, ValueError, RecursionError) as error:
        raise DataError(f"'{path}' is no report: {error}") from error
    if wrong := problems(report):
        shown = "; ".join(wrong[:3])
        raise DataError(f"'{path}' has {len(wrong)} fields that TNS would refuse: {shown}")
    return report


def shown(report: Any) -> list[str]:
    """A line for each object of a report: name, position, when it was discovered, points."""
    return [
        f"{one['internal_name'] or '-':<20} {one['ra']['value']} {one['dec']['value']} {one['discovery_datetime']} "
        f"{len(one['photometry']['photometry_group'])} points"
        for one in report["at_report"].values()
    ]


def read_key(path: Path) -> tuple[str, int, str]:
    """API key, number and name of the bot.

    Raises:
      ConfigError: the file cannot be read, or does not hold these three lines.
    """
    try:
        lines = path.read_text().splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"the key file '{path}' cannot be read: {error}") from error
    if len(lines) < 3 or not all(lines[:3]) or not lines[1].strip().isdigit():
        raise ConfigError(f"the key file '{path}' has three lines: the bot's API key, its number and its name")
    return lines[0].strip(), int(lines[1]), lines[2].strip()


def send(server: str, report: Any, key: str, number: int, name: str) -> str:
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
