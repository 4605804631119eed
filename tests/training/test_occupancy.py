"""One training in a workdir at a time, free again after any death; and a file as long as a run is not at its end."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from lcjax.errors import CheckpointError, ConfigError
from lcjax.training import loop
from lcjax.training.occupancy import UNFINISHED, occupied
from lcjax.training.recorder import saved_progress
from tests.training.toy import toy_fit

ROOT = Path(__file__).resolve().parents[2]
HOLD = """
import sys, time
from lcjax.training.occupancy import occupied
with occupied(sys.argv[1]):
    print("held", flush=True)
    time.sleep(600)
"""


def test_a_second_training_is_refused_until_the_first_is_gone_however_it_went(tmp_path):
    environment = os.environ | {"PYTHONPATH": str(ROOT), "JAX_PLATFORMS": "cpu"}
    command = [sys.executable, "-c", HOLD, str(tmp_path)]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as first:
        try:
            assert first.stdout.readline() == "held\n"
            with pytest.raises(ConfigError, match=f"another training is at work.*process {first.pid} on"):
                toy_fit(tmp_path)
            assert not (tmp_path / "config.json").exists() and not (tmp_path / UNFINISHED).exists()
        finally:
            first.send_signal(signal.SIGKILL)
    with occupied(tmp_path), pytest.raises(ConfigError), occupied(tmp_path):
        pass
    with occupied(tmp_path):
        pass


def test_a_run_that_is_not_at_its_end_says_so(tmp_path, monkeypatch):
    class Asked:
        def __enter__(self):
            return lambda step: step >= 3

        def __exit__(self, *exc):
            pass

    with monkeypatch.context() as patch:
        patch.setattr(loop, "StopRequest", Asked)
        assert toy_fit(tmp_path, steps=6).status == "preempted"
    left = json.loads((tmp_path / UNFINISHED).read_text())
    assert left["status"] == "asked to stop" and left["of"] == 6 and 3 <= left["saved_updates"] < 6
    with monkeypatch.context() as patch:
        patch.setattr(loop, "Feeder", lambda *_: 1 / 0)  # as good as a kill
        with pytest.raises(ZeroDivisionError):
            toy_fit(tmp_path, steps=6)
    assert "without a word" in json.loads((tmp_path / UNFINISHED).read_text())["status"]
    assert toy_fit(tmp_path, steps=6).status == "finished"
    assert not (tmp_path / UNFINISHED).exists()


@pytest.mark.parametrize(
    "record",
    [{}, {"step": "3", "progress": {}}, {"step": 3, "progress": []}, {"step": 3, "progress": {"position": [0, "x"]}}],
)
def test_counters_of_wrong_types_are_one_sentence(record, tmp_path):
    with pytest.raises(CheckpointError, match="not of this program"):
        saved_progress(record, tmp_path)
