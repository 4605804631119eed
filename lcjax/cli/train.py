"""`lcjax train [PRESET]`: from prepared data to a trained, evaluated model with a report.

Without a preset it is the main job: simulate a survey, write shards, pretrain a small strict Astromer 2, evaluate it on
held-out stars and draw a report. Run again, it goes on where it stopped.
"""

import dataclasses
from pathlib import Path
from typing import Annotated, Any, Literal

import tyro
from rich.console import Console

from lcjax.cli.data_kinds import kind_of, runs_of
from lcjax.cli.presets import find_preset
from lcjax.configs import Experiment
from lcjax.errors import ConfigError

DEFAULT_PRESET = "astromer2-small"
DEFAULT_ROOT = Path("lcjax-runs")
DEFAULT_OBJECTS = 3000


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
    _join_processes(options)
    workdir = options.workdir or DEFAULT_ROOT / name
    console = Console(stderr=True)
    if not options.data and kind_of(experiment.system) != "light_curves":
        raise ConfigError(
            f"the preset {name} learns from {kind_of(experiment.system).replace('_', ' ')}: give prepared data with "
            f"--data (lcjax presets {name} says which)"
        )
    data = list(options.data) or [simulated_survey(console)]
    result, chief = run(name, options, experiment, data, workdir)
    if not chief:
        return 0
    console.print(f"{result.status} after {result.step} updates: {workdir}", highlight=False)
    if result.status == "preempted":
        return 0
    if options.report and not has_split(data, "test"):
        console.print("no test split in this data: no report", highlight=False)
    elif options.report:
        runs = runs_of(experiment.system)
        page = runs.evaluate_and_report(workdir, data, reader=options.reader)
        console.print(f"\nreport: [bold]{page}[/]" if page else "nothing to score in the test split", highlight=False)
        console.print("\n[bold]what to try next[/]" + runs.what_next(name, workdir), highlight=False)
    return 0


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
    for what in ("steps", "batch_size", "accumulate", "log_every", "evaluate_every", "checkpoint_every"):
        if getattr(training, what) < 1:
            raise ConfigError(
                f"--training.{what.replace('_', '-')} is {getattr(training, what)}: it must be at least 1"
            )
    return options, dataclasses.replace(experiment, training=training)


def _join_processes(options: TrainOptions) -> None:
    given = [options.coordinator, options.processes, options.process]
    if all(v is None for v in given):
        return
    if any(v is None for v in given):
        raise ConfigError("a run of several processes needs all of --coordinator, --processes and --process")
    import jax

    jax.distributed.initialize(options.coordinator, options.processes, options.process)


def run(name: str, options: TrainOptions, experiment: Experiment, data: list[Path], workdir: Path) -> tuple[Any, bool]:
    """Trains in `workdir`; returns the result and whether this is process 0."""
    import jax

    from lcjax.systems import build_task
    from lcjax.training import fit
    from lcjax.training.workdir import experiment_record

    runs = runs_of(experiment.system)

    def source(split: str) -> Any:
        return runs.open_source(
            experiment,
            data,
            split,
            options.reader,
            process_index=jax.process_index(),
            process_count=jax.process_count(),
            on_corrupt=options.on_corrupt,
        )

    train = source("train")
    experiment = runs.adapt(experiment, train)
    validation = source("validation") if has_split(data, "validation") else None
    if validation is not None and not runs.can_score(validation):
        validation = None
    if validation is None:
        text = "nothing to score in a validation split of this data: training without evaluations"
        Console(stderr=True).print(text, highlight=False)
    record = experiment_record(
        experiment,
        preset=name,
        data={
            "paths": [str(Path(p).resolve()) for p in data],
            "fingerprint": train.fingerprint,
            **runs.describe_data(train),
        },
    )
    weights = None
    if experiment.training.initial_weights:
        from lcjax.systems.loading import load

        weights = load(experiment.training.initial_weights)[1]
    result = fit(
        build_task(experiment), experiment, train, validation, workdir, config_record=record, initial_variables=weights
    )
    return result, jax.process_index() == 0


def has_split(data: list[Path], split: str) -> bool:
    """Whether any of the datasets has records in a split."""
    from data_pipelines.shards.manifest import find_datasets, read_manifest

    return any(s.records for folder in find_datasets(data) for s in read_manifest(folder).split(split))


def simulated_survey(console: Console, root: Path = DEFAULT_ROOT, n_objects: int = DEFAULT_OBJECTS) -> Path:
    """The embedded default: a simulated survey, prepared once and then found again."""
    from data_pipelines.shards.manifest import MANIFEST

    out = root / "data"
    if not any(out.glob(f"simulated/*/{MANIFEST}")):
        from data_pipelines.prepare import prepare

        console.print(f"simulating a survey of {n_objects} stars and transients into {out} ...", highlight=False)
        prepare("simulated", sources=[], out=out, n_objects=n_objects)
    return out / "simulated"
