"""`lcjax holdout TABLE --out R`: every class in turn the outlier, for all detectors: the published protocol in one command."""

import csv
import dataclasses
import shlex
from pathlib import Path
from typing import Annotated

import tyro
from rich.console import Console
from rich.markup import escape

from data_pipelines.kinds.tables.columns import FeatureColumns
from lcjax.cli.feature_input import FeatureObjects, read_objects
from lcjax.errors import ConfigError, DataError
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
    never: tuple[str, ...] = ()
    """Classes that are learned and never held out."""
    protocol: Annotated[ProtocolSettings, tyro.conf.arg(name="")] = dataclasses.field(default_factory=ProtocolSettings)
    features: FeatureColumns = dataclasses.field(default_factory=FeatureColumns)
    """Columns of tables."""


def main(argv: list[str]) -> int:
    """Reads, runs, prints, writes."""
    options = tyro.cli(HoldoutOptions, args=argv, prog="lcjax holdout")
    from lcjax.evaluation.run import print_scores, save_scores, write_report
    from lcjax.systems.svdd.protocol import as_scores, run_protocol
    from lcjax.training.compilation import enable_compile_cache
    from lcjax.training.workdir import versions

    enable_compile_cache()
    console = Console(stderr=True)
    say = lambda text: console.print(f"[dim]{escape(text)}[/]", highlight=False, soft_wrap=True)
    if not options.inputs:
        raise ConfigError("there is nothing to hold out of: give one or more tables of features")
    objects = read_objects(options.inputs, options.features)
    for note in objects.notes:
        say(note)
    found = []
    groups = {"": objects.class_names} if options.groups is None else _read_groups(options.groups, objects.class_names)
    for name, classes in groups.items():
        members = _of_classes(objects, classes)
        outliers = options.protocol.outliers or tuple(c for c in classes if c not in options.never)
        own = dataclasses.replace(options.protocol, outliers=tuple(c for c in outliers if c in classes))
        if not own.outliers:
            continue
        say(f"{name + ': ' if name else ''}{len(members.label):,} objects of {', '.join(classes)}")
        found += run_protocol(
            members.features, members.label, members.names, classes, own, members.is_test, members.fold, say
        )
    if not found:
        raise ConfigError("no class is left to hold out: look at --outliers, --never and --groups")
    scores = as_scores(found)
    print_scores(scores)
    if options.out:
        save_scores(options.out / "scores.json", scores)
        record = {"system": "svdd", "experiment": dataclasses.asdict(options.protocol), "versions": versions()}
        origin = {"data": ", ".join(options.inputs), "command": f"lcjax holdout {shlex.join(argv)}"}
        print(write_report(options.out, scores, record, options.out, origin))
    return 0


def _of_classes(objects: FeatureObjects, classes: tuple[str, ...]) -> FeatureObjects:
    """The objects of some classes, numbered as these."""
    wanted = [objects.class_names.index(name) for name in classes]
    rows = [i for i, label in enumerate(objects.label.tolist()) if label in wanted]
    take = lambda x: None if x is None else x[rows]
    import numpy as np

    label = np.array([wanted.index(int(objects.label[i])) for i in rows])
    return dataclasses.replace(
        objects,
        object_id=objects.object_id[rows],
        label=label,
        class_names=classes,
        features=objects.features[rows],
        is_test=take(objects.is_test),
        fold=take(objects.fold),
    )


def _read_groups(path: Path, there: tuple[str, ...]) -> dict[str, tuple[str, ...]]:
    if not path.is_file():
        raise DataError(f"there is no file '{path}'")
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    if not rows or not {"class", "group"} <= set(rows[0]):
        raise DataError(f"'{path}' is no table of groups: it needs the columns class and group")
    groups: dict[str, list[str]] = {}
    for row in rows:
        if row["class"] in there:
            groups.setdefault(row["group"], []).append(row["class"])
    if not groups:
        raise DataError(f"none of the classes of '{path}' is in the data, which has {', '.join(there)}")
    return {name: tuple(sorted(set(classes))) for name, classes in groups.items()}
