"""A trial sees the mutant and nothing but it, and ends in time."""

import time
from pathlib import Path

import pytest

from tests.mutation import trial

SOURCE = '''def half(x):
    """
    >>> half(8)
    4.0
    """
    return x / 2
'''


@pytest.mark.parametrize(
    ("code", "outcome"),
    [
        (SOURCE, "survived"),
        (SOURCE.replace("/ 2", "/ 3"), "killed"),
        ("no module", "killed"),
        ("while True: pass", trial.OUT_OF_TIME),
    ],
)
def test_a_trial_runs_the_given_code_and_leaves_the_file(code, outcome, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(trial, "OPTIONS", ("-q", "-o", "addopts=", "--doctest-modules", "--noconftest"))
    Path("halves.py").write_text(SOURCE)
    # the limit is of CPU time, which what the forked process has used before is no part of
    child = trial.start(Path("halves.py"), code, [], 2)
    found = None
    while found is None:
        time.sleep(0.02)
        found = trial.finished(child, time.monotonic() + 60)
    assert found == outcome and Path("halves.py").read_text() == SOURCE


def test_a_trial_that_hangs_is_ended_by_the_clock(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("halves.py").write_text(SOURCE)
    child = trial.start(Path("halves.py"), "import time; time.sleep(60)", [], 60)
    assert trial.finished(child, time.monotonic() + 60) is None
    assert trial.finished(child, time.monotonic() - 1) == trial.OUT_OF_TIME
