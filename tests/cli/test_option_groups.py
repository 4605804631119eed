"""Option groups of kinds and systems, whoever brings them, on one command line."""

import dataclasses

import pytest

from lcjax.cli import option_groups
from lcjax.errors import ConfigError


@dataclasses.dataclass(frozen=True)
class Own:
    """Does a thing."""

    out: str
    count: int = 1


@dataclasses.dataclass(frozen=True)
class Hosts:
    """Hosts."""

    max_scatter: float | None = None


@dataclasses.dataclass(frozen=True)
class Rules:
    """Rules."""

    strict_rules: bool = False


GROUPS = {"hosts": Hosts, "rules": Rules}


def test_groups_have_their_names_before_their_options():
    options, chosen = option_groups.parse(Own, GROUPS, ["--out", "F", "--hosts.max-scatter", "2"], "test")
    assert options == Own("F") and chosen == {"hosts": Hosts(2.0), "rules": Rules()}


def test_or_not_where_they_are_flat():
    _, chosen = option_groups.parse(Own, GROUPS, ["--out", "F", "--strict-rules"], "test", flat=True)
    assert chosen["rules"].strict_rules


def test_an_option_for_others_is_refused():
    chosen = {"hosts": Hosts(2.0), "rules": Rules()}
    assert option_groups.of({"hosts": Hosts}, chosen, "W") == {"hosts": Hosts(2.0)}
    with pytest.raises(ConfigError, match=r"'W' has no option --hosts\.max-scatter"):
        option_groups.of({"rules": Rules}, chosen, "W")


def test_two_groups_of_one_name():
    assert option_groups.merged([GROUPS, {"hosts": Hosts}]) == GROUPS
    with pytest.raises(ConfigError, match="two option groups are called 'hosts'"):
        option_groups.merged([GROUPS, {"hosts": Rules}])
