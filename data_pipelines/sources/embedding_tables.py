"""Embeddings from anywhere, as a Parquet table with one row a star: its id, a list column or numbered columns of numbers, perhaps a
class; and tables of classes to judge them by. What can mean two things is refused with the choices.
"""

import dataclasses
import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from data_pipelines.kinds.light_curves.columns import COMMON_NAMES
from data_pipelines.kinds.light_curves.id_columns import id_column
from data_pipelines.sources.arrow_batches import PARQUET, file_batches, is_list
from data_pipelines.sources.tables import read_ids
from data_pipelines.splits import SPLITS
from lcjax.errors import DataError

USUAL = "embedding"
"""As `lcjax predict` calls the column."""
_NUMBERED = re.compile(r"(.*?)_?(\d+)")


@dataclasses.dataclass(frozen=True)
class EmbeddingColumns:
    """Names of the columns of tables of embeddings and classes. None: recognised, or refused with the choices."""

    object_id: str | None = None
    embedding: str | None = None
    """A column of lists, or what numbered columns have before their numbers (`e_` of e_0, e_1, ...)."""
    label: str | None = None
    """Class name."""
    band: str | None = None


@dataclasses.dataclass
class Embeddings:
    """Rows of a table, in its order."""

    object_id: list[str]
    embedding: np.ndarray
    """(N, D) float32."""
    band: list[str]
    """"" where there is no such column."""
    label: list[str | None]
    unnamed: int = 0
    """Rows without an id, which are left out."""

    def __len__(self) -> int:
        return len(self.object_id)


@dataclasses.dataclass
class Classes:
    """What a table says of stars."""

    label: dict[str, str]
    """By id."""
    split: dict[str, str]
    """By id, where the table has a column `split`."""
    counts: Counter = dataclasses.field(default_factory=Counter)
    """Rows and stars that are of no use, by what is wrong with them."""


def read_embeddings(path: Path, columns: EmbeddingColumns | None = None) -> Embeddings:
    """All rows of a Parquet table.

    Raises:
      DataError: it cannot be read, a column is missing or may be one of several, or embeddings are of several lengths.
    """
    columns = columns or EmbeddingColumns()
    if not path.name.lower().endswith(PARQUET):
        raise DataError(f"'{path}' is no Parquet file: store embeddings as Parquet")
    table = _whole_table(path)
    names = table.schema.names
    ids = _ids(table, columns, path)
    vectors = _vectors(table, columns, path)
    band = _column(names, columns.band, COMMON_NAMES["band"], path, "band")
    label = _column(names, columns.label, COMMON_NAMES["label"], path, "label")
    plain = lambda name: read_ids(_chunk(table, name), str(path)) if name else [None] * table.num_rows
    named = [i for i, name in enumerate(ids) if name]
    bands, labels = plain(band), plain(label)
    return Embeddings(
        [ids[i] or "" for i in named],
        vectors[named],
        [bands[i] or "" for i in named],
        [labels[i] or None for i in named],
        len(ids) - len(named),
    )


def read_classes(path: Path, columns: EmbeddingColumns | None = None) -> Classes:
    """Classes, and splits where the table has them, by the id of a star; CSV or Parquet.

    Stars with several classes or splits are left out and counted.

    Raises:
      DataError: it cannot be read, or a column is missing or may be one of several, or a split has another name.
    """
    columns = columns or EmbeddingColumns()
    table = _whole_table(path)
    label = _column(table.schema.names, columns.label, COMMON_NAMES["label"], path, "label")
    if label is None:
        raise DataError(f"'{path}' has no column of classes: name it with --columns.label")
    ids = _ids(table, columns, path)
    has_split = "split" in table.schema.names
    splits = read_ids(_chunk(table, "split"), str(path)) if has_split else [None] * table.num_rows
    said: dict[str, set[tuple[str, str]]] = defaultdict(set)
    counts: Counter = Counter()
    for name, found, split in zip(ids, read_ids(_chunk(table, label), str(path)), splits, strict=True):
        if not name or not found or (has_split and not split):
            counts["rows without id, class or split"] += 1
            continue
        if split and split not in SPLITS:
            raise DataError(f"'{path}' calls a split '{split}': call them {', '.join(SPLITS)}")
        counts["repeated rows"] += name in said
        said[name].add((found, split or ""))
    counts["stars with several classes or splits"] = sum(len(one) > 1 for one in said.values())
    sure = {name: next(iter(one)) for name, one in said.items() if len(one) == 1}
    split_of = {name: split for name, (_, split) in sure.items()} if has_split else {}
    return Classes({name: label for name, (label, _) in sure.items()}, split_of, +counts)


def classes_of(table: Embeddings) -> Classes:
    """What a table of embeddings says itself; stars with several classes are left out and counted."""
    said: dict[str, set[str]] = defaultdict(set)
    for name, label in zip(table.object_id, table.label, strict=True):
        if label:
            said[name].add(label)
    several = sum(len(labels) > 1 for labels in said.values())
    sure = {name: next(iter(labels)) for name, labels in said.items() if len(labels) == 1}
    return Classes(sure, {}, +Counter({"stars with several classes or splits": several}))


def _whole_table(path: Path) -> pa.Table:
    if not path.is_file():
        raise DataError(f"there is no file '{path}'")
    batches = list(file_batches(path))
    if not batches:
        raise DataError(f"'{path}' holds no table rows")
    return pa.Table.from_batches(batches)


def _chunk(table: pa.Table, name: str) -> pa.Array:
    column = table.column(name).combine_chunks()
    return column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column


def _ids(table: pa.Table, columns: EmbeddingColumns, path: Path) -> list[str | None]:
    names = table.schema.names
    found = columns.object_id or ("object_id" if "object_id" in names else id_column(names, str(path)))
    if found is None or found not in names:
        raise DataError(
            f"'{path}' has no column '{found or 'object_id'}': name that of the ids with --columns.object-id, one of {', '.join(names[:8])}"
        )
    return read_ids(_chunk(table, found), str(path))


def _column(names: Sequence[str], given: str | None, usual: Sequence[str], path: Path, what: str) -> str | None:
    """The column that is given, or the only one with a usual name."""
    if given is not None:
        if given not in names:
            raise DataError(f"'{path}' has no column '{given}': name another with --columns.{what}")
        return given
    found = [name for name in names if name.lower() in usual]
    if len(found) > 1:
        raise DataError(f"'{path}' has several columns for {what} ({', '.join(found)}): name one with --columns.{what}")
    return found[0] if found else None


def _vectors(table: pa.Table, columns: EmbeddingColumns, path: Path) -> np.ndarray:
    """(N, D) float32; rows that are missing are NaN."""
    lists = [field.name for field in table.schema if is_list(field.type) and _numeric(field.type.value_type)]
    families = _families(table)
    if columns.embedding is not None:
        chosen = [columns.embedding] if columns.embedding in lists else []
        chosen = chosen or [name for name in families if name.rstrip("_") == columns.embedding.rstrip("_")]
    else:
        chosen = [USUAL] if USUAL in lists else [*lists, *families]
    if len(chosen) != 1:
        there = ", ".join(f"'{name}'" for name in [*lists, *families])
        asked = f"'{path}' has no embedding" + (f" '{columns.embedding}'" if columns.embedding else "")
        if len(chosen) > 1:
            asked = f"'{path}' has several columns that may be the embedding"
        raise DataError(f"{asked}: name one of {there or 'no columns at all'} with --columns.embedding")
    if chosen[0] in lists:
        return _of_lists(_chunk(table, chosen[0]), chosen[0], path)
    _check_numbers(families[chosen[0]], path)
    members = [_chunk(table, name).cast(pa.float32()) for name in families[chosen[0]]]
    return np.stack([column.to_numpy(zero_copy_only=False) for column in members], axis=1)


def _numeric(kind: pa.DataType) -> bool:
    return pa.types.is_floating(kind) or pa.types.is_integer(kind)


def _families(table: pa.Table) -> dict[str, list[str]]:
    """What stands before the numbers of numbered columns of numbers -> the columns, in the order of their numbers."""
    found: dict[str, dict[int, str]] = defaultdict(dict)
    for field in table.schema:
        match = _NUMBERED.fullmatch(field.name)
        if match and match[1] and _numeric(field.type):
            found[match[1]][int(match[2])] = field.name
    return {
        name: [columns[number] for number in sorted(columns)] for name, columns in found.items() if len(columns) > 1
    }


def _check_numbers(columns: Sequence[str], path: Path) -> None:
    """Raises DataError where a number between the first and the last is lacking."""
    numbers = [int(_NUMBERED.fullmatch(name)[2]) for name in columns]  # type: ignore[index]
    if lacking := sorted(set(range(numbers[0], numbers[-1] + 1)) - set(numbers)):
        raise DataError(f"'{path}' has columns {columns[0]} to {columns[-1]} without number {lacking[0]}")


def _of_lists(column: pa.Array, name: str, path: Path) -> np.ndarray:
    sizes = pc.fill_null(pc.list_value_length(column), 0).to_numpy(zero_copy_only=False).astype(int)
    there = sizes > 0
    if not there.any():
        raise DataError(f"column '{name}' of '{path}' has no numbers")
    width = int(np.bincount(sizes[there]).argmax())
    if (sizes[there] != width).any():
        row = int(np.flatnonzero(there & (sizes != width))[0])
        raise DataError(f"row {row} of '{path}' has {sizes[row]} numbers in '{name}' where others have {width}")
    values = np.full((len(column), width), np.nan, np.float32)
    flat = column.filter(pa.array(there)).flatten().cast(pa.float32())
    values[there] = flat.to_numpy(zero_copy_only=False).reshape(-1, width)
    return values
