"""Kills a training run with SIGKILL at random moments until it is done, and compares it with an undisturbed one.

    python -m tests.chaos.kill_and_resume --kills 20

Log lines (but for clocks), final weights, moments, counters and best weights must be equal bit for bit. Exits 0 if so.
"""

import argparse
import os
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SETTINGS = ("steps=60", "log_every=3", "evaluate_every=6", "checkpoint_every=2", "accumulate=2", "pause_ms=10")


def start(workdir: Path, cache: Path, settings: tuple[str, ...] = SETTINGS) -> subprocess.Popen:
    """The same command every time; returns once the process has imported everything and is about to train."""
    environment = {
        **os.environ,
        "JAX_COMPILATION_CACHE_DIR": str(cache),
        "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
        "JAX_PLATFORMS": "cpu",
        "PYTHONPATH": str(ROOT),
    }
    command = [sys.executable, "-m", "tests.training.toy", str(workdir), *settings]
    process = subprocess.Popen(command, env=environment, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline().strip() == "training"
    return process


def finish(process: subprocess.Popen) -> str:
    """Waits for a run; returns what it said last."""
    text, _ = process.communicate(timeout=300)
    if process.returncode:
        raise RuntimeError(f"the run failed with exit code {process.returncode}: {text}")
    return text.strip()


def kill_and_resume(kills: int, seed: int, folder: Path) -> int:
    """Runs until `kills` processes were killed, over as many runs as it takes; returns the number of runs."""
    from tests.training.comparing import assert_same_run

    random_delay = random.Random(seed)
    cache = folder / "jax-cache"
    finish(start(folder / "straight", cache))
    begun = time.monotonic()
    finish(start(folder / "timing", cache))
    whole = time.monotonic() - begun
    runs, killed = 0, 0
    while killed < kills:
        runs += 1
        workdir = folder / f"killed_{runs}"
        while True:
            process = start(workdir, cache)
            try:
                # Long enough to get past a checkpoint now and then, short enough to need several lives.
                process.wait(random_delay.uniform(0.0, 0.7 * whole) if killed < kills else 300)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
                killed += 1
                print(f"killed {killed}/{kills}, {_where(workdir)}", flush=True)
                continue
            said = finish(process)
            if said.split()[-1] != "60":
                raise RuntimeError(f"the run ended early: {said}")
            break
        assert_same_run(folder / "straight", workdir)
        print(f"run {runs}: equal to the undisturbed run", flush=True)
    return runs


def _where(workdir: Path) -> str:
    steps = sorted(p.name for p in (workdir / "checkpoints").glob("[0-9]*")) if workdir.exists() else []
    partial = "in the middle of a write" if list(workdir.glob("**/*.partial")) else "between writes"
    return f"checkpoints {', '.join(map(str, map(int, steps))) or 'none'}, {partial}"


def main() -> int:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        runs = kill_and_resume(arguments.kills, arguments.seed, Path(folder))
    print(f"{arguments.kills} kills over {runs} runs: every run bit-identical to the undisturbed one")
    return 0


if __name__ == "__main__":
    sys.exit(main())
