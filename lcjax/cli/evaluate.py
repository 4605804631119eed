"""`lcjax evaluate MODEL --data D`: scores on held-out objects, with intervals; which ones depends on the system."""

import dataclasses
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import tyro

from data_pipelines.kinds import find_kind
from lcjax.cli import option_groups, probe
from lcjax.cli.remarks import warn
from lcjax.errors import ConfigError
from lcjax.systems import find_system, systems

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
    probing: probe.ProbeOptions = chosen.pop(_PROBE)
    if not options.probe and probing != probe.ProbeOptions():
        raise ConfigError(
            "--labels, --classes, --shots, --draws, --band and --columns are for --probe: add it, or leave them out"
        )
    if options.probe:
        option_groups.of({}, chosen, options.model, flat=True)
    from lcjax.evaluation.run import print_and_write

    command = f"lcjax evaluate {shlex.join(argv)}"
    if probe.is_table(options.model, options.probe):
        found = _table(options, probing, command)
    else:
        found = _model(options, probing, chosen, command)
    if page := print_and_write(*found, options.json, options.report):
        print(page)
    return 0


_Judged = tuple["Scores", dict[str, Any], Path | str, dict[str, str]]
"""Scores, `config.json`, what was judged, where the numbers are from."""


def _table(options: EvaluateOptions, probing: probe.ProbeOptions, command: str) -> "_Judged":
    """A table of embeddings is judged."""
    if not options.probe:
        raise ConfigError(f"'{options.model}' is a table, and embeddings are judged with --probe: add it")
    from lcjax.evaluation.run import judged_on
    from lcjax.training.workdir import versions

    scores = probe.probe_table(Path(options.model), options.data, options.split, probing)
    record = {"system": "table of embeddings", "versions": versions()}
    by = options.data or [probing.labels or options.model]
    return scores, record, options.model, judged_on(by, options.split, command)


def _model(options: EvaluateOptions, probing: probe.ProbeOptions, chosen: dict[str, Any], command: str) -> "_Judged":
    """A model is judged, by its embeddings or as its system does."""
    from data_pipelines.shards.leaks import say_what_it_trained_on
    from lcjax.evaluation.run import judged_on
    from lcjax.systems.loading import load
    from lcjax.systems.splits import held_out_data

    loaded, split = load(options.model, options.which), options.split
    data = list(options.data) or [Path(p) for p in loaded.record.get("data", {}).get("paths", [])]
    if not data:
        raise ConfigError(f"'{options.model}' does not say what it was trained on: give prepared data with --data")
    if options.probe:
        scores = probe.probe_model(loaded, data, split, probing)
        return scores, loaded.record, options.model, judged_on(data, split, command)
    system = find_system(loaded.experiment.system)
    understood = option_groups.of(system.evaluate_options, chosen, options.model, flat=True)
    loaded, held_out = held_out_data(loaded, find_kind(system.kind), data, split, warn)
    say_what_it_trained_on(loaded.record, data, split, warn, options.which == "best")
    scores = system.evaluate(loaded, held_out, understood)
    return scores, loaded.record, options.model, judged_on(data, split, command, held_out.fingerprint)
