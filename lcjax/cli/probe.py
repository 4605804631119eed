"""`lcjax evaluate ... --probe`: how much of the classes simple classifiers find in embeddings, of a model or of a table."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path

from data_pipelines.kinds import find_kind
from data_pipelines.kinds.reading import Request
from data_pipelines.labelled_stars import of_datasets
from data_pipelines.processes import Processes, usual_count
from data_pipelines.shards.leaks import say_what_it_trained_on
from data_pipelines.sources.arrow_batches import PARQUET
from data_pipelines.sources.embedding_tables import EmbeddingColumns, Embeddings, read_embeddings
from data_pipelines.table_stars import stars_of_table
from lcjax.cli.remarks import note, warn
from lcjax.errors import ConfigError
from lcjax.evaluation.probe_run import ProbeSettings, probe_stars
from lcjax.evaluation.scores import Scores
from lcjax.inference.loaded import Loaded
from lcjax.systems import embedding, find_system


@dataclasses.dataclass(frozen=True)
class ProbeOptions(ProbeSettings):
    """Of --probe: classes from frozen embeddings by nearest neighbours, logistic regression and random forest."""

    labels: Path | None = None
    """Classes of stars, CSV or Parquet: object_id, class, perhaps split; instead of prepared data. Without splits, a fifth of each
    class is tested, chosen by the ids."""
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
    options.check(split)
    table = read_embeddings(path, options.columns)
    stars = stars_of_table(table, path, data, options.labels, split, options.columns)
    return probe_stars(stars, lambda folder: table, str(path), options, note)


def probe_model(loaded: Loaded, data: Sequence[Path], split: str, options: ProbeOptions) -> Scores:
    """Scores of a model's embeddings of all stars of prepared datasets.

    Raises:
      ConfigError: the model gives no embeddings.
    """
    options.check(split)
    if options.labels:
        raise ConfigError("--labels is for tables of embeddings: a model is judged on prepared data (--data)")
    say_what_it_trained_on(loaded.record, data, split, warn)
    stars = of_datasets(data, split)
    return probe_stars(stars, lambda folder: embed(loaded, folder), str(loaded.folder), options, note)


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
