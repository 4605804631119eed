"""Tables of scores that a detector wrote: an object a row, how unusual it is, and what else is said of it."""

import dataclasses
from pathlib import Path

import numpy as np
import pyarrow as pa

from data_pipelines.sources.arrow_batches import file_batches
from data_pipelines.sources.cells import numbers_of, read_ids, whole
from lcjax.errors import DataError

SCORE = "anomaly_score"
_ABOUT = ("class", "nearest_class", "top_features")


@dataclasses.dataclass(frozen=True)
class ScoredObjects:
    """N objects with an id and a finite score."""

    object_id: list[str]
    score: np.ndarray
    """(N,), higher is more unusual."""
    about: list[dict[str, str]]
    """What else the table says of each."""
    left_out: int
    """Rows without an id or a finite score."""


def read_scores(path: Path) -> ScoredObjects | None:
    """The scores that a table has; None where it has no column of them.

    Raises:
      DataError: there is no such file, no row, no id, or no finite score.
    """
    if not path.is_file():
        raise DataError(f"there is no file '{path}'")
    batches = list(file_batches(path))
    if not batches:
        raise DataError(f"'{path}' holds no table rows")
    table = pa.Table.from_batches(batches)
    if SCORE not in table.column_names:
        return None
    if "object_id" not in table.column_names:
        raise DataError(f"'{path}' has a column {SCORE} and no object_id: name the ids object_id")
    score = numbers_of(whole(table.column(SCORE)), f"'{SCORE}' of '{path}'")
    ids = read_ids(whole(table.column("object_id")), str(path))
    kept = np.flatnonzero(np.isfinite(score) & np.array([bool(name) for name in ids]))
    if not len(kept):
        raise DataError(f"'{path}' has no object with a finite score")
    columns = {name: table.column(name).to_pylist() for name in _ABOUT if name in table.column_names}
    text = lambda v: ", ".join(map(str, v)) if isinstance(v, list) else "" if v is None else str(v)
    about = [{name.replace("_", " "): text(values[i]) for name, values in columns.items()} for i in kept]
    return ScoredObjects([ids[i] for i in kept], score[kept], about, len(score) - len(kept))
