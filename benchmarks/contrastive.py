"""Objects a second and memory of the contrastive step of AstroM3: published, dense and strict networks, against PyTorch; of the loss alone.

    python -m benchmarks contrastive [--torch-python PYTHON] [--batch-sizes 64 256] [--cores 1]

All networks see the same made-up objects of the published sizes (200 points, 2,575 samples, 38 numbers), dropout on. The PyTorch step is a
re-creation from the paper (`other_interpreter/contrastive_torch.py`), run by this interpreter, or by another one that has PyTorch. Every case
is a process of its own, in turns, so that its memory is its own: `peak MB` is the highest memory of the process above what it had before the
network was made (of the device on a GPU), `program MB` what XLA asked for. On a machine that others use, compare objects per CPU-second. The
loss alone is compiled for one device and for eight (forced on the CPU), whole and in chunks of rows.
"""

import dataclasses
import json
import os
import statistics
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import tyro

from benchmarks.harness import print_table, write_json
from lcjax.errors import ConfigError

HERE = Path(__file__).parent
KILLED = 137
"""Exit code of what a shell says was killed."""
TORCH = "PyTorch"


@dataclasses.dataclass(frozen=True)
class Options:
    """What is timed."""

    networks: tuple[str, ...] = ("parity", "dense", "strict")
    """`parity`: as published; `dense`: its sizes, dense encoder; `strict`: the preset `astrom3`."""
    batch_sizes: tuple[int, ...] = (32, 128)
    """Of the networks; published: 512."""
    encoded_rows: int | None = None
    """`--objective.encoded-rows` of our networks; None: all, from batches of 8,192 on an eighth of that."""
    loss_batch_sizes: tuple[int, ...] = (1024, 4096)
    chunk: int = 256
    devices: tuple[int, ...] = (1, 8)
    """Of the loss alone."""
    seconds: float = 5.0
    """Of each case in each turn."""
    turns: int = 3
    cores: int | None = None
    """That a case may use; None: all."""
    torch_python: str = sys.executable
    """Interpreter with PyTorch; where it has none, that row is left out."""
    out: Path | None = None
    """JSON file (default: benchmarks/results/contrastive.json)."""


def main(argv: list[str]) -> int:
    """Times everything and prints two tables."""
    options = tyro.cli(Options, args=argv, prog="python -m benchmarks contrastive")
    steps = [row for size in options.batch_sizes for row in network_rows(options, size)]
    losses = [row for devices in options.devices for row in loss_rows(options, devices)]
    if steps:
        print_table("One training step of the trimodal network", steps)
    if losses:
        print_table("Loss of one pair and its gradients, 512 dimensions", losses)
    print(f"written: {write_json('contrastive', {'settings': options, 'steps': steps, 'losses': losses}, options.out)}")
    return 0


def network_rows(options: Options, batch_size: int) -> list[dict[str, Any]]:
    """Rate and memory of every network at a batch size, in turns."""
    found: dict[str, list[dict[str, Any]]] = {}
    for turn in range(options.turns):
        for name in (*options.networks, TORCH):
            if turn and name not in found:
                continue  # there is no PyTorch
            case = torch_case(options, batch_size) if name == TORCH else our_case(options, name, batch_size)
            if case is not None:
                found.setdefault(name, []).append(case)
    base = median(found[TORCH], "objects/CPU-s") if TORCH in found else None
    return [joined(cases, base) for cases in found.values()]


def joined(cases: Sequence[dict[str, Any]], base: float | None) -> dict[str, Any]:
    """One row of the turns of a case; `base`: objects per CPU-second of PyTorch."""
    rate = median(cases, "objects/CPU-s")
    rates = [case["objects/CPU-s"] for case in cases if case["objects/CPU-s"]]
    return {
        "network": cases[0]["network"],
        "batch": cases[0]["batch"],
        "encoded rows": cases[0].get("encoded rows", "all"),
        "parameters": cases[0]["parameters"],
        "objects/s": median(cases, "objects/s"),
        "objects/CPU-s": rate,
        "lowest": min(rates, default=None),
        "highest": max(rates, default=None),
        "of PyTorch": round(rate / base, 2) if rate and base else None,
        "program MB": cases[0].get("program MB"),
        "peak MB": cases[-1]["peak MB"],
    }


def median(cases: Sequence[dict[str, Any]], name: str) -> float | None:
    """Of the turns; None where the case did not fit.

    >>> median([{"rate": 1.0}, {"rate": 3.0}, {"rate": None}], "rate")
    2.0
    """
    values = [case[name] for case in cases if case[name]]
    return statistics.median(values) if values else None


def our_case(options: Options, network: str, batch_size: int) -> dict[str, Any]:
    """One turn of a network of ours; without rates where the system killed it, as it does where memory ends.

    Raises:
      ConfigError: it could not be run.
    """
    command = [sys.executable, "-m", "benchmarks.contrastive_steps", network, str(batch_size), str(options.seconds)]
    command += ["--encoded-rows", str(options.encoded_rows)] if options.encoded_rows else []
    done = _run(options, command)
    if done.returncode < 0 or done.returncode == KILLED:
        names = ("network", "batch", "parameters", "objects/s", "objects/CPU-s", "peak MB")
        return dict(zip(names, (network, batch_size, None, None, None, "was killed"), strict=True))
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
        raise ConfigError(f"the network '{network}' cannot be timed at batches of {batch_size}: {last}")
    return json.loads(done.stdout.splitlines()[-1])


def torch_case(options: Options, batch_size: int) -> dict[str, Any] | None:
    """One turn of the PyTorch step, None where PyTorch is not installed."""
    script = str(HERE / "other_interpreter" / "contrastive_torch.py")
    done = _run(options, [options.torch_python, script, str(batch_size), str(options.seconds)])
    return json.loads(done.stdout.splitlines()[-1]) if done.returncode == 0 else None


def _run(options: Options, command: list[str]) -> subprocess.CompletedProcess:
    few = [] if options.cores is None else ["taskset", "-c", ",".join(map(str, range(options.cores)))]
    return subprocess.run([*few, *command], capture_output=True, text=True)


def loss_rows(options: Options, devices: int) -> list[dict[str, Any]]:
    """Time and memory of the loss on so many devices, in a process of its own."""
    flags = {"XLA_FLAGS": f"--xla_force_host_platform_device_count={devices}", "JAX_PLATFORMS": "cpu"}
    sizes = [str(size) for size in options.loss_batch_sizes]
    command = [sys.executable, "-m", "benchmarks.contrastive_loss", str(options.chunk), *sizes]
    done = subprocess.run(command, env=os.environ | flags, capture_output=True, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])
