"""Two kills in every test run; `.ci/run` does twenty (`python -m tests.chaos.kill_and_resume`)."""

from tests.chaos.kill_and_resume import kill_and_resume


def test_killed_runs_are_bit_identical(tmp_path):
    assert kill_and_resume(kills=2, seed=5, folder=tmp_path) >= 1
