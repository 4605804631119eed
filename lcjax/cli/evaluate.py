"""`lcjax evaluate MODEL --data D`: scores on held-out objects, with intervals; which ones depends on the system."""

import dataclasses
from pathlib import Path
from typing import Annotated, Literal

import tyro

from lcjax.errors import ConfigError


@dataclasses.dataclass(frozen=True)
class EvaluateOptions:
    """Scores a workdir, weights folder or published model on held-out objects, with 95 % intervals over objects.

    Light curves: reconstruction of hidden points, always apart for all stars, long-period ones, and the others, because
    Miras dominate every sum of squares. Alert stamps: accuracy, macro F1 and recalls, with and without image, metadata,
    sky position and history.
    """

    model: Annotated[str, tyro.conf.Positional]
    """Workdir, weights folder or published name."""
    data: tuple[Path, ...] = ()
    """Prepared datasets; none: those the workdir was trained on."""
    split: Literal["train", "validation", "test"] = "test"
    json: Path | None = None
    """Also write the scores there."""
    report: Path | None = None
    """Also write the HTML report, as this folder's report/index.html."""
    strict: bool = False
    """Evaluate published (parity) weights honestly: hidden points show nothing and nobody attends to them."""


def main(argv: list[str]) -> int:
    """Evaluates and prints."""
    options = tyro.cli(EvaluateOptions, args=argv, prog="lcjax evaluate")
    from lcjax.cli.data_kinds import runs_of
    from lcjax.systems.loading import load_system

    loaded = load_system(options.model)
    data = list(options.data) or [Path(p) for p in loaded.record.get("data", {}).get("paths", [])]
    if not data:
        raise ConfigError(f"'{options.model}' does not say what it was trained on: give prepared data with --data")
    runs_of(loaded.experiment.system).evaluate(loaded, data, options)
    return 0
