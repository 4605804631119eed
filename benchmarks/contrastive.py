"""Objects a second of the contrastive step of AstroM3: ours, published and strict, against PyTorch; memory of the loss alone.

    python -m benchmarks contrastive [--torch-python PYTHON]

The networks have the published sizes and see the same made-up objects, dropout on. The PyTorch step is a re-creation from the paper
(`other_interpreter/contrastive_torch.py`), run by this interpreter, or by another one that has PyTorch. Networks are timed in turns. The loss alone is
compiled for one device and for eight (forced on the CPU), whole and in chunks of rows: time, and memory that its program needs on a device.
"""

import dataclasses
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import jax
import numpy as np
import tyro

from benchmarks.harness import Rate, in_turns, print_table, rate, write_json
from lcjax.models.astrom3_config import PARITY, PhotometryConfig
from lcjax.systems.astrom3.presets import astrom3_published
from lcjax.systems.astrom3.task import build_task
from lcjax.training.state import init_state
from lcjax.training.step import make_update
from lcjax.training.updates import task_optimizers

HERE = Path(__file__).parent


@dataclasses.dataclass(frozen=True)
class Options:
    """What is timed."""

    batch_sizes: tuple[int, ...] = (32,)
    """Of the networks; published: 512."""
    loss_batch_sizes: tuple[int, ...] = (1024, 4096)
    chunk: int = 256
    devices: tuple[int, ...] = (1, 8)
    """Of the loss alone."""
    seconds: float = 10.0
    """Of each case in each turn."""
    turns: int = 3
    torch_python: str = sys.executable
    """Interpreter with PyTorch; where it has none, that row is left out."""
    out: Path | None = None
    """JSON file (default: benchmarks/results/contrastive.json)."""


def main(argv: list[str]) -> int:
    """Times everything and prints two tables."""
    options = tyro.cli(Options, args=argv, prog="python -m benchmarks contrastive")
    steps, losses = [], []
    for batch_size in options.batch_sizes:
        steps += network_rows(options, batch_size)
    for devices in options.devices:
        losses += loss_rows(options, devices)
    print_table("One training step of the trimodal network, published sizes", steps)
    print_table("Loss of one pair and its gradients, 512 dimensions", losses)
    print(f"written: {write_json('contrastive', {'settings': options, 'steps': steps, 'losses': losses}, options.out)}")
    return 0


def network_rows(options: Options, batch_size: int) -> list[dict[str, Any]]:
    """Objects a second of every network at a batch size, timed in turns."""
    cases: dict[str, Callable[[], float]] = {}
    parameters: dict[str, int] = {}
    for name, photometry in (("parity", PARITY), ("strict", PhotometryConfig(encoder="dense"))):
        step, parameters[name] = our_step(photometry, batch_size)
        cases[name] = lambda step=step: rate(_steps(step, batch_size), options.seconds)
    torch = torch_rate(options, batch_size)
    if torch is not None:
        parameters["PyTorch"] = torch["parameters"]
        cases["PyTorch"] = lambda: torch_rate(options, batch_size)["rate"]  # type: ignore[index]
    found = in_turns(cases, options.turns)
    base: Rate | None = found.get("PyTorch")
    return [
        {
            "network": name,
            "batch": batch_size,
            "parameters": parameters[name],
            "objects/s": round(r.median, 1),
            "lowest": round(r.low, 1),
            "highest": round(r.high, 1),
            "of PyTorch": round(r.median / base.median, 2) if base else "-",
        }
        for name, r in found.items()
    ]


def our_step(photometry: PhotometryConfig, batch_size: int) -> tuple[Callable[[], None], int]:
    """A call that makes one update of the engine, and the number of parameters."""
    preset = astrom3_published()
    experiment = dataclasses.replace(preset, model=dataclasses.replace(preset.model, photometry=photometry))
    columns = tuple(f"column_{i}" for i in range(38))
    inputs = dataclasses.replace(experiment.inputs, photometry_columns=columns[:4], metadata_columns=columns[4:])
    experiment = dataclasses.replace(experiment, inputs=dataclasses.replace(inputs, data_columns=columns))
    task = build_task(experiment)
    optimizers = task_optimizers(task, experiment.optimizer, 100)
    state = jax.jit(lambda: init_state(task, optimizers, jax.random.key(0), False))()
    update = jax.jit(make_update(task, optimizers, 0, None, None), donate_argnums=0)
    batch = made_up(task.batch_spec, batch_size)
    stacked = jax.tree.map(lambda x: x[None, None], batch)  # of one update, of one batch
    held = [state]

    def step() -> None:
        held[0], out = update(held[0], stacked)
        jax.block_until_ready(out)

    count = sum(int(np.prod(x.shape)) for x in jax.tree.leaves(state.params))
    return step, count


def made_up(spec: dict[str, Any], rows: int) -> dict[str, np.ndarray]:
    """Random objects with all modalities; half of the light curves are padded."""
    rng = np.random.default_rng(0)
    batch = {name: rng.normal(size=(rows, *s.shape[1:])).astype(np.float32) for name, s in spec.items()}
    length = spec["mask"].shape[1]
    count = np.where(np.arange(rows) % 2, length, length // 2)
    batch |= {"mask": np.arange(length) < count[:, None], "spectrum_mask": np.ones_like(batch["spectrum"], bool)}
    batch["time"] = np.tile(np.linspace(0, 1, length, dtype=np.float32), (rows, 1))
    batch["years"] = np.full(rows, 4.0, np.float32)
    batch["standardised"] = np.ones(rows, np.int32)
    return batch | {"weight": np.ones(rows, np.float32), "label": np.full(rows, -1, np.int32)}


def _steps(step: Callable[[], None], units: int) -> Iterator[int]:
    step()
    while True:
        step()
        yield units


def torch_rate(options: Options, batch_size: int) -> dict[str, Any] | None:
    """Objects a second of the PyTorch step, None where PyTorch is not installed."""
    script = [
        options.torch_python,
        str(HERE / "other_interpreter" / "contrastive_torch.py"),
        str(batch_size),
        str(options.seconds),
    ]
    done = subprocess.run(script, capture_output=True, text=True)
    return json.loads(done.stdout.splitlines()[-1]) if done.returncode == 0 else None


def loss_rows(options: Options, devices: int) -> list[dict[str, Any]]:
    """Time and memory of the loss on so many devices, in a process of its own."""
    flags = {"XLA_FLAGS": f"--xla_force_host_platform_device_count={devices}", "JAX_PLATFORMS": "cpu"}
    sizes = [str(size) for size in options.loss_batch_sizes]
    command = [sys.executable, "-m", "benchmarks.contrastive_loss", str(options.chunk), *sizes]
    done = subprocess.run(command, env=os.environ | flags, capture_output=True, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])
