"""The database: SQLite by default, PostgreSQL by URL; its tables are brought up to date by Alembic when it is opened.

A write is on the disk when `write` ends: SQLite keeps a write-ahead log and waits for the disk at every commit
(`synchronous=FULL`), so that what was acknowledged outlives a killed process and a power cut.
"""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError, SQLAlchemyError

from lcjax.errors import ConfigError, MissingExtraError, StorageError, first_line

_MIGRATIONS = Path(__file__).parent / "migrations"
_BUSY_SECONDS = 20
_UPGRADE_LOCK = 0x6C636A61
"""Of PostgreSQL, so that two servers that start together do not both make the tables."""


class Database:
    """Connections to read and to write with; safe to share between threads."""

    def __init__(self, url: str) -> None:
        """Opens the database and makes or upgrades its tables.

        Args:
          url: SQLAlchemy's, such as `sqlite:////home/me/hunt.sqlite` or `postgresql+psycopg://user@host/name`.

        Raises:
          ConfigError: no such kind of database. StorageError: it cannot be opened, or is no database of this app.
          MissingExtraError: its driver is not installed.
        """
        try:
            self._url = make_url(url)
            self.shown = self._url.render_as_string(hide_password=True)
            """The URL without its password."""
            self._readers, self._writers = self._engine("BEGIN"), self._engine("BEGIN IMMEDIATE")
        except (ArgumentError, NoSuchModuleError) as error:
            raise ConfigError(
                "the database has a URL that SQLAlchemy does not know: give sqlite:///FILE or "
                "postgresql+psycopg://user@host/name"
            ) from error
        except ModuleNotFoundError as error:
            raise MissingExtraError(error.name or "psycopg", "hunt", f"the database '{self.shown}'") from error
        from alembic.util import CommandError

        try:
            self._upgrade()
        except CommandError as error:
            self.close()
            raise StorageError(
                f"the database '{self.shown}' is of a later lcjax, or of another program ({first_line(error)}): "
                "install that lcjax, or give another with --database"
            ) from error
        except SQLAlchemyError as error:
            self.close()
            reason = first_line(error.orig if isinstance(error, DBAPIError) and error.orig else error)
            raise StorageError(
                f"the database '{self.shown}' cannot be opened ({reason}): give another with --database"
            ) from error

    def _engine(self, begin: str) -> Engine:
        if self._url.get_backend_name() != "sqlite":
            return create_engine(self._url, pool_pre_ping=True, hide_parameters=True)
        engine = create_engine(self._url, connect_args={"timeout": _BUSY_SECONDS}, hide_parameters=True)

        @event.listens_for(engine, "connect")
        def connected(connection: Any, _: Any) -> None:
            connection.isolation_level = None  # the driver would begin transactions of its own
            for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "cache_size=-65536"):
                connection.execute(f"PRAGMA {pragma}")

        @event.listens_for(engine, "begin")
        def begun(connection: Connection) -> None:
            connection.exec_driver_sql(begin)

        return engine

    def _upgrade(self) -> None:
        from alembic.config import Config
        from alembic.runtime.environment import EnvironmentContext
        from alembic.script import ScriptDirectory

        script = ScriptDirectory(str(_MIGRATIONS))
        steps = lambda revision, context: script._upgrade_revs("head", revision)  # what env.py files are given
        with self.write() as connection, EnvironmentContext(Config(), script, fn=steps) as environment:
            if connection.dialect.name == "postgresql":
                connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_UPGRADE_LOCK})")
            environment.configure(connection=connection)
            environment.run_migrations()

    @contextlib.contextmanager
    def read(self) -> Iterator[Connection]:
        """A transaction that only reads."""
        with self._readers.connect() as connection:
            yield connection

    @contextlib.contextmanager
    def write(self) -> Iterator[Connection]:
        """A transaction; durable when the block ends, without effect when it raises."""
        with self._writers.begin() as connection:
            yield connection

    def close(self) -> None:
        """Ends all connections."""
        self._readers.dispose()
        self._writers.dispose()


def sqlite_url(path: Path) -> str:
    """Of a file.

    >>> sqlite_url(Path("/tmp/hunt.sqlite"))
    'sqlite:////tmp/hunt.sqlite'
    """
    return f"sqlite:///{path.absolute()}"
