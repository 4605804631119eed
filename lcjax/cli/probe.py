"""`lcjax evaluate ... --probe`: how much of the classes simple classifiers find in embeddings, of a model or of a table."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path

from data_pipelines.kinds import find_kind
from data_pipelines.kinds.reading import Request
from data_pipelines.labelled_stars import LabelledStars, of_datasets
from data_pipelines.processes import Processes, usual_count
from data_pipelines.shards.leaks import say_what_it_trained_on
from data_pipelines.sources.arrow_batches import PARQUET
from data_pipelines.sources.embedding_tables import EmbeddingColumns, Embeddings, read_embeddings
from data_pipelines.table_stars import stars_of_table
from lcjax.cli.remarks import note, warn
from lcjax.errors import ConfigError, DataError
from lcjax.evaluation.probe import ALL
from lcjax.evaluation.probe_scores import Judged, judge, probe_scores
from lcjax.evaluation.scores import Scores
from lcjax.inference.loaded import Loaded
from lcjax.systems import embedding, find_system


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
    stars = stars_of_table(table, path, data, options.labels, split, options.columns)
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
    kind = find_kind(find_system(loaded.experiment.system).kind)
    with Processes(usual_count()) as processes:
        reader = lambda takes, options: kind.reader(Request(takes, options, processes, note))
        found = embedding.embed(loaded, folder, reader, kind.tools(), processes.map)
    return Embeddings(*found, [None] * len(found.object_id))


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
