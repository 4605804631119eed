"""From the options of `lcjax hunt` to a night that can be served: feed, models, database, who may come in."""

import ipaddress
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lcjax.errors import ConfigError, StorageError

if TYPE_CHECKING:
    from lcjax.cli.hunt import HuntOptions
    from lcjax.hunt.candidates import Classifier, Feed, HostFinder
    from lcjax.hunt.database import Database
    from lcjax.hunt.night import Night

_SHORTEST_TOKEN = 16


def open_night(options: "HuntOptions", chosen: dict[str, Any], say: Callable[[str], None]) -> "Night":
    """Everything but the server.

    Args:
      chosen: the groups `alerts`, `kafka` and `hosts`. say: told one sentence of what goes wrong.

    Raises:
      ConfigError, DataError, WeightsError, StorageError: an option that will not do.
    """
    from lcjax.hunt.background import Background
    from lcjax.hunt.database import Database
    from lcjax.hunt.known import KnownObjects
    from lcjax.hunt.night import Night

    token = read_token(options)
    feed = _feed(options, chosen, say)
    known = KnownObjects(options.known, options.known_arcsec) if options.known else None
    reporter = _reporter(options)
    classifiers, finder = _models(options, chosen, say)
    database = Database(database_url(options))
    try:
        check_open_to_others(options, database, token)
        background = Background(database, feed, classifiers, finder, known, options.hunted, say)
    except BaseException:
        database.close()
        raise
    names = (*options.allowed_host, *(() if is_number(options.host) else (options.host,)))
    more = {} if token is None else {"token": token}
    return Night(database, background, secure=options.tls_cert is not None, names=names, reporter=reporter, **more)


def _feed(options: "HuntOptions", chosen: dict[str, Any], say: Callable[[str], None]) -> "Feed":
    from data_pipelines.sources.alerts import SchemaSet
    from data_pipelines.sources.alerts.kafka_settings import SCHEME, KafkaAddress
    from lcjax.cli import hunt_feeds

    if not options.alerts:
        if options.count < 1:
            raise ConfigError(f"{options.count} simulated alerts are impossible: give --count 1 or more")
        return hunt_feeds.SimulatedFeed(options.count, every=options.every)
    topics = [name for name in options.alerts if name.startswith(SCHEME)]
    if topics and len(options.alerts) > 1:
        raise ConfigError(f"'{topics[0]}' is one of several --alerts: a Kafka address must be the only one")
    if topics:
        return hunt_feeds.KafkaFeed(KafkaAddress.parse(topics[0]), chosen["kafka"], say)
    return hunt_feeds.FolderFeed([Path(name) for name in options.alerts], SchemaSet(chosen["alerts"].schemas))


def _models(
    options: "HuntOptions", chosen: dict[str, Any], say: Callable[[str], None]
) -> "tuple[Callable[[], Sequence[Classifier]], Callable[[], HostFinder | None]]":
    """Models that are given are loaded at once, so that a wrong name is said at once; the demonstration is trained beside."""
    from lcjax.cli.hunt_models import DelightFinder, StampClassifier
    from lcjax.hunt.answering import class_number
    from lcjax.systems.loading import load
    from lcjax.training.compilation import enable_compile_cache

    if len(set(options.model)) < len(options.model):
        raise ConfigError("a model is given twice: give each --model once")
    enable_compile_cache()
    given = [StampClassifier(name, load(name, say=say), chosen["alerts"], options.batch_size) for name in options.model]
    if given and class_number(given[0].class_names, options.hunted) is None:
        raise ConfigError(
            f"'{given[0].name}' has no class '{options.hunted}' to rank by: give one of {', '.join(given[0].class_names)} to --hunted"
        )
    host = options.host_model
    finder = DelightFinder(host, load(host, say=say), chosen["hosts"]) if host else None

    def demonstration() -> "Sequence[Classifier]":
        from data_pipelines.kinds.alerts.options import AlertOptions
        from lcjax.cli import hunt_demonstration as demo

        loaded = demo.demonstration_model(_home() / demo.NAME)
        return [StampClassifier(demo.NAME, loaded, AlertOptions())]

    simulated = not options.alerts and not options.model
    return (demonstration if simulated else lambda: given), lambda: finder


def _reporter(options: "HuntOptions") -> Any:
    from lcjax.hunt.tns import Reporter
    from lcjax.hunt.tns_numbers import with_given

    if (options.tns_group_id is None) != (not options.tns_reporter):
        raise ConfigError("reports to TNS need both --tns-group-id and --tns-reporter")
    numbers = with_given(options.tns_numbers)
    return None if options.tns_group_id is None else Reporter(options.tns_group_id, options.tns_reporter, numbers)


def _home() -> Path:
    return Path("lcjax-hunt")


def database_url(options: "HuntOptions") -> str:
    """As SQLAlchemy takes it; the folder of a file is made.

    Raises:
      StorageError: it cannot be.
    """
    from lcjax.hunt.database import sqlite_url

    given = options.database or str(_home() / ("hunt.sqlite" if options.alerts else "simulated.sqlite"))
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


def read_token(options: "HuntOptions") -> str | None:
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


def check_open_to_others(options: "HuntOptions", database: "Database", token: str | None) -> None:
    """Raises ConfigError: others could reach the page, and nothing would keep them out."""
    from lcjax.hunt.sessions import has_passwords

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
