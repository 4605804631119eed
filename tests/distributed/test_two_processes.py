"""Two real processes over loopback, one device each: the losses of one process, and orderly interruption."""

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from lcjax.training.checkpoint import CheckpointStore
from tests.distributed.worker import main
from tests.training.comparing import assert_same_run, logged

pytestmark = pytest.mark.xdist_group("distributed")  # one worker builds what its tests share
ROOT = Path(__file__).resolve().parents[2]
RUNS = ("toy_jit:log_every=1", "toy_pmap:parallel=pmap,steps_per_dispatch=2", "astromer_jit:steps=4")
SLOW = "toy_slow:steps=60,log_every=2,checkpoint_every=50,pause_ms=20"


def start(folder, *runs):
    """Two processes of the same command."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    flags = {"XLA_FLAGS": "--xla_backend_optimization_level=0", "JAX_PLATFORMS": "cpu", "PYTHONPATH": str(ROOT)}
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    command = [sys.executable, "-m", "tests.distributed.worker", str(port)]
    return [
        subprocess.Popen([*command, str(rank), "2", str(folder), *runs], env=os.environ | flags, cwd=ROOT, **pipes)
        for rank in range(2)
    ]


def finish(processes):
    """What each said last; never leaves one behind (they survive SIGTERM)."""
    try:
        said = [process.communicate(timeout=400) for process in processes]
    finally:
        for process in processes:
            process.kill()
    for process, (_, errors) in zip(processes, said, strict=True):
        assert process.returncode == 0, errors
    return [[line for line in out.splitlines() if "Gloo" not in line] for out, _ in said]


@pytest.fixture(scope="module")
def together(tmp_path_factory):
    folder = tmp_path_factory.mktemp("two")
    said = finish(start(folder, *RUNS, SLOW))
    assert said[0] == said[1]
    return folder


@pytest.fixture(scope="module")
def alone(tmp_path_factory):
    folder = tmp_path_factory.mktemp("alone")
    main(folder, list(RUNS), 0, 1)
    return folder


@pytest.mark.parametrize("run", [run.split(":")[0] for run in RUNS])
def test_two_processes_give_the_losses_of_one(together, alone, run):
    one, two = logged(alone / run), logged(together / run)
    assert [line["step"] for line in one] == [line["step"] for line in two]
    for a, b in zip(one, two, strict=True):
        np.testing.assert_allclose(b["loss"], a["loss"], rtol=1e-5)


def test_one_asked_to_stop_stops_both_and_they_resume_exactly(together, tmp_path):
    processes = start(tmp_path, SLOW)
    log = tmp_path / "toy_slow" / "metrics.jsonl"
    while not log.exists() or not log.stat().st_size:
        assert all(process.poll() is None for process in processes)
        time.sleep(0.05)
    processes[1].send_signal(signal.SIGTERM)
    (*_, first), (*_, second) = finish(processes)
    assert first == second and first.startswith("toy_slow preempted")
    step = int(first.split()[-1])
    assert step < 60 and CheckpointStore(tmp_path / "toy_slow").steps() == [step]
    assert finish(start(tmp_path, SLOW))[1][-1] == "toy_slow finished 60"
    assert_same_run(together / "toy_slow", tmp_path / "toy_slow")
