"""Timing, rates, turns, tables and files that every benchmark shares; the clock is set by hand."""

import itertools
import json

import pytest

from benchmarks import harness
from benchmarks.harness import Rate, in_turns, machine, measure, print_table, rate, write_json


@pytest.fixture
def clock(monkeypatch):
    """A clock that goes when it is told."""

    class Clock:
        now = 0.0

    monkeypatch.setattr(harness.time, "perf_counter", lambda: Clock.now)
    return Clock


def test_seconds_a_call_without_the_warm_up(clock):
    takes = iter([100.0] * 4 + [1, 3, 2, 2, 5, 5, 4, 4, 3, 3])

    def call():
        clock.now += next(takes)

    found = measure(call, calls=2, repeats=5, warmup=2)
    assert (found.median, found.p95, found.repeats) == (3.0, 5.0, 5)


def test_units_a_second_until_the_time_is_over(clock):
    def items():
        while True:
            clock.now += 2.0
            yield 10

    assert rate(items(), 5.0) == 5.0 and clock.now == 6.0


def test_cases_go_in_turns():
    order = []
    case = lambda name, values: lambda: (order.append(name), values.pop())[1]
    found = in_turns({"a": case("a", [1.0, 9.0, 2.0]), "b": case("b", [5.0, 5.0, 5.0])}, turns=3)
    assert order == ["a", "b"] * 3
    assert found == {"a": Rate(2.0, 1.0, 9.0, 3), "b": Rate(5.0, 5.0, 5.0, 3)}


def test_a_table_shows_three_digits_and_dashes(capsys):
    rows = [{"case": "one", "rate": 1234.6, "share": 0.01234, "none": None, "n": 7}]
    print_table("title", [*rows, rows[0] | {"case": "two", "rate": -2000.4}])
    said = capsys.readouterr().out
    assert said.startswith("title") and "1,235" in said and "-2,000" in said and "0.0123" in said and " 7 " in said
    assert said.count(" - ") == 2 and said.index("one") < said.index("two")


def test_files_say_where_the_numbers_come_from(tmp_path):
    path = write_json("toy", {"rows": [1]}, tmp_path / "deep" / "a.json")
    record = json.loads(path.read_text())
    assert record["benchmark"] == "toy" and record["rows"] == [1]
    assert {"python", "cores", "processor", "load", "jax", "device"} <= set(record["machine"])
    assert machine()["devices"] >= 1


def test_rates_are_by_the_clock_that_is_asked_for():
    """Every item takes half a second of this clock: five of them are over after two seconds."""
    now = itertools.count(0.0, 0.5)
    assert rate(iter([3] * 100), 2.0, clock=lambda: next(now)) == pytest.approx(4 * 3 / 2.5)


def test_models_of_one_name_are_told_apart():
    assert harness.short_names(["runs/a/W", "runs/b/W", "V"]) == {"a/W": "runs/a/W", "b/W": "runs/b/W", "V": "V"}
    assert harness.short_names(["V", "V"]) == {"V": "V"}
