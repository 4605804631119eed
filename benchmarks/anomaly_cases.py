"""Training many anomaly detectors, ours and in PyTorch, as cases to be timed. Needs no command-line library.

    python -m benchmarks.anomaly_cases [JSON of Job] [interpreter with PyTorch]

is the benchmark where only arrays are at hand, such as on a lent accelerator.
"""

import dataclasses
import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

SCRIPT = Path(__file__).parent / "other_interpreter" / "anomaly_torch.py"
KINDS = ("autoencoder", "mcdsvdd")
"""One detector is an autoencoder, and a hypersphere that begins with its encoder."""


@dataclasses.dataclass(frozen=True)
class Job:
    """What is trained: `members` detectors (held-out class x fold x seed), each of two networks."""

    members: int = 12
    rows: int = 1500
    features: int = 64
    classes: int = 5
    latent: int = 32
    widths: tuple[int, ...] = (512, 256, 128)
    batch_size: int = 1024
    epochs: int = 5
    """Of every network; none stops early."""
    torch_epochs: int = 5
    """The same in PyTorch, whose time an epoch does not depend on how many there are."""
    seconds: float = 5.0
    """Of whole detectors, of each PyTorch case in each turn."""

    @property
    def network_epochs(self) -> int:
        """Passes of one network over its rows, in all."""
        return len(KINDS) * self.members * self.epochs


def our_run(job: Job) -> Callable[[str, int], float]:
    """(`vmap` or `map`, members at once) -> seconds of the whole job: weights, training, centres, scores."""
    import jax.numpy as jnp

    from lcjax.models.svdd_config import DetectorModelConfig
    from lcjax.systems.svdd.config import SvddExperiment
    from lcjax.systems.svdd.ensemble import Members
    from lcjax.systems.svdd.fitting import FitSettings, fit_networks, score_members

    rng = np.random.default_rng(0)
    tables = jnp.asarray(rng.uniform(0, 1, (1, job.rows, job.features)), jnp.float32)
    label, held = np.arange(job.rows) % job.classes, np.arange(job.rows) % 5 == 0
    experiment = SvddExperiment(model=DetectorModelConfig(tuple(job.widths), job.latent))
    settings = FitSettings(batch_size=job.batch_size, max_epochs=job.epochs, patience=job.epochs)

    def run(spread: str, at_once: int) -> float:
        begin = time.perf_counter()
        for first in range(0, job.members, at_once):
            count = min(at_once, job.members - first)
            every = lambda x, count=count: np.tile(x, (count, 1))
            seeds = first + np.arange(count)
            members = Members(np.zeros(count, int), every(label), every(~held), every(held), seeds)
            own = dataclasses.replace(settings, spread=spread)
            fitted = fit_networks(KINDS, experiment, tables, members, job.classes, own)
            for networks in fitted.values():
                score_members(networks, tables, members.source)
        return time.perf_counter() - begin

    return run


def torch_seconds(job: Job, python: str) -> dict[str, Any] | None:
    """Seconds of an epoch of one network in PyTorch by way of feeding, scores and set-up shared out; None where it is not installed."""
    settings = dataclasses.asdict(job) | {"epochs": job.torch_epochs}
    done = subprocess.run([python, str(SCRIPT), json.dumps(settings)], capture_output=True, text=True)
    if done.returncode:
        said = (done.stderr.splitlines() or [f"exit code {done.returncode}"])[-1]
        print(f"no times of PyTorch by '{python}': {said}", file=sys.stderr)
        return None
    found = json.loads(done.stdout.splitlines()[-1])
    each = {name: value / (len(KINDS) * job.torch_epochs) for name, value in found["seconds"].items()}
    return found | {"epoch": each}


def compared(job: Job, python: str, turns: int, say: Callable[[str], None] = print) -> list[dict[str, Any]]:
    """A row a case: network-epochs and rows a second, detectors a minute, seconds of the whole job."""
    run = our_run(job)
    cold = run("auto", job.members)
    say(f"all at once, the first time, compiled: {cold:.1f} s for {job.network_epochs:,} network-epochs")
    cases: dict[str, Callable[[], float]] = {"all at once (vmap)": lambda: run("vmap", job.members)}
    if _on_cpu():  # where it is the usual way
        cases["all at once, in turn (map)"] = lambda: run("map", job.members)
    cases["one by one"] = lambda: run("map", 1)
    for case in cases.values():
        case()  # compiles
    times: dict[str, list[float]] = {name: [] for name in cases}
    for _ in range(turns):
        for name, case in cases.items():
            times[name].append(case())
        found = torch_seconds(job, python)
        for name, value in (found or {"epoch": {}})["epoch"].items():
            times.setdefault(f"PyTorch, {name}", []).append(value * job.network_epochs)
    rows = [_row(name, values, job) for name, values in times.items()]
    published = next((row["seconds"] for row in rows if row["case"] == "PyTorch, published"), None)
    rows.insert(0, _row("all at once, compilation included", [cold], job))
    return [row | {"times PyTorch as published": published / row["seconds"] if published else None} for row in rows]


def _on_cpu() -> bool:
    import jax

    return jax.default_backend() == "cpu"


def _row(name: str, seconds: list[float], job: Job) -> dict[str, Any]:
    middle = float(np.median(seconds))
    trained = job.rows - len(range(0, job.rows, 5))
    return {
        "case": name,
        "seconds": middle,
        "lowest": min(seconds),
        "highest": max(seconds),
        "network-epochs/s": job.network_epochs / middle,
        "training rows/s": job.network_epochs * trained / middle,
        "detectors/min": job.members * 60 / middle,
    }


if __name__ == "__main__":
    asked = Job(**json.loads(sys.argv[1])) if len(sys.argv) > 1 else Job()
    print(asked)
    for row in compared(asked, sys.argv[2] if len(sys.argv) > 2 else sys.executable, 1):
        print("  ".join(f"{value:>12.4g}" if isinstance(value, float) else f"{value!s:<34}" for value in row.values()))
    print(
        "columns: case, seconds, lowest, highest, network-epochs/s, training rows/s, detectors/min, times PyTorch as published"
    )
