"""Who may come in: the token of a file, passwords where others could reach the page."""

import ipaddress

from lcjax.errors import ConfigError
from lcjax.hunt.database import Database
from lcjax.hunt.sessions import has_passwords
from lcjax.hunt.settings import HuntOptions

_SHORTEST_TOKEN = 16


def read_token(options: HuntOptions) -> str | None:
    """The token of --token-file; None: a new one (loopback) is made.

    Raises:
      ConfigError: it cannot be read or is too short.
    """
    if options.token_file is None:
        return None if is_loopback(options.host) else ""
    try:
        token = options.token_file.read_text().strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"the token file '{options.token_file}' cannot be read: {error}") from error
    if len(token) < _SHORTEST_TOKEN:
        raise ConfigError(f"the token in '{options.token_file}' is too short: use {_SHORTEST_TOKEN} characters or more")
    return token


def check_open_to_others(options: HuntOptions, database: Database, token: str | None) -> None:
    """Raises ConfigError: others could reach the page, and nothing would keep them out."""
    if (options.tls_cert is None) != (options.tls_key is None):
        raise ConfigError("TLS needs both --tls-cert and --tls-key")
    if token != "":
        return
    with database.read() as connection:
        if not has_passwords(connection):
            raise ConfigError(
                f"--host {options.host} lets others in, and nobody has a password: give users one with  lcjax hunt user NAME"
                "  or a token with --token-file"
            )


def is_number(host: str) -> bool:
    """Whether a host is an address and not a name."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach it."""
    return ipaddress.ip_address(host).is_loopback if is_number(host) else host == "localhost"
