"""Asked to stop, no room, no permission: real processes, real signals, real limits."""

import errno
import os
import shutil
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from lcjax.errors import StorageError
from lcjax.training import checkpoint_io
from lcjax.training.checkpoint import CheckpointStore
from lcjax.training.checkpoint_io import read_folder, write_folder
from tests.chaos.kill_and_resume import ROOT, finish, start
from tests.training.comparing import assert_same_run
from tests.training.toy import toy_fit

pytestmark = pytest.mark.xdist_group("interruptions")  # one worker builds what its tests share
SETTINGS = ("steps=60", "log_every=3", "evaluate_every=6", "checkpoint_every=20", "accumulate=2", "pause_ms=5")


@pytest.fixture(scope="module")
def straight(tmp_path_factory):
    folder = tmp_path_factory.mktemp("straight")
    finish(start(folder / "run", folder / "cache", SETTINGS))
    return folder


def test_asked_to_stop_saves_and_exits_0(straight, tmp_path):
    """By either signal, one after the other; the run goes on to the same end."""
    log, before = tmp_path / "metrics.jsonl", 0
    for number in (signal.SIGTERM, signal.SIGINT):
        process = start(tmp_path, straight / "cache", SETTINGS)
        while not log.exists() or not log.read_text().count("\n") > before:
            assert process.poll() is None
            time.sleep(0.02)
        process.send_signal(number)
        status, step = finish(process).split()
        assert status == "preempted" and 0 < int(step) < 60
        assert CheckpointStore(tmp_path).steps()[-1] == int(step)
        before = log.read_text().count("\n")
    assert finish(start(tmp_path, straight / "cache", SETTINGS)) == "finished 60"
    assert_same_run(straight / "run", tmp_path)


def _toy(workdir, *settings, largest_file_kb=None):
    # Without compile cache: its own warnings about a full disk are not the point here.
    more = {"PYTHONPATH": str(ROOT), "JAX_PLATFORMS": "cpu", "JAX_ENABLE_COMPILATION_CACHE": "false"}
    command = [sys.executable, "-m", "tests.training.toy", str(workdir), *settings]
    if largest_file_kb:
        command = ["bash", "-c", f'ulimit -f {largest_file_kb}; exec "$@"', "bash", *command]
    return subprocess.run(command, cwd=ROOT, env=os.environ | more, capture_output=True, text=True, timeout=120)


def test_no_room_is_one_sentence_and_corrupts_nothing(tmp_path):
    """Files may not grow beyond a limit that the checkpoints of a wide model exceed."""
    settings = ("log_every=1", "checkpoint_every=4", "steps=12", "width=1500")
    stopped = _toy(tmp_path / "run", *settings, largest_file_kb=90)
    assert stopped.returncode == 2, stopped.stderr
    assert stopped.stderr.count("\n") == 1 and stopped.stderr.startswith("StorageError: cannot write"), stopped.stderr
    store = CheckpointStore(tmp_path / "run")
    for step in store.steps():
        read_folder(store.path(step))
    assert not list((tmp_path / "run").glob("**/*.partial"))
    # With room again the same command goes on, to the same end.
    assert _toy(tmp_path / "run", *settings).returncode == 0
    toy_fit(tmp_path / "straight", log_every=1, checkpoint_every=4, steps=12, width=1500)
    assert_same_run(tmp_path / "straight", tmp_path / "run")


def test_really_full_disk(tmp_path):
    """A tiny file system fills up in mid-run (needs the right to mount)."""
    small = tmp_path / "small"
    small.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=400k", "tmpfs", str(small)]
    if not shutil.which("mount") or subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("may not mount a file system here")
    try:
        settings = ("steps=12", "checkpoint_every=2", "keep_checkpoints=20", "width=300")
        stopped = _toy(small / "run", *settings)
        assert stopped.returncode == 2 and "No space left" in stopped.stderr, stopped.stderr
        assert stopped.stderr.count("\n") == 1, stopped.stderr
        store = CheckpointStore(small / "run")
        assert store.steps()
        for step in store.steps():
            read_folder(store.path(step))
        subprocess.run(["mount", "-o", "remount,size=20m", str(small)], check=True)
        assert _toy(small / "run", *settings).returncode == 0
        toy_fit(tmp_path / "straight", steps=12, checkpoint_every=2, keep_checkpoints=20, width=300)
        assert_same_run(tmp_path / "straight", small / "run")
    finally:
        subprocess.run(["umount", str(small)], check=True)


def test_workdir_that_cannot_be(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match=r"file/run.*Not a directory"):
        toy_fit(tmp_path / "file" / "run")


def test_the_disk_is_asked_why_a_write_failed(tmp_path, monkeypatch):
    """Orbax words a full disk in many ways; what counts is whether there is room, not the words."""
    write = lambda: write_folder(tmp_path / "a", {"x": np.float32(1)}, {})
    full = False

    def broken(path, flat):
        nonlocal full
        full = closed
        raise ValueError("RESOURCE_EXHAUSTED: No space left on device")

    def reserve(folder, size, plain=checkpoint_io._reserve):
        if full:
            raise OSError(errno.ENOSPC, "No space left on device")
        plain(folder, size)

    monkeypatch.setattr(checkpoint_io, "_write_arrays", broken)
    monkeypatch.setattr(checkpoint_io, "_reserve", reserve)
    for closed, error in ((True, StorageError), (False, ValueError)):
        full = False
        with pytest.raises(error, match="No space left"):
            write()
    assert not list(tmp_path.iterdir())


def test_watchdog_ends_a_stuck_process(tmp_path):
    script = (
        "import time, jax\n"
        "jax.process_count = lambda: 2\n"
        "from lcjax.training.interruptions import Watchdog\n"
        "Watchdog(minutes=0.005)\n"
        "time.sleep(60)\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "JAX_PLATFORMS": "cpu"}
    done = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True, timeout=50)
    assert done.returncode == 3 and "no step finished" in done.stderr
    assert 'File "<string>", line 5' in done.stderr  # where it was stuck
