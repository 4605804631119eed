"""What is held out of what: classes that are there, groups of those that are used."""

from types import SimpleNamespace

import pytest

from lcjax.errors import ConfigError
from lcjax.systems.svdd import holdout
from lcjax.systems.svdd.protocol import ProtocolSettings

OBJECTS = SimpleNamespace(class_names=("a", "b", "c"))


@pytest.fixture
def asked(monkeypatch):
    """The groups that were run, and whether by routes."""
    seen = []
    monkeypatch.setattr(holdout, "run_groups", lambda objects, groups, *more: seen.append(groups) or "own")
    monkeypatch.setattr(holdout, "run_routed", lambda objects, groups, *more: ("routed", "routes"))
    monkeypatch.setattr(holdout, "as_scores", lambda found: ("plain", found))
    monkeypatch.setattr(holdout, "routed_scores", lambda *found: found)
    return seen


def scores(grouped=None, leave_out=(), routed=False):
    return holdout.holdout_scores(OBJECTS, ProtocolSettings(), grouped, leave_out, (), routed, print)


def test_groups_are_of_the_classes_that_are_used(asked):
    assert scores(leave_out=("b",)) == ("plain", "own")
    assert scores(lambda used: {"g": used}, ("c",), routed=True) == ("routed", "routes", "own")
    assert asked == [{"": ("a", "c")}, {"g": ("a", "b")}]


def test_what_is_refused(asked):
    with pytest.raises(ConfigError, match="no class 'd' to leave out: there are a, b, c"):
        scores(leave_out=("d",))
    with pytest.raises(ConfigError, match="--routed is between groups"):
        scores(routed=True)
    assert asked == []


def test_classes_that_no_group_names_are_told(asked, capsys):
    scores(lambda used: {"g": ("a", "c")})  # a name that is written wrongly in the table of groups leaves its class out
    assert "in no group, so neither learned nor held out: b" in capsys.readouterr().out
    scores(lambda used: {"g": used})
    assert capsys.readouterr().out == ""
