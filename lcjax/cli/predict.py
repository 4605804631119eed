"""`lcjax predict MODEL INPUT... --out F.parquet`: what a model gives for every star, alert or image.

What the inputs are follows from the model's system: survey files of light curves, alerts, or images of fields.
"""

import dataclasses
from pathlib import Path
from typing import Annotated, Literal

import tyro
from rich.console import Console
from rich.markup import escape

from data_pipelines.kinds.light_curves.cleaning import CleaningSettings
from data_pipelines.kinds.light_curves.columns import ColumnNames
from data_pipelines.processes import Processes, usual_count
from data_pipelines.sources.alerts import STAMP_NAMES, SchemaSet, StampRules
from data_pipelines.sources.alerts.decoders import Decoders
from data_pipelines.sources.alerts.kafka_settings import SCHEME, KafkaAddress, KafkaSettings
from lcjax.errors import ConfigError
from lcjax.systems.classifier.service_rules import ServiceRules
from lcjax.systems.loading import Loaded, load_system


@dataclasses.dataclass(frozen=True)
class AlertOptions:
    """Alerts: which can be used."""

    size: str = "nominal"
    """Side of the stamps in pixels; `nominal`: the survey's, others are set aside; `any`: whatever comes."""
    max_missing: float = 1.0
    """Largest fraction of missing pixels of a stamp; one without any valid pixel is always set aside."""
    schemas: tuple[Path, ...] = ()
    """Files or folders of Avro schemas (.avsc) for Confluent-framed messages."""
    ztf_orientation: bool = False
    """Take ZTF's cutouts to lie on the sky as has been measured (columns west, rows south, to half an arcsecond): hosts then
    have ra and dec. The packets themselves do not say how their cutouts lie."""

    def rules(self, need: tuple[str, ...]) -> StampRules:
        """As the reader takes them."""
        size = int(self.size) if self.size.isdigit() else self.size
        return StampRules(
            need=need,
            size=size,
            max_missing=self.max_missing,
            history=False,
            ztf_orientation=self.ztf_orientation,
        )


@dataclasses.dataclass(frozen=True)
class HostOptions:
    """Hosts: where the transient is, and when to trust the answer."""

    positions: Path | None = None
    """CSV file with object_id (name of the image file without .fits), ra, dec of transients that are not in the middle."""
    pixel_scale: float | None = None
    """Arcsec, of images without world coordinates."""
    max_scatter: float | None = None
    """Where the eight answers scatter more, arcsec, the nearest source answers instead."""
    stamp: Literal["science", "template", "difference"] = "template"
    """Of alerts: the stamp in which the host is looked for. Rubin's stamps have world coordinates, so their hosts have ra and
    dec; ZTF's have none, so theirs have dx and dy only (but see --alerts.ztf-orientation)."""


@dataclasses.dataclass(frozen=True)
class PredictOptions:
    """Writes a Parquet table in input order; what cannot be used is counted and named, with the reason, in F.rejected.parquet.

    Light curves (astromer): object_id, what the model gives (embedding), n_points. Stars with several bands have one row per
    band and a column `band`. The embedding of a star is the mean over its windows, weighted by their number of points.

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
    Alerts: Avro, tar, Parquet, FITS or .npy files, folders of them, prepared shards, or kafka://host:port/topic. Hosts: FITS images or alerts."""
    out: Path
    """Parquet file to write; an earlier one is replaced when the new one is whole."""
    columns: ColumnNames = dataclasses.field(default_factory=ColumnNames)
    cleaning: CleaningSettings = dataclasses.field(default_factory=CleaningSettings)
    alerts: AlertOptions = dataclasses.field(default_factory=AlertOptions)
    rules: ServiceRules = dataclasses.field(default_factory=ServiceRules)
    hosts: HostOptions = dataclasses.field(default_factory=HostOptions)
    kafka: KafkaSettings = dataclasses.field(default_factory=KafkaSettings)
    decoders: int = dataclasses.field(default_factory=usual_count)
    """Processes that decode alerts, or find the sources of fields, beside the network; 0: none. Default: by cores, 4 at most. Does not change results."""
    batch_size: int | None = None
    """Windows, alerts or fields computed at once; does not change results. Default: by device."""
    which: Literal["best", "latest", "ema"] = "best"
    """Which weights of a workdir."""


def main(argv: list[str]) -> int:
    """Loads the model and hands over to what its system predicts from."""
    options = tyro.cli(PredictOptions, args=argv, prog="lcjax predict")
    if not options.inputs:
        raise ConfigError("there is nothing to predict: give one or more files after the model")
    if options.decoders < 0:
        raise ConfigError(f"{options.decoders} decoders are impossible: give 0 or more")
    out = options.out
    rejected = out.with_name(f"{out.stem}.rejected{out.suffix or '.parquet'}")
    topics = [name for name in options.inputs if name.startswith(SCHEME)]
    if topics and len(options.inputs) > 1:
        raise ConfigError(f"'{topics[0]}' is one input among several: a Kafka address must be the only one")
    if any(Path(name).resolve() in (out.resolve(), rejected.resolve()) for name in options.inputs):
        raise ConfigError(f"'{out}' is also an input: choose another --out")
    console = Console(stderr=True)
    loaded = _load(options, console)
    kind = _kind(loaded)
    if kind == "light_curves":
        if topics:
            raise ConfigError(
                f"'{options.model}' reads light curves, not alerts: Kafka topics are for stamp classifiers"
            )
        from lcjax.cli import star_predictions

        star_predictions.predict(options, loaded, out, rejected, console)
    else:
        _answer_alerts(options, loaded, kind, out, rejected, console)
    return 0


def _load(options: PredictOptions, console: Console) -> Loaded:
    from lcjax.cli.weights import download_progress
    from lcjax.training.compilation import enable_compile_cache

    warn = lambda text: console.print(f"[yellow]{escape(text)}[/]", highlight=False, soft_wrap=True)
    enable_compile_cache()
    with download_progress(console, options.model) as progress:
        return load_system(options.model, options.which, warn, progress)


def _kind(loaded: Loaded) -> str:
    from lcjax.cli.data_kinds import kind_of

    return kind_of(loaded.experiment.system)


def _answer_alerts(
    options: PredictOptions, loaded: Loaded, kind: str, out: Path, rejected: Path, console: Console
) -> None:
    from lcjax.cli import alert_predictions
    from lcjax.systems.classifier.prediction import StampAnswers, read_entries
    from lcjax.systems.classifier.predictor import StampPredictor
    from lcjax.systems.delight.prediction import HostAnswers, read_outcomes, read_positions

    schemas, hosts, processes = SchemaSet(options.alerts.schemas), options.hosts, Processes(options.decoders)
    answers: alert_predictions.Answers
    if kind == "stamps":
        answers = StampAnswers(StampPredictor.from_loaded(loaded, options.batch_size), options.rules)
        rules = options.alerts.rules(STAMP_NAMES)
    else:
        answers = HostAnswers.from_loaded(loaded, options.batch_size, hosts.max_scatter, hosts.stamp, processes)
        rules = options.alerts.rules((hosts.stamp,))
    with processes:
        decoders = Decoders(processes, rules, schemas, answers.entries)
        if options.inputs[0].startswith(SCHEME):
            address, identity = KafkaAddress.parse(options.inputs[0]), alert_predictions.identity_of(loaded)
            alert_predictions.predict_topics(
                answers, address, options.kafka, decoders, identity, out, rejected, console
            )
            return
        if kind == "stamps":
            outcomes = read_entries(options.inputs, decoders)
        else:
            positions = read_positions(hosts.positions) if hosts.positions else None
            outcomes = read_outcomes(options.inputs, decoders, positions, hosts.pixel_scale)
        alert_predictions.predict_files(answers, outcomes, out, rejected, console)
