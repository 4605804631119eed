"""Whose classes the embeddings of a table are judged by: those of prepared data, of a table of classes, or its own."""

from collections.abc import Sequence
from pathlib import Path

from data_pipelines.labelled_stars import LabelledStars, of_classes, of_datasets, refuse_namesakes
from data_pipelines.sources.embedding_tables import EmbeddingColumns, Embeddings, classes_of, read_classes
from lcjax.errors import ConfigError


def stars_of_table(
    table: Embeddings, path: Path, data: Sequence[Path], labels: Path | None, split: str, columns: EmbeddingColumns
) -> list[LabelledStars]:
    """Stars to learn from and stars of `split`, of one or several datasets.

    Args:
      table: the embeddings, of `path`. data: prepared datasets. labels: a table of classes, whose columns `columns` names.

    Raises:
      ConfigError: nothing or two things say the classes. DataError: tables that cannot be used or mean two things.
    """
    if labels and data:
        raise ConfigError("--data and --labels both say the classes: give one of them")
    if labels:
        stars = [of_classes(labels.name, read_classes(labels, columns), split)]
    elif data:
        stars = of_datasets(data, split)
    elif any(table.label):
        stars = [of_classes(path.name, classes_of(table), split)]
    else:
        raise ConfigError(
            f"'{path}' has no classes: give prepared data with --data, or a table of classes with --labels"
        )
    refuse_namesakes(table.object_id, stars, str(path))
    return stars
