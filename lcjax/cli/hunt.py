"""`lcjax hunt`: candidates of a night in the browser, ranked by classifiers, for experts to accept or reject by keyboard.

`lcjax hunt user NAME` gives a user a password; `lcjax hunt tns REPORT.json` checks, and with --send sends, a report that the
page wrote.
"""

import dataclasses
import getpass
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import tyro
from rich.console import Console
from rich.markup import escape

from data_pipelines.kinds import find_kind
from lcjax.cli import option_groups
from lcjax.errors import ConfigError
from lcjax.hunt.settings import HuntOptions, check_installed

if TYPE_CHECKING:
    from lcjax.hunt.candidates import Feed
    from lcjax.hunt.night import Night
    from lcjax.hunt.opening import MakeClassifiers, MakeFinder


def main(argv: list[str]) -> int:
    """Opens database and models, starts reading and classifying beside the server, serves until interrupted."""
    check_installed()
    if argv[:1] == ["user"]:
        return _set_password(argv[1:])
    if argv[:1] == ["tns"]:
        from lcjax.cli import hunt_tns

        return hunt_tns.main(argv[1:])
    groups = option_groups.merged(find_kind(name).predict_options for name in ("alerts", "host_fields"))
    options, chosen = option_groups.parse(HuntOptions, groups, argv, "lcjax hunt")
    console = Console(stderr=True)
    say = lambda text: console.print(escape(text), highlight=False, soft_wrap=True)
    night = open_night(options, chosen, say)
    try:
        from lcjax.hunt.serving import serve

        return serve(options, night, say)
    finally:
        night.background.stop()
        night.database.close()


def open_night(options: HuntOptions, chosen: dict[str, Any], say: Callable[[str], None]) -> "Night":
    """Everything but the server.

    Args:
      chosen: the groups `alerts`, `kafka` and `hosts`. say: told one sentence of what goes wrong.

    Raises:
      ConfigError, DataError, WeightsError, StorageError: an option that will not do.
    """
    from lcjax.hunt import opening

    feed, models = lambda: _feed(options, chosen, say), lambda: _models(options, chosen, say)
    return opening.open_night(options, feed, models, say)


def _feed(options: HuntOptions, chosen: dict[str, Any], say: Callable[[str], None]) -> "Feed":
    from data_pipelines import arrivals
    from data_pipelines.sources.alerts import SchemaSet
    from data_pipelines.sources.alerts.kafka_settings import KafkaAddress, only_topic
    from lcjax.hunt.feeds import AlertFeed

    if not options.alerts:
        if options.count < 1:
            raise ConfigError(f"{options.count} simulated alerts are impossible: give --count 1 or more")
        return AlertFeed(arrivals.SimulatedAlerts(options.count, every=options.every))
    if topic := only_topic(options.alerts, "one of several --alerts"):
        return AlertFeed(arrivals.TopicAlerts(KafkaAddress.parse(topic), chosen["kafka"], say))
    paths = [Path(name) for name in options.alerts]
    return AlertFeed(arrivals.FolderAlerts(paths, SchemaSet(chosen["alerts"].schemas)))


def _models(
    options: HuntOptions, chosen: dict[str, Any], say: Callable[[str], None]
) -> "tuple[MakeClassifiers, MakeFinder]":
    """Models that are given are loaded at once, so that a wrong name is said at once; the demonstration is trained beside."""
    from data_pipelines.kinds.alerts.candidates import CandidateEntries, candidate_field
    from data_pipelines.kinds.alerts.options import AlertOptions
    from data_pipelines.simulate.night_batches import SimulatedBatches
    from lcjax.hunt import night_models

    given = night_models.given_classifiers(options, chosen["alerts"], CandidateEntries, say)
    tools = find_kind("host_fields").tools()
    finder = night_models.given_finder(options, chosen["hosts"], candidate_field, tools, say)
    if options.alerts or options.model:
        return lambda: given, lambda: finder
    trained = lambda: night_models.demonstration(SimulatedBatches(), AlertOptions(), CandidateEntries)
    return trained, lambda: finder


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
    from lcjax.hunt.opening import set_password
    from lcjax.hunt.sessions import check_name

    options = tyro.cli(UserOptions, args=argv, prog="lcjax hunt user")
    check_name(options.name)
    asked = sys.stdin.isatty()
    password = getpass.getpass("password: ") if asked else sys.stdin.readline().rstrip("\n")
    night = HuntOptions(database=options.database, alerts=("given",) if options.night == "alerts" else ())
    print(f"'{options.name}' has a password in {set_password(night, options.name, password)}")
    return 0
