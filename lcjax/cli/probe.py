"""`lcjax evaluate ... --probe`: how much of the classes simple classifiers find in embeddings, of a model or of a table."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from data_pipelines.kinds import find_kind
from data_pipelines.kinds.base import Request
from data_pipelines.labelled_stars import LabelledStars, of_classes, of_datasets, refuse_namesakes
from data_pipelines.processes import Processes, usual_count
from data_pipelines.shards.leaks import say_what_it_trained_on
from data_pipelines.sources.arrow_batches import PARQUET
from data_pipelines.sources.embedding_tables import (
    EmbeddingColumns,
    Embeddings,
    classes_of,
    read_classes,
    read_embeddings,
)
from lcjax.cli.remarks import note, warn
from lcjax.errors import ConfigError, DataError, Rejection
from lcjax.evaluation.probe import ALL
from lcjax.evaluation.probe_scores import Judged, judge, probe_scores
from lcjax.evaluation.scores import Scores
from lcjax.inference.loaded import Loaded
from lcjax.systems import find_system
from lcjax.systems.base import Work


@dataclasses.dataclass(frozen=True)
class ProbeOptions:
    """Of --probe: classes from frozen embeddings by nearest neighbours, logistic regression and random forest."""

    labels: Path | None = None
    """Classes of stars, CSV or Parquet: object_id, class, perhaps split; instead of prepared data. Without splits, a fifth of each
    class is tested, chosen by the ids."""
    classes: tuple[str, ...] = ()
    """Only these; none: all with 20 stars to learn from and 5 to test."""
    shots: tuple[int, ...] = (20, 100, ALL)
    """Labelled stars of each class, at most; 0: all there are."""
    draws: int = 5
    """Of the labelled stars."""
    band: str | None = None
    """Of stars with embeddings in several bands."""
    columns: EmbeddingColumns = dataclasses.field(default_factory=EmbeddingColumns)
    """Names of the columns of tables."""


def is_table(name: str, probed: bool) -> bool:
    """Whether what shall be judged is a table of embeddings and not a model: by its name, or because a model is no single file."""
    return name.lower().endswith(PARQUET) or (probed and Path(name).is_file())


def probe_table(path: Path, data: Sequence[Path], split: str, options: ProbeOptions) -> Scores:
    """Scores of embeddings brought as a Parquet table.

    Raises:
      ConfigError: nothing or two things say the classes. DataError: tables that cannot be used or mean two things.
    """
    _check(options, split)
    table = read_embeddings(path, options.columns)
    if options.labels and data:
        raise ConfigError("--data and --labels both say the classes: give one of them")
    if options.labels:
        stars = [of_classes(options.labels.name, read_classes(options.labels, options.columns), split)]
    elif data:
        stars = of_datasets(data, split)
    elif any(table.label):
        stars = [of_classes(path.name, classes_of(table), split)]
    else:
        raise ConfigError(
            f"'{path}' has no classes: give prepared data with --data, or a table of classes with --labels"
        )
    refuse_namesakes(table.object_id, stars, str(path))
    found = [_judged(one, table, str(path), options, len(stars) > 1) for one in stars]
    return probe_scores([one for one in found if one], str(path))


def probe_model(loaded: Loaded, data: Sequence[Path], split: str, options: ProbeOptions) -> Scores:
    """Scores of a model's embeddings of all stars of prepared datasets.

    Raises:
      ConfigError: the model gives no embeddings.
    """
    _check(options, split)
    if options.labels:
        raise ConfigError("--labels is for tables of embeddings: a model is judged on prepared data (--data)")
    say_what_it_trained_on(loaded.record, data, split, warn)
    found, every = [], of_datasets(data, split)
    for stars in every:
        if not stars.label:
            note(f"{stars.name}: no star has a class, so there is nothing to judge by")
            continue
        found.append(_judged(stars, embed(loaded, stars.folder), str(loaded.folder), options, len(every) > 1))
    return probe_scores([one for one in found if one], str(loaded.folder))


def embed(loaded: Loaded, folder: Path) -> Embeddings:
    """A model's embeddings of everything in a prepared dataset.

    Raises:
      ConfigError: the model gives none.
    """
    system = find_system(loaded.experiment.system)
    kind = find_kind(system.kind)
    with Processes(usual_count()) as processes:
        options = system.embedding_options
        answers = system.answers(loaded, Work(options, kind.tools(), processes.map, None))
        if not {"embedding", "object_id"} <= set(answers.schema.names):
            raise ConfigError(
                f"'{loaded.folder}' is a {system.name}, which gives no embeddings of objects: there is nothing to probe"
            )
        reader = kind.reader(Request(system.request(loaded, options), options, processes, note))
        rows = [row for row in answers.answer(reader.items([str(folder)])) if not isinstance(row, Rejection)]
    if not rows:
        raise DataError(f"none of the {answers.unit} of '{folder}' could be embedded")
    names = [str(row["object_id"]) for row in rows]
    vectors = np.stack([np.asarray(row["embedding"], np.float32).ravel() for row in rows])
    return Embeddings(names, vectors, [str(row.get("band") or "") for row in rows], [None] * len(rows))


def _check(options: ProbeOptions, split: str) -> None:
    if split == "train":
        raise ConfigError("a probe learns from the training split: give --split test or --split validation")
    if options.draws < 1 or min(options.shots, default=-1) < 0:
        raise ConfigError("--draws is 1 or more, and --shots are numbers of stars, 0 for all")


def _judged(stars: LabelledStars, table: Embeddings, where: str, options: ProbeOptions, several: bool) -> Judged | None:
    """The scores on one dataset; None where it is one of several and the table has none of its stars."""
    matched, said = stars.matched(table, options.band, where)
    if len(matched.label):
        return judge(stars.name, matched, stars.class_names, said, options.classes, options.shots, options.draws)
    if several:
        note(f"{stars.name}: none of its stars is in '{where}'")
        return None
    raise DataError(f"'{where}' has none of the labelled stars of {stars.name}: are the ids the same?")
