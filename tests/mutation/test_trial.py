"""A trial sees the mutant and nothing but it, and ends in time."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.mutation import trial

ROOT = Path(__file__).parents[2]
SOURCE = '''def half(x):
    """
    >>> half(8)
    4.0
    """
    return x / 2
'''


# In a process of its own: forks of one with many threads and gigabytes, as a worker of the suite is, may be slow or hang.
TRIAL = """
import sys, time
from pathlib import Path
from tests.mutation import trial
trial.OPTIONS = ("-q", "-o", "addopts=", "--doctest-modules", "--noconftest")
child = trial.start(Path("halves.py"), sys.argv[1], [], int(sys.argv[2]))
found = None
while found is None:
    time.sleep(0.02)
    found = trial.finished(child, time.monotonic() + 60)
print(found)
"""


@pytest.mark.parametrize(
    ("code", "outcome", "seconds"),
    [
        (SOURCE, "survived", 60),
        (SOURCE.replace("/ 2", "/ 3"), "killed", 60),
        ("no module", "killed", 60),
        ("while True: pass", trial.OUT_OF_TIME, 2),
    ],
)
def test_a_trial_runs_the_given_code_and_leaves_the_file(code, outcome, seconds, tmp_path):
    (tmp_path / "halves.py").write_text(SOURCE)
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])}
    command = [sys.executable, "-c", TRIAL, code, str(seconds)]
    run = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=300)
    assert run.stdout.split("\n")[0] == outcome, run.stderr
    assert (tmp_path / "halves.py").read_text() == SOURCE


def test_a_trial_that_hangs_is_ended_by_the_clock(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("halves.py").write_text(SOURCE)
    child = trial.start(Path("halves.py"), "import time; time.sleep(60)", [], 60)
    assert trial.finished(child, time.monotonic() + 60) is None
    assert trial.finished(child, time.monotonic() - 1) == trial.OUT_OF_TIME
