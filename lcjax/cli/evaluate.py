"""`lcjax evaluate MODEL --data D`: reconstruction of hidden points and few-neighbour accuracy on held-out stars."""

import dataclasses
from pathlib import Path
from typing import Annotated, Literal

import tyro

from lcjax.errors import ConfigError


@dataclasses.dataclass(frozen=True)
class EvaluateOptions:
    """Scores a workdir, weights folder or published model on held-out stars, with 95 % intervals over stars.

    Always apart: all stars, long-period ones, and the others, because Miras dominate every sum of squares.
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
    from lcjax.analysis.scores import score_groups
    from lcjax.cli.reporting import evaluate_held_out, print_scores, save_scores, write_report
    from lcjax.inference.loading import load_system

    loaded = load_system(options.model)
    if options.strict:
        loaded = strictly(loaded)
    data = list(options.data) or [Path(p) for p in loaded.record.get("data", {}).get("paths", [])]
    if not data:
        raise ConfigError(f"'{options.model}' does not say what it was trained on: give prepared data with --data")
    held_out = evaluate_held_out(loaded, data, options.split)
    rows = score_groups(held_out.sums)
    print_scores(rows)
    if options.json:
        save_scores(options.json, rows)
    if options.report:
        print(write_report(options.report, loaded, held_out, rows, model=options.model))
    return 0


def strictly(loaded):
    """The same weights as a strict network: no token, no look at hidden points."""
    from lcjax.tasks import build_task

    experiment = loaded.experiment
    token = "mask_token" in loaded.variables["params"]
    model = dataclasses.replace(experiment.model, parity=False, mask_token=token)
    experiment = dataclasses.replace(experiment, model=model)
    return loaded._replace(experiment=experiment, task=build_task(experiment))
