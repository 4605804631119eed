"""One of several processes that train together: `worker PORT RANK RANKS FOLDER NAME:SETTING=VALUE,... ...`."""

import sys
from pathlib import Path

import jax

from tests.training.curves import astromer_fit
from tests.training.toy import ToySource, toy_fit


def main(folder: Path, runs: list[str], rank: int, ranks: int) -> None:
    """Trains every named run; prints how each ended."""
    for run in runs:
        name, _, text = run.partition(":")
        settings = dict(item.split("=") for item in text.split(",") if item)
        settings = {k: int(v) if v.isdigit() else v for k, v in settings.items()}
        pause = settings.pop("pause_ms", 0) / 1000
        print(f"running {name}", flush=True)
        if name.startswith("astromer"):
            result = astromer_fit(folder / name, rank, ranks, **settings)
        else:
            result = toy_fit(folder / name, ToySource(rank=rank, ranks=ranks, pause=pause), **settings)
        print(f"{name} {result.status} {result.step}", flush=True)


if __name__ == "__main__":
    port, rank, ranks = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    jax.distributed.initialize(f"127.0.0.1:{port}", num_processes=ranks, process_id=rank)
    main(Path(sys.argv[4]), sys.argv[5:], rank, ranks)
