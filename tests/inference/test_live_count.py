"""How far a long command is: plain lines now and then, a live line in a terminal."""

import io

import pytest
from rich.console import Console

from lcjax.inference import live_count
from lcjax.inference.live_count import LiveCount


@pytest.fixture
def clock(monkeypatch):
    """A clock that is set by hand."""

    class Clock:
        now = 100.0

    monkeypatch.setattr(live_count.time, "monotonic", lambda: Clock.now)
    return Clock


def test_plain_lines_come_every_half_minute_with_the_rate_of_the_last_unit(clock):
    console = Console(file=io.StringIO(), width=200)
    with LiveCount(console, "files", "alerts") as count:
        count.add(1, 500)
        clock.now += 29
        count.add(0, 500)
        assert console.file.getvalue() == ""
        clock.now += 1
        count.add(1, 2000)
        assert console.file.getvalue() == "2 files, 3,000 alerts, 100 alerts/s\n"
        clock.now += 29
        count.add(1)
        assert console.file.getvalue().count("\n") == 1 and count.counts == [3, 3000]
        clock.now += 1
        count.show()
    assert console.file.getvalue().splitlines()[1] == "3 files, 3,000 alerts, 50 alerts/s"


def test_a_terminal_has_a_live_line_that_goes_away(clock, monkeypatch):
    console = Console(file=io.StringIO(), width=200, force_terminal=True)
    shown, running = [], []
    status = console.status("")
    monkeypatch.setattr(console, "status", lambda text: status)
    monkeypatch.setattr(status, "update", shown.append)
    monkeypatch.setattr(status, "start", lambda: running.append(True))
    monkeypatch.setattr(status, "stop", lambda: running.append(False))
    with LiveCount(console, "alerts") as count:
        clock.now += 0.125
        count.add(10)
        assert shown == []
        clock.now += 0.125
        count.add(10)
    assert shown == ["20 alerts, 80 alerts/s"] and running == [True, False]
