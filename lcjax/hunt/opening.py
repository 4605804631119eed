"""From the options of a night to a night that can be served: models, database, who may come in."""

from collections.abc import Callable, Sequence
from pathlib import Path

from lcjax.errors import ConfigError, StorageError
from lcjax.hunt import sessions, votes
from lcjax.hunt.background import Background
from lcjax.hunt.candidates import Classifier, Feed, HostFinder
from lcjax.hunt.database import Database, sqlite_url
from lcjax.hunt.entering import check_open_to_others, is_number, read_token
from lcjax.hunt.known import KnownObjects
from lcjax.hunt.night import Night
from lcjax.hunt.settings import HuntOptions
from lcjax.hunt.tns import Reporter
from lcjax.hunt.tns_numbers import with_given

MakeClassifiers = Callable[[], Sequence[Classifier]]
MakeFinder = Callable[[], HostFinder | None]
"""Called in the thread that uses the models."""


def open_night(
    options: HuntOptions,
    feed: Callable[[], Feed],
    models: Callable[[], tuple[MakeClassifiers, MakeFinder]],
    say: Callable[[str], None],
) -> Night:
    """Everything but the server.

    Args:
      feed, models: make them, in this order, between the checks of the options. say: told one sentence of what goes wrong.

    Raises:
      ConfigError, DataError, WeightsError, StorageError: an option that will not do.
    """
    token = read_token(options)
    source = feed()
    known = KnownObjects(options.known, options.known_arcsec) if options.known else None
    reporter = _reporter(options)
    classifiers, finder = models()
    database = Database(database_url(options))
    try:
        check_open_to_others(options, database, token)
        background = Background(database, source, classifiers, finder, known, options.hunted, say)
    except BaseException:
        database.close()
        raise
    names = (*options.allowed_host, *(() if is_number(options.host) else (options.host,)))
    more = {} if token is None else {"token": token}
    return Night(database, background, secure=options.tls_cert is not None, names=names, reporter=reporter, **more)


def set_password(options: HuntOptions, name: str, password: str) -> str:
    """Gives a user of a night's page a password, and returns what to call the database that has it.

    Raises:
      ConfigError, StorageError: a name, password or database that will not do.
    """
    database = Database(database_url(options))
    try:
        with database.write() as connection:
            sessions.add_user(connection, name, password)
            votes.log(connection, name, "password", detail="set from the command line")
    finally:
        database.close()
    return database.shown


def _reporter(options: HuntOptions) -> Reporter | None:
    if (options.tns_group_id is None) != (not options.tns_reporter):
        raise ConfigError("reports to TNS need both --tns-group-id and --tns-reporter")
    numbers = with_given(options.tns_numbers)
    return None if options.tns_group_id is None else Reporter(options.tns_group_id, options.tns_reporter, numbers)


def home() -> Path:
    """Folder of what is kept where no other place is given."""
    return Path("lcjax-hunt")


def database_url(options: HuntOptions) -> str:
    """As SQLAlchemy takes it; the folder of a file is made.

    Raises:
      StorageError: it cannot be.
    """
    given = options.database or str(home() / ("hunt.sqlite" if options.alerts else "simulated.sqlite"))
    if "://" in given:
        return given
    path = Path(given)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StorageError(
            f"cannot make the folder '{path.parent}': {error.strerror}; choose another --database"
        ) from error
    return sqlite_url(path)
