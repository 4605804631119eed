"""`lcjax predict MODEL INPUT... --out F.parquet`: what a model gives for every star, alert or image.

What the inputs are follows from the model's system: survey files of light curves, alerts, or images of fields.
"""

import dataclasses
import functools
from pathlib import Path
from typing import Annotated, Literal

import tyro
from rich.console import Console

from data_pipelines.kinds import find_kind, kinds
from data_pipelines.kinds.reading import Request
from data_pipelines.processes import Processes, usual_count
from data_pipelines.sources.alerts.kafka import KafkaAlerts
from data_pipelines.sources.alerts.kafka_settings import KafkaAddress, KafkaSettings, only_topic
from data_pipelines.sources.input_identity import input_identity
from lcjax.cli import option_groups
from lcjax.cli.remarks import note, tell, warn
from lcjax.errors import ConfigError
from lcjax.inference.loaded import Loaded
from lcjax.inference.predicting import predict_files, predict_topics
from lcjax.inference.table_names import check_apart, check_folder_name, check_table_name, rejected_name
from lcjax.systems import find_system, systems
from lcjax.systems.base import Work


@dataclasses.dataclass(frozen=True)
class PredictOptions:
    """Writes a table, Parquet or CSV; what cannot be used is counted and named, with the reason, in F.rejected.parquet.

    Rows are in input order; a star whose points come in several files, row groups or rows stands where its last part is.

    The same command goes on where it was stopped or killed, and ends with the same file; until then what it has lies in
    .F.parquet.parts. With other settings, weights or input files it begins anew.

    Light curves (astromer): object_id, what the model gives (embedding), n_points; rows of windows, points or layers:
    --output.level. Stars with several bands have one row per
    band and a column `band`. The embedding of a star is the mean over its windows, weighted by their number of points. Fluxes
    become magnitudes where they are positive; what that loses is counted. An lcjax-base takes fluxes of any sign; one of several bands
    has one row a star and a column `bands` of those that it was seen in. Losing more than --cleaning.max-loss ends with exit code
    2, and the answers that were found stay written.

    Light curves (classifiers of light curves): object_id, a column of probabilities for every class, `class`, the entropy of the
    probabilities in nats, n_points, and with --classes.embedding the vector that was classified; one row per band as above.

    Alerts (stamp classifiers): object_id, alert_id, mjd, ra, dec, a column of probabilities for every class, `class`; and, as
    a policy of its own that leaves these as they are, what the ALeRCE service would make of them: service_class,
    service_rule, service_reported.

    Hosts (delight; FITS images or alerts): object_id, alert_id, ra, dec of the host, dx, dy from the transient along columns
    and rows, separation, scatter of the answers (a quality flag), semi_major_axis of the host; all in arcsec or degrees.

    kafka://host:port/topic as the input answers the alerts of a topic as they come. F.parquet is then a folder of parts that
    readers of Parquet take as one table; the same command goes on where it stopped, whatever stopped it.
    """

    model: Annotated[str, tyro.conf.Positional]
    """Workdir, weights folder, or published name (lcjax weights list)."""
    inputs: Annotated[tuple[str, ...], tyro.conf.Positional]
    """Light curves: Parquet (flat or nested), CSV, ECSV or FITS files, folders of them, survey originals, or prepared shards.
    Parquet, CSV and shards may be larger than memory; of ECSV and FITS, each file is read whole.
    Alerts: Avro, tar, Parquet, FITS or .npy files, folders of them, prepared shards, or kafka://host:port/topic. Hosts: FITS images or alerts."""
    out: Path
    """File to write, .parquet or .csv (not for vectors); an earlier one is replaced when the new one is whole."""
    decoders: int = dataclasses.field(default_factory=usual_count)
    """Processes that decode alerts, or find the sources of fields, beside the network; 0: none. Default: by cores, 4 at most. Does not change results."""
    batch_size: int | None = None
    """Windows, alerts or fields computed at once; does not change results. Default: by device."""
    which: Literal["best", "latest", "ema"] = "best"
    """Which weights of a workdir."""


def main(argv: list[str]) -> int:
    """Loads the model, reads the input as its kind of data does, writes what the model answers."""
    groups = option_groups.merged(
        [*(kind.predict_options for kind in kinds().values()), *(s.predict_options for s in systems().values())]
    )
    options, chosen = option_groups.parse(PredictOptions, groups, argv, "lcjax predict")
    out: Path = options.out
    rejected = rejected_name(out)
    topic = _topic(options, rejected)
    console = Console(stderr=True)
    loaded = _load(options, console)
    system = find_system(loaded.experiment.system)
    kind = find_kind(system.kind)
    understood = option_groups.of({**kind.predict_options, **system.predict_options}, chosen, options.model)
    with Processes(options.decoders) as processes:
        say = functools.partial(note, console=console)
        request = Request(system.request(loaded, understood), understood, processes, say)
        reader = kind.reader(request)
        answers = system.answers(loaded, Work(understood, kind.tools(), processes.map, options.batch_size))
        if topic:
            kafka: KafkaSettings = understood.get("kafka") or KafkaSettings()
            shown = functools.partial(warn, console=console)
            join = functools.partial(KafkaAlerts, KafkaAddress.parse(topic), kafka, warn=shown)
            part = (kafka.part_rows, kafka.part_seconds)
            reader.decoded(())  # says so where this model reads no streams
            predict_topics(answers, join, reader, out, rejected, console, tell, loaded.identity(), part)
        else:
            same = f"{loaded.work_identity(understood)}, input {input_identity(options.inputs, (out, rejected))}"
            predict_files(answers, reader, options.inputs, out, rejected, console, tell, same)
    return 0


def _topic(options: PredictOptions, rejected: Path) -> str | None:
    """The Kafka address that is the input; None where files are.

    Raises:
      ConfigError: inputs or an output that make no sense. StorageError: the output cannot be written.
    """
    if not options.inputs:
        raise ConfigError("there is nothing to predict: give one or more files after the model")
    if options.decoders < 0:
        raise ConfigError(f"{options.decoders} decoders are impossible: give 0 or more")
    topic = only_topic(options.inputs, "one input among several")
    (check_folder_name if topic else check_table_name)(options.out)
    check_apart(options.inputs, (options.out, rejected))
    return topic


def _load(options: PredictOptions, console: Console) -> Loaded:
    from lcjax.pretrained.download_bar import download_bar
    from lcjax.systems.loading import load
    from lcjax.training.compilation import enable_compile_cache

    enable_compile_cache()
    with download_bar(console, options.model) as progress:
        return load(options.model, options.which, functools.partial(warn, console=console), progress)
