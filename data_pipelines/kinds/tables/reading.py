"""Tables of features, one row an object: Parquet, CSV, ECSV, FITS -> rows with an id, a class and named numbers."""

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from data_pipelines.kinds.tables.columns import EMPTY, Columns, FeatureColumns, recognise
from data_pipelines.sources.arrow_batches import ASTROPY, CSV, PARQUET, file_batches, is_list
from data_pipelines.sources.catalogues import DEGREES, check_unit, unit_of
from data_pipelines.sources.cells import classes_of, numbers_of, read_ids, texts_of, whole
from lcjax.errors import DataError

_LARGEST = float(np.finfo(np.float32).max)


@dataclasses.dataclass(frozen=True)
class FeatureTable:
    """N rows of one file."""

    object_id: list[str | None]
    label: list[str | None]
    names: tuple[str, ...]
    features: np.ndarray
    """(N, F) float64, NaN where missing: no value, no number, not finite, or beyond float32."""
    ra: np.ndarray
    """(N,) degrees, NaN where unknown."""
    dec: np.ndarray
    split: list[str | None]
    """What a column `split` says, and `fold`; None where there is none."""
    fold: list[str | None]
    path: Path
    units: Mapping[str, str] = dataclasses.field(default_factory=dict)
    """Column of features -> unit, where its header gives one."""


def check_same_units(table: FeatureTable, known: dict[str, tuple[str, Path]]) -> None:
    """Refuses a file whose columns are in other units than those of an earlier one.

    Args:
      known: column -> unit and file of the first that gives one; filled.

    Raises:
      DataError: a column is in two units.
    """
    for name, unit in table.units.items():
        other, path = known.setdefault(name, (unit, table.path))
        if other.replace(" ", "").lower() != unit.replace(" ", "").lower():
            raise DataError(
                f"column '{name}' is in '{unit}' in '{table.path}' and in '{other}' in '{path}': convert one of them"
            )


def table_files(paths: Sequence[Path]) -> tuple[list[Path], list[Path]]:
    """Files of tables, those of folders in order, and what else the folders hold.

    Raises:
      DataError: a path is missing, or a file that is given is no table.
    """
    found: list[Path] = []
    others: list[Path] = []
    for path in paths:
        if path.is_dir():
            inside = sorted(p for p in path.rglob("*") if p.is_file() and not p.name.startswith((".", "_")))
            found += [p for p in inside if _is_table(p)]
            others += [p for p in inside if not _is_table(p)]
        elif not path.exists():
            raise DataError(f"there is no file or folder '{path}'")
        elif not _is_table(path):
            raise DataError(f"'{path}' is no table that is read here: give Parquet, CSV, ECSV or FITS")
        else:
            found.append(path)
    if not found:
        raise DataError(f"there is no table in {', '.join(map(str, paths))}: give Parquet, CSV, ECSV or FITS files")
    return found, others


def _is_table(path: Path) -> bool:
    return path.name.lower().endswith((*PARQUET, *CSV, *ASTROPY))


def read_features(path: Path, asked: FeatureColumns | None = None) -> FeatureTable:
    """All rows of one table.

    Raises:
      DataError: it cannot be read, has no rows, or its columns cannot be told apart (see `columns.recognise`).
    """
    asked = asked or FeatureColumns()
    batches = list(file_batches(path, table=asked.table))
    if not batches or not sum(batch.num_rows for batch in batches):
        raise DataError(f"'{path}' holds no table rows")
    table = pa.Table.from_batches(batches)
    roles = recognise(table, asked, f"'{path}'")
    names, features = _numbers(table, roles, path, asked)
    rows = table.num_rows
    text = lambda name: texts_of(whole(table.column(name))) if name in table.column_names else [None] * rows
    label = classes_of(whole(table.column(roles.label))) if roles.label else [None] * rows
    ids = read_ids(whole(table.column(roles.object_id)), str(path))
    split = text("split") if roles.label != "split" else [None] * rows
    return FeatureTable(
        ids,
        label,
        names,
        features,
        _degrees(table, roles.ra, 360, path),
        _degrees(table, roles.dec, 90, path),
        split,
        text("fold"),
        path,
        {name: unit for name in roles.features if (unit := unit_of(table.schema.field(name)))},
    )


def _numbers(table: pa.Table, roles: Columns, path: Path, asked: FeatureColumns) -> tuple[tuple[str, ...], np.ndarray]:
    """Columns of lists become a column for every place: `embedding_0`, `embedding_1`, ..."""
    names: list[str] = []
    parts: list[np.ndarray] = []
    for name in roles.features:
        column = whole(table.column(name))
        if is_list(column.type):
            lists = _lists(column, name, path).T
            places = [asked.without_stand_ins(v, f"{name}_{i}", f"'{path}'") for i, v in enumerate(lists)]
            values = np.stack(places, axis=1)
            names += [f"{name}_{i}" for i in range(values.shape[1])]
        else:
            values = numbers_of(column, f"'{name}' of '{path}'")
            values = asked.without_stand_ins(values, name, f"'{path}'")[:, None]
            names.append(name)
        parts.append(values)
    if twice := [name for name in names if names.count(name) > 1] if len(set(names)) < len(names) else []:
        raise DataError(f"'{path}' has '{twice[0]}' both as a column and in a list: rename one")
    values = np.concatenate(parts, axis=1)
    return tuple(names), np.where(np.abs(values) <= _LARGEST, values, np.nan)


def _lists(column: pa.Array, name: str, path: Path) -> np.ndarray:
    sizes = pc.fill_null(pc.list_value_length(column), 0).to_numpy(zero_copy_only=False).astype(int)
    widths = np.unique(sizes[sizes > 0])
    if len(widths) != 1:
        row = int(np.flatnonzero((sizes > 0) & (sizes != sizes.max()))[0]) if len(widths) else 0
        what = f"row {row} has {sizes[row]} numbers where others have {sizes.max()}" if len(widths) else "all are empty"
        raise DataError(f"the lists in '{name}' of '{path}' are not alike: {what}")
    out = np.full((len(column), int(widths[0])), np.nan)
    there = sizes > 0
    out[there] = numbers_of(column.filter(pa.array(there)).flatten(), name).reshape(-1, int(widths[0]))
    return out


def _degrees(table: pa.Table, name: str | None, largest: float, path: Path) -> np.ndarray:
    """Raises DataError where a column of places holds texts that are no numbers, such as hours and minutes, or is in another unit."""
    if name is None or is_list(table.schema.field(name).type):
        return np.full(table.num_rows, np.nan)
    check_unit(table.schema.field(name), DEGREES, path)
    column = whole(table.column(name))
    values = numbers_of(column, name)
    if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
        said = [t for t in column.to_pylist() if t and t.strip().lower() not in EMPTY]
        if said and not np.isfinite(values).any():
            raise DataError(
                f"column '{name}' has '{said[0]}' where degrees are wanted: write places in degrees, or leave it out with --features.without {name}"
            )
    return np.where(np.abs(values) <= largest, values, np.nan)
