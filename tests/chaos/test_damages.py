"""A few damages of every format in every test run; `python -m tests.chaos.damages` does thousands. The judge itself is tested too."""

import os
import signal
import time

import pytest

from lcjax.errors import DataError
from tests.chaos import damages
from tests.chaos.damage_formats import Answer, Format, formats
from tests.chaos.damages import attempt, campaign, judge, outcomes

SLOW = ("tensorflow", "astromer", "npz", "metrics", "data: light curves", "data: verify")
"""They need TensorFlow to make a sound file, compile, draw, or hash much."""
QUICK = [name for name in formats() if not any(part in name for part in SLOW)]
SOUND = Answer(("a", "b"), 0, 2)
UNUSED = Format(lambda folder: None, lambda folder: SOUND)


@pytest.fixture
def alarm():
    """What `outcomes` does with the signal of the clock does not outlive the test."""
    before = signal.signal(signal.SIGPROF, damages._too_slow)
    yield
    signal.signal(signal.SIGPROF, before)


@pytest.mark.parametrize("name", QUICK)
def test_damages_are_an_answer_or_a_sentence(name, tmp_path, alarm):
    found = [row for row in outcomes(name, range(6), 2024, tmp_path) if row["outcome"] != "begun"]
    assert len(found) == 6 and not [row for row in found if row["outcome"] == "DEFECT"], found


@pytest.mark.parametrize(
    ("changes", "found", "sealed", "expected"),
    [
        ({}, SOUND, False, "right"),
        ({"detects": True}, SOUND, False, "DEFECT"),
        ({}, Answer(("a",), 1, 2), False, "named"),
        ({}, Answer(("a",), 0, 1), False, "DEFECT"),
        ({}, Answer(("a", "c"), 0, 2), False, "other"),
        ({"guarded": True}, Answer(("a", "c"), 0, 2), False, "DEFECT"),
        ({"guarded": True}, Answer(("a", "c"), 0, 2), True, "other"),
        ({"rows": lambda folder: 1}, Answer(("a",), 0, 1), False, "other"),
        ({"rows": lambda folder: 3}, Answer(("a",), 5, 2), False, "DEFECT"),
    ],
)
def test_what_a_reading_is_worth(tmp_path, changes, found, sealed, expected):
    format_ = Format(UNUSED.make, UNUSED.read, **changes)
    assert judge(format_, SOUND, found, tmp_path, sealed)[0] == expected


def _raises(error):
    def read(folder):
        raise error

    return read


def _turns(folder):
    while time.process_time():
        pass


@pytest.mark.parametrize(
    ("read", "expected", "words"),
    [
        (_raises(DataError("the file is damaged")), "named", "DataError"),
        (_raises(DataError("the file\nis damaged")), "DEFECT", "more than a sentence"),
        (_raises(KeyError("x")), "DEFECT", "KeyError"),
        (_raises(SystemExit(2)), "DEFECT", "SystemExit"),
        (_turns, "DEFECT", "s of work"),
    ],
)
def test_what_escapes_a_reading_is_a_defect(tmp_path, monkeypatch, alarm, read, expected, words):
    monkeypatch.setattr(damages, "SECONDS", 0.2)
    outcome, why = attempt(Format(UNUSED.make, read), SOUND, tmp_path, False)
    assert outcome == expected and words in why


def _dies(folder):
    if (folder / "a.csv").read_bytes() != b"sound":
        os._exit(7)
    return SOUND


def dying():
    """A format whose reading ends the process."""
    return {"dying": Format(lambda folder: (folder / "a.csv").write_bytes(b"sound"), _dies)}


def test_a_crash_is_a_defect_and_the_campaign_goes_on(tmp_path):
    rows = campaign("dying", 2, 0, tmp_path, dying)
    assert [(row["number"], row["outcome"]) for row in rows] == [(0, "DEFECT"), (1, "DEFECT")]
    assert "exit code 7" in rows[0]["why"] or "crash" in rows[0]["why"]


def test_a_damage_is_found_again_by_its_number(tmp_path, alarm):
    rows = [list(outcomes("table: csv", numbers, 3, tmp_path)) for numbers in (range(4), range(3, 4))]
    assert rows[0][-1] == rows[1][-1]
