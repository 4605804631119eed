"""Who may come in: users with passwords, or whoever has the token; browsers keep a secret of which only the hash is stored.

Passwords are hashed by scrypt (RFC 7914) with N 2^14, r 8, p 1, the parameters that OWASP's password storage sheet allows.
"""

import base64
import hashlib
import hmac
import re
import secrets
import time
from dataclasses import dataclass

from sqlalchemy import Connection, delete, insert, select, update

from lcjax.errors import ConfigError
from lcjax.hunt import tables as t

SESSION_SECONDS = 14 * 86400.0
SHORTEST_PASSWORD = 10
MOST_NAME = 40
_NAME = re.compile(rf"[\w.@-]{{1,{MOST_NAME}}}")
_SCRYPT = {"n": 2**14, "r": 8, "p": 1, "dklen": 32}


@dataclass(frozen=True)
class Session:
    """A browser that is let in."""

    user: str
    csrf: str
    """What requests that change something must bring in a header, which no other site can read."""


def check_name(name: str) -> str:
    """A user's name.

    Raises:
      ConfigError: it is none.
    """
    if not _NAME.fullmatch(name):
        raise ConfigError(f"'{name[:MOST_NAME]}' is no user name: use 1 to {MOST_NAME} letters, digits and . _ - @")
    return name


def add_user(connection: Connection, name: str, password: str) -> None:
    """Adds a user, or gives one another password; sessions of that name end.

    Raises:
      ConfigError: a name or password that will not do.
    """
    check_name(name)
    if not SHORTEST_PASSWORD <= len(password) <= 1000:
        raise ConfigError(f"the password is too short or too long: use {SHORTEST_PASSWORD} to 1000 characters")
    there = connection.execute(select(t.User.name).where(t.User.name == name)).first()
    if there is None:
        connection.execute(insert(t.User).values(name=name, password=_hashed(password)))
    else:
        connection.execute(update(t.User).where(t.User.name == name).values(password=_hashed(password)))
    connection.execute(delete(t.Session).where(t.Session.user == name))


def has_passwords(connection: Connection) -> bool:
    """Whether there is any user with a password."""
    return connection.execute(select(t.User.name).where(t.User.password != "")).first() is not None


def may_enter(connection: Connection, name: str, secret: str, token: str) -> bool:
    """Whether a name and a password, or for a name without a password the token, let in.

    Takes as long for a name that does not exist.
    """
    stored = connection.execute(select(t.User.password).where(t.User.name == name)).scalar()
    by_token = bool(token) and hmac.compare_digest(secret.encode(), token.encode())
    if stored:
        return _verified(secret, stored)
    _hashed(secret)
    return by_token


def open_session(connection: Connection, name: str) -> str:
    """Lets a browser in; returns its secret."""
    check_name(name)
    if connection.execute(select(t.User.name).where(t.User.name == name)).first() is None:
        connection.execute(insert(t.User).values(name=name, password=""))
    secret, now = secrets.token_urlsafe(32), time.time()
    connection.execute(delete(t.Session).where(t.Session.until < now))
    connection.execute(insert(t.Session).values(secret_hash=_digest(secret), user=name, until=now + SESSION_SECONDS))
    return secret


def find_session(connection: Connection, secret: str) -> Session | None:
    """The session of a browser's secret; None: there is none, or it is over."""
    if not secret:
        return None
    query = select(t.Session.user).where(t.Session.secret_hash == _digest(secret), t.Session.until > time.time())
    user = connection.execute(query).scalar()
    return None if user is None else Session(user, _digest(f"csrf {secret}"))


def close_session(connection: Connection, secret: str) -> None:
    """Forgets a browser."""
    connection.execute(delete(t.Session).where(t.Session.secret_hash == _digest(secret)))


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def _hashed(password: str, salt: bytes | None = None) -> str:
    salt = salt or secrets.token_bytes(16)
    key = hashlib.scrypt(password.encode(), salt=salt, **_SCRYPT)
    return "$".join(base64.b64encode(part).decode() for part in (salt, key))


def _verified(password: str, stored: str) -> bool:
    salt = base64.b64decode(stored.split("$")[0])
    return hmac.compare_digest(_hashed(password, salt), stored)
