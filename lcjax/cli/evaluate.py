"""`lcjax evaluate MODEL --data D`: scores on held-out objects, with intervals; which ones depends on the system."""

import dataclasses
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import tyro

from data_pipelines.kinds import find_kind
from lcjax.cli import option_groups, probe
from lcjax.cli.remarks import say_remarks, warn
from lcjax.errors import ConfigError
from lcjax.inference.loaded import Loaded
from lcjax.systems import find_system, systems
from lcjax.systems.base import Data

if TYPE_CHECKING:
    from lcjax.evaluation.scores import Scores


@dataclasses.dataclass(frozen=True)
class EvaluateOptions:
    """Scores a workdir, weights folder or published model on held-out objects, with 95 % intervals over objects.

    Light curves: reconstruction of hidden points, always apart for all stars, long-period ones, and the others, because
    Miras dominate every sum of squares; of classifiers accuracy, macro F1 and recalls of whole stars (all windows in all
    bands) and of single windows. Alert stamps: accuracy, macro F1 and recalls, with and without image, metadata,
    sky position and history. Hosts: errors by size of the host, calibration. Embeddings of any
    model or table: --probe.
    """

    model: Annotated[str, tyro.conf.Positional]
    """Workdir, weights folder or published name."""
    data: tuple[Path, ...] = ()
    """Prepared datasets; none: those the workdir was trained on."""
    split: Literal["train", "validation", "test"] = "test"
    which: Literal["best", "latest", "ema"] = "best"
    """Which weights of a workdir."""
    json: Path | None = None
    """Also write the scores there."""
    report: Path | None = None
    """Also write the HTML report, as this folder's report/index.html."""
    probe: bool = False
    """Judge embeddings instead: classes of the split's stars by nearest neighbours, logistic regression and random forest that
    learn from labelled stars of the training split. MODEL may then be a Parquet table: object_id, embedding, perhaps class."""


_PROBE = "probe"


def main(argv: list[str]) -> int:
    """Evaluates, prints, and writes what was asked for."""
    groups = option_groups.merged(
        [{_PROBE: probe.ProbeOptions}, *(system.evaluate_options for system in systems().values())]
    )
    options, chosen = option_groups.parse(EvaluateOptions, groups, argv, "lcjax evaluate", flat=True)
    from data_pipelines.shards.leaks import say_what_it_trained_on
    from lcjax.systems.loading import load

    probing = chosen.pop(_PROBE)
    if not options.probe and probing != probe.ProbeOptions():
        raise ConfigError(
            "--labels, --classes, --shots, --draws, --band and --columns are for --probe: add it, or leave them out"
        )
    if options.probe:
        option_groups.of({}, chosen, options.model, flat=True)
    if probe.is_table(options.model, options.probe):
        return _table(options, probing, argv)
    loaded = load(options.model, options.which)
    data = list(options.data) or [Path(p) for p in loaded.record.get("data", {}).get("paths", [])]
    if not data:
        raise ConfigError(f"'{options.model}' does not say what it was trained on: give prepared data with --data")
    if options.probe:
        scores = probe.probe_model(loaded, data, options.split, probing)
        return _written(options, scores, loaded.record, _origin(options, data, argv))
    system = find_system(loaded.experiment.system)
    understood = option_groups.of(system.evaluate_options, chosen, options.model, flat=True)
    loaded, held_out = held_out_data(loaded, data, options.split)
    say_what_it_trained_on(loaded.record, data, options.split, warn, options.which == "best")
    scores = system.evaluate(loaded, held_out, understood)
    return _written(options, scores, loaded.record, evaluated_on(data, options.split, held_out, _command(argv)))


def _table(options: EvaluateOptions, probing: probe.ProbeOptions, argv: list[str]) -> int:
    """Judges a table of embeddings."""
    if not options.probe:
        raise ConfigError(f"'{options.model}' is a table, and embeddings are judged with --probe: add it")
    scores = probe.probe_table(Path(options.model), options.data, options.split, probing)
    from lcjax.training.workdir import versions

    record = {"system": "table of embeddings", "versions": versions()}
    return _written(options, scores, record, _origin(options, options.data or [probing.labels or options.model], argv))


def _written(options: EvaluateOptions, scores: "Scores", record: dict[str, Any], origin: dict[str, str]) -> int:
    """Prints, and writes what was asked for."""
    from lcjax.evaluation.run import print_scores, save_scores, write_report

    print_scores(scores)
    if options.json:
        save_scores(options.json, scores, "--json")
    if options.report:
        print(write_report(options.report, scores, record, options.model, origin, "--report"))
    return 0


def _command(argv: list[str]) -> str:
    return f"lcjax evaluate {shlex.join(argv)}"


def _origin(options: EvaluateOptions, data: Sequence[Path | str], argv: list[str]) -> dict[str, str]:
    where = ", ".join(map(str, data))
    return {"data": f"{where}, split {options.split}", "command": _command(argv)}


def evaluated_on(data: Sequence[Path], split: str, held_out: Data, command: str) -> dict[str, str]:
    """What a report says of its data and command."""
    where = ", ".join(map(str, data))
    return {"data": f"{where}, split {split}", "fingerprint": held_out.fingerprint, "command": command}


def held_out_data(loaded: Loaded, data: Sequence[Path], split: str, reader: str = "auto") -> tuple[Loaded, Data]:
    """The model reading this data, and one split of it in the model's terms.

    Raises:
      DataError: no such data. ConfigError: data that the model cannot take.
    """
    system = find_system(loaded.experiment.system)
    settings: dict[str, Any] = system.source_settings(loaded.experiment, training=False)
    kind = find_kind(system.kind)
    source = kind.open_source(data, split, kind.evaluation_rows, reader=reader, **settings)
    say_remarks(source.remarks())
    loaded = system.on_data(loaded, source)
    return loaded, system.matched(loaded.experiment, source, training=False)
