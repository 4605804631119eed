"""`lcjax train [PRESET]`: from prepared data to a trained, evaluated model with a report.

Without a preset it is the main job: simulate a survey, write shards, pretrain a small strict Astromer 2, evaluate it on
held-out stars and draw a report. Run again, it goes on where it stopped.
"""

import dataclasses
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import tyro
from rich.console import Console

from data_pipelines.kinds import find_kind
from lcjax.cli.remarks import say, warn
from lcjax.configs import Experiment
from lcjax.errors import ConfigError
from lcjax.systems import find_preset, find_system
from lcjax.training.joining import join_processes

if TYPE_CHECKING:
    from lcjax.training.loop import FitResult

DEFAULT_PRESET = "astromer2-small"
DEFAULT_ROOT = Path("lcjax-runs")


@dataclasses.dataclass(frozen=True)
class TrainOptions:
    """What to train on, where to, and the settings most often changed; all others are below, by their dotted names."""

    data: tuple[Path, ...] = ()
    """Folders that `lcjax data prepare` wrote; none: a simulated survey, made once."""
    workdir: Path | None = None
    """Where everything goes; the same command goes on with an interrupted run. Default: lcjax-runs/PRESET."""
    steps: int | None = None
    """Same as --training.steps."""
    seed: int | None = None
    """Same as --training.seed."""
    parallel: Literal["jit", "pmap"] | None = None
    """Same as --training.parallel."""
    batch_size: int | None = None
    """Same as --training.batch-size."""
    reader: Literal["auto", "tf.data", "plain"] = "auto"
    """Which reader feeds the step; both give the same batches."""
    on_corrupt: Literal["raise", "skip_shard"] = "raise"
    """A damaged shard stops the run, or is left out and reported."""
    on_leak: Literal["leave_out", "raise", "keep"] = "leave_out"
    """Stars (objects of alerts, fields) that are in the training split of one dataset and held out in another are left out of training,
    those in validation and in another's test split out of validation; or they stop the run, or are used nevertheless."""
    labels: Path | None = None
    """Table of labels that win over those of the data, in the training and validation splits: CSV with `label` and `alert_id` or
    `object_id`, such as lcjax hunt exports. Alerts only."""
    report: bool = True
    """Evaluate on the test split and write the report at the end."""
    coordinator: str | None = None
    """HOST:PORT of process 0, for runs of several processes."""
    processes: int | None = None
    """Number of processes."""
    process: int | None = None
    """Rank of this process."""


def main(argv: list[str]) -> int:
    """Parses, trains, evaluates, reports."""
    name = DEFAULT_PRESET
    if argv and not argv[0].startswith("-"):
        name, argv = argv[0], argv[1:]
    options, experiment = parse(name, argv)
    join_processes(options.coordinator, options.processes, options.process)
    workdir = options.workdir or DEFAULT_ROOT / name
    console = Console(stderr=True)
    system = find_system(experiment.system)
    kind = find_kind(system.kind)
    experiment, datasets = (experiment, {}) if options.data else system.simulated(experiment)
    if not options.data and not datasets and not kind.simulated:
        why = f"give prepared data with --data (lcjax presets {name} says which)"
        raise ConfigError(f"the preset {name} learns from {kind.unit}: {why}")
    if options.labels and not kind.takes_labels:
        raise ConfigError(f"--labels is for models of alerts, and the preset {name} learns from {kind.unit}")
    from data_pipelines.shards.opening import has_split
    from data_pipelines.simulated_data import simulated_datasets, simulated_survey

    data = list(options.data) or simulated_datasets(datasets, DEFAULT_ROOT / "data", say)
    data = data or [simulated_survey(DEFAULT_ROOT / "data", kind.simulated, say=say)]
    result, chief = run(name, options, experiment, data, workdir)
    if not chief:
        return 0
    console.print(f"{result.status} after {result.step} updates: {workdir}", highlight=False)
    if result.status == "preempted":
        return 0
    if options.report and not has_split(data, "test"):
        console.print("no test split in this data: no report", highlight=False)
    elif options.report:
        page = _evaluate_and_report(name, workdir, data, options.reader)
        console.print(f"\nreport: [bold]{page}[/]" if page else "nothing to score in the test split", highlight=False)
        console.print("\n[bold]what to try next[/]" + system.next_steps(workdir, name), highlight=False, markup=True)
    return 0


def _evaluate_and_report(preset: str, workdir: Path, data: list[Path], reader: str) -> Path | None:
    """Scores of the best weights on the test split, printed, saved and reported; None where nothing can be scored."""
    from lcjax.evaluation.run import judged_on, print_and_write
    from lcjax.systems.loading import load
    from lcjax.systems.splits import held_out_data

    loaded = load(workdir)
    system = find_system(loaded.experiment.system)
    loaded, held_out = held_out_data(loaded, find_kind(system.kind), data, "test", warn, reader)
    if not system.can_score(held_out):
        return None
    scores = system.evaluate(loaded, held_out, {})
    command = f"lcjax evaluate {shlex.join([str(workdir), '--data', *map(str, data)])}"
    origin = judged_on(data, "test", command, held_out.fingerprint)
    return print_and_write(scores, loaded.record, workdir, origin, workdir / "scores.json", workdir, "--workdir")


def parse(name: str, argv: list[str]) -> tuple[TrainOptions, Experiment]:
    """Options and the preset with its overrides."""
    preset = find_preset(name)()
    fields = [
        ("options", Annotated[TrainOptions, tyro.conf.arg(name="")], TrainOptions()),
        ("experiment", Annotated[type(preset), tyro.conf.arg(name="")], preset),
    ]
    kind = dataclasses.make_dataclass("Train", fields, frozen=True)
    kind.__doc__ = f"Trains the preset {name}.\n\n{find_preset(name).__doc__}"
    parsed = tyro.cli(kind, args=argv, prog=f"lcjax train {name}")
    options, experiment = parsed.options, parsed.experiment
    short = {k: getattr(options, k) for k in ("steps", "seed", "parallel", "batch_size")}
    changes = {k: v for k, v in short.items() if v is not None}
    training = dataclasses.replace(experiment.training, **changes)
    return options, dataclasses.replace(experiment, training=training)


def run(
    name: str, options: TrainOptions, experiment: Experiment, data: list[Path], workdir: Path
) -> "tuple[FitResult, bool]":
    """Trains in `workdir`; returns the result and whether this is process 0."""
    import jax

    from data_pipelines.shards.leaks import LEFT_OUT, leaking_stars
    from data_pipelines.shards.opening import has_split
    from lcjax.systems.splits import training_splits
    from lcjax.systems.training import train_system

    kind, chief = find_kind(find_system(experiment.system).kind), jax.process_index() == 0
    without = leaking_stars(data, options.on_leak, warn if chief else lambda text: None)
    settings = {"reader": options.reader, "on_corrupt": options.on_corrupt}
    settings |= {"labels": options.labels} if options.labels else {}
    left_out = {split: {"without": ids} for split, ids in without.items()}
    opened = training_splits(kind, data, warn, settings, left_out, say_of_all=bool(options.labels))
    about = {"paths": [str(path.resolve()) for path in data]}
    about |= {LEFT_OUT[split]: sum(map(len, ids.values())) for split, ids in without.items()}
    return train_system(name, experiment, opened, has_split(data, "validation"), about, workdir, say), chief
