"""`lcjax holdout TABLE --out R`: every class in turn the outlier, for all detectors: the published protocol in one command."""

import dataclasses
import functools
import shlex
from pathlib import Path
from typing import Annotated

import tyro

from data_pipelines.kinds.tables.columns import FeatureColumns
from data_pipelines.labelled_features import read_groups, read_objects
from lcjax.cli.remarks import note
from lcjax.errors import ConfigError
from lcjax.systems.svdd.protocol import ProtocolSettings


@dataclasses.dataclass(frozen=True)
class HoldoutOptions:
    """Holds out every class in turn, fits all detectors on the others, and scores how well the class is found: AUROC and average
    precision on test objects, mean and deviation over folds (arXiv 2308.05011).

    A column `split` (train, test) and a column `fold` of the table are used where there are some; else a fifth of each class is
    the test part and folds are dealt at random.
    """

    inputs: Annotated[tuple[str, ...], tyro.conf.Positional]
    """Tables of features with classes (Parquet, CSV, FITS), or prepared feature_tables."""
    out: Path | None = None
    """Folder for scores.json and the report."""
    groups: Path | None = None
    """CSV with columns class, group: a protocol of its own in each group; classes that are not named are left out."""
    leave_out: tuple[str, ...] = ()
    """Classes whose objects are neither learned nor held out, such as those of a handful."""
    routed: bool = False
    """Of --groups: also score every object where a classifier of groups sends it, among the objects of all groups."""
    never: tuple[str, ...] = ()
    """Classes that are learned and never held out."""
    protocol: Annotated[ProtocolSettings, tyro.conf.arg(name="")] = dataclasses.field(default_factory=ProtocolSettings)
    features: FeatureColumns = dataclasses.field(default_factory=FeatureColumns)
    """Columns of tables."""


def main(argv: list[str]) -> int:
    """Reads, runs, prints, writes."""
    options = tyro.cli(HoldoutOptions, args=argv, prog="lcjax holdout")
    from lcjax.evaluation.run import print_and_write
    from lcjax.systems.svdd.holdout import holdout_scores
    from lcjax.training.compilation import enable_compile_cache
    from lcjax.training.workdir import versions

    enable_compile_cache()
    if not options.inputs:
        raise ConfigError("there is nothing to hold out of: give one or more tables of features")
    objects = read_objects(options.inputs, options.features, note)
    grouped = functools.partial(read_groups, options.groups) if options.groups else None
    left_out, never, routed = options.leave_out, options.never, options.routed
    scores = holdout_scores(objects, options.protocol, grouped, left_out, never, routed, note)
    record = {"system": "svdd", "experiment": dataclasses.asdict(options.protocol), "versions": versions()}
    origin = {"data": ", ".join(options.inputs), "command": f"lcjax holdout {shlex.join(argv)}"}
    out, values = options.out, options.out and options.out / "scores.json"
    if page := print_and_write(scores, record, out or "", origin, values, out, "--out"):
        print(page)
    return 0
