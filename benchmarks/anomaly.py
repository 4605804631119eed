"""Training many small anomaly detectors: all at once, one by one, and the published program's training in PyTorch.

    python -m benchmarks anomaly [--torch-python PYTHON]

A detector is an autoencoder and then a multi-class Deep SVDD that begins with its encoder, from fresh weights to scores. A
network-epoch is one pass of one network over its training rows. PyTorch runs the published program's training re-created
(`other_interpreter/anomaly_torch.py`), in this interpreter or in another one: one detector after the other, fed by a DataLoader as
published, and from rows that stay on the device.
"""

import dataclasses
import sys
from pathlib import Path
from typing import Annotated

import tyro

from benchmarks.anomaly_cases import Job, compared
from benchmarks.harness import print_table, write_json


@dataclasses.dataclass(frozen=True)
class Options:
    """What is timed."""

    job: Annotated[Job, tyro.conf.arg(name="")] = dataclasses.field(default_factory=Job)
    turns: int = 3
    torch_python: str = sys.executable
    """Interpreter with PyTorch; where it has none, those rows are left out."""
    out: Path | None = None
    """JSON file; default benchmarks/results/anomaly.json."""


def main(argv: list[str]) -> int:
    """Times the cases in turns."""
    options = tyro.cli(Options, args=argv, prog="python -m benchmarks anomaly")
    job = options.job
    rows = compared(job, options.torch_python, options.turns)
    print_table(f"{job.members} detectors, {job.rows:,} rows of {job.features} features, {job.epochs} epochs", rows)
    if rows[0]["times PyTorch as published"] is None:
        print(f"'{options.torch_python}' has no PyTorch: the published program is not compared (--torch-python)")
    print(write_json("anomaly", {"options": options, "rows": rows}, options.out))
    return 0
