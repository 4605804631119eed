"""Training many small anomaly detectors: all at once against one by one, and against the published step in PyTorch.

    python -m benchmarks anomaly

Units are detector-epochs: one pass of one detector over its training rows. The loop is one detector after the other, each epoch
its own call, as the published program does it; PyTorch runs that program's step re-created (class-balanced sampler, batch norm,
Adam), where it is installed.
"""

import dataclasses
import importlib.util
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import tyro

from benchmarks.harness import in_turns, print_table, write_json


@dataclasses.dataclass(frozen=True)
class Options:
    """What is trained."""

    members: int = 12
    """Detectors: held-out class x fold x seed."""
    rows: int = 1500
    features: int = 64
    classes: int = 5
    latent: int = 32
    widths: tuple[int, ...] = (512, 256, 128)
    batch_size: int = 1024
    epochs: int = 5
    """Of every detector in a turn."""
    detector: str = "mcdsvdd"
    turns: int = 3
    out: Path | None = None
    """JSON file; default benchmarks/results/anomaly.json."""


def main(argv: list[str]) -> int:
    """Times the cases in turns."""
    options = tyro.cli(Options, args=argv, prog="python -m benchmarks anomaly")
    cases = jax_cases(options)
    if importlib.util.find_spec("torch"):
        cases["PyTorch, one by one"] = torch_case(options)
    else:
        print("PyTorch is not installed: the published step is not compared (pip install torch)")
    rates = in_turns(cases, options.turns)
    loop = rates["one by one"].median
    table = [
        {
            "case": name,
            "detector-epochs/s": r.median,
            "lowest": r.low,
            "highest": r.high,
            "rows/s": r.median * options.rows,
            "detectors/min of 400 epochs": r.median * 60 / 400,
            "times the loop": r.median / loop,
        }
        for name, r in rates.items()
    ]
    print_table(
        f"{options.members} detectors ({options.detector}), {options.rows:,} rows of {options.features} features", table
    )
    print(write_json("anomaly", {"options": options, "rates": rates}, options.out))
    return 0


def jax_cases(options: Options) -> dict[str, Callable[[], float]]:
    """`vmap`, `map`, and the loop; compiled before they are timed."""
    import jax.numpy as jnp

    from lcjax.models.svdd_config import DetectorModelConfig
    from lcjax.systems.svdd.config import SvddExperiment
    from lcjax.systems.svdd.core import build_core
    from lcjax.systems.svdd.ensemble import Members, Schedule, initial_variables, train_members

    rng = np.random.default_rng(0)
    tables = jnp.asarray(rng.uniform(0, 1, (1, options.rows, options.features)), jnp.float32)
    label = np.arange(options.rows) % options.classes
    held = np.arange(options.rows) % 5 == 0
    model = DetectorModelConfig(options.widths, options.latent)
    experiment = SvddExperiment(detector=options.detector, model=model)  # type: ignore[arg-type]
    core = build_core(experiment, {"mcdsvdd": options.classes, "deep_svdd": 1}.get(options.detector, 0))

    def members(count: int) -> Members:
        every = lambda x: np.tile(x, (count, 1))
        return Members(np.zeros(count, int), every(label), every(~held), every(held), np.arange(count))

    def run(count: int, spread: str, epochs_at_once: int) -> None:
        schedule = Schedule(
            batch_size=options.batch_size,
            max_epochs=options.epochs,
            epochs_at_once=epochs_at_once,
            spread=spread,  # type: ignore[arg-type]
        )
        own = members(count)
        centres = jnp.ones((count, options.classes if options.detector == "mcdsvdd" else 1, options.latent))
        train_members(core, tables, own, initial_variables(core, own, options.features), centres, schedule)

    def timed(calls: Callable[[], None]) -> Callable[[], float]:
        calls()

        def rate() -> float:
            begin = time.perf_counter()
            calls()
            return options.members * options.epochs / (time.perf_counter() - begin)

        return rate

    return {
        "all at once, vmap": timed(lambda: run(options.members, "vmap", options.epochs)),
        "all at once, one after the other (map)": timed(lambda: run(options.members, "map", options.epochs)),
        "one by one": timed(lambda: [run(1, "map", 1) for _ in range(options.members)] and None),
    }


def torch_case(options: Options) -> Callable[[], float]:
    """The published step: a weighted sampler with replacement, batches of `batch_size`, Adam, a validation pass an epoch."""
    import torch
    from torch import nn
    from torch.utils.data import DataLoader, TensorDataset, WeightedRandomSampler

    generator = torch.Generator().manual_seed(0)
    x = torch.rand((options.rows, options.features), generator=generator)
    y = torch.arange(options.rows) % options.classes
    held = torch.arange(options.rows) % 5 == 0
    centres = torch.ones((options.classes, options.latent))

    def network() -> nn.Module:
        layers: list[nn.Module] = []
        for have, want in zip((options.features, *options.widths), options.widths, strict=False):
            layers += [nn.Linear(have, want), nn.BatchNorm1d(want), nn.LeakyReLU(0.01)]
        return nn.Sequential(*layers, nn.Linear(options.widths[-1], options.latent, bias=False))

    def rate() -> float:
        begin = time.perf_counter()
        for _ in range(options.members):
            model = network()
            adam = torch.optim.Adam(model.parameters(), lr=5e-4)
            data = TensorDataset(x[~held], y[~held])
            sampler = WeightedRandomSampler(torch.ones(len(data)), len(data), replacement=True)
            for _ in range(options.epochs):
                model.train()
                for rows, label in DataLoader(data, options.batch_size, sampler=sampler):
                    adam.zero_grad()
                    loss = ((model(rows) - centres[label]) ** 2).sum(1).mean()
                    loss.backward()
                    adam.step()
                model.eval()
                with torch.no_grad():
                    float(((model(x[held]) - centres[y[held]]) ** 2).sum(1).mean())
        return options.members * options.epochs / (time.perf_counter() - begin)

    return rate
