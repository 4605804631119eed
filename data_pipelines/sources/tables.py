"""Light curves from tables: Parquet (flat, nested lists, nested-pandas structs, HATS folders), CSV, ECSV, FITS, SNANA.

A table is *nested* when its time column holds lists (one row a star) and *flat* when it holds numbers (one row a point).
They are read some rows at a time, so that a star of a large flat table may come in parts.
"""

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa

from data_pipelines.kinds.light_curves.columns import ColumnNames, recognise
from data_pipelines.kinds.light_curves.id_columns import FILE_NAME
from data_pipelines.kinds.light_curves.interpretation import Interpretation
from data_pipelines.sources.arrow_batches import (
    ASTROPY,
    CSV,
    PARQUET,
    POINTS_AT_ONCE,
    file_batches,
    is_list,
    large_tables,
    row_offsets,
)
from data_pipelines.sources.cells import (
    classes_of,
    labels_said,
    number_of,
    numbers_of,
    places_said,
    read_ids,
    scalar_columns,
    texts_of,
    whole,
)
from data_pipelines.sources.csv_tables import more_lines_than
from data_pipelines.sources.identity import FileNames, check_one_star, file_names
from data_pipelines.sources.light_curve import RawLightCurve
from data_pipelines.sources.measurements import interpret_table, read_series
from data_pipelines.sources.snana import is_phot, is_snana_text
from lcjax.errors import DataError

UNEQUAL = "columns of unequal length"

_SURELY_WHOLE = POINTS_AT_ONCE
"""Bytes of a FITS or ECSV file that cannot hold so many rows, packed or not."""
Wanted = Callable[[str], bool]


def is_table(path: Path) -> bool:
    """Whether the name is that of a table this module reads."""
    return path.name.lower().endswith((*PARQUET, *CSV, *ASTROPY)) or is_snana_text(path)


def splits_stars(path: Path) -> bool:
    """Whether a star of the file may come in parts: of Parquet, of SNANA's pairs, and of others too long to be grouped at once."""
    name = path.name.lower()
    large = name.endswith(ASTROPY) and path.stat().st_size > _SURELY_WHOLE
    return (
        name.endswith(PARQUET)
        or is_phot(path)
        or large
        or (name.endswith(CSV) and more_lines_than(path, POINTS_AT_ONCE))
    )


def read_table(
    path: Path,
    columns: ColumnNames,
    on_columns: Callable[[dict[str, str]], None] | None = None,
    names: FileNames | None = None,
) -> Iterator[RawLightCurve]:
    """The light curves of one file, in file order; a star of a large flat table may come in parts (see `whole_stars`).

    Args:
      names: star and band of files whose names say them (see `identity.file_names`).

    Raises:
      DataError: the file cannot be read as a table, or a column is missing. ConfigError: times or brightness can mean two things.
    """
    batches = file_batches(path, table=columns.table)
    first = next(batches, None)
    if first is None or not first.schema.names:
        raise DataError(f"'{path}' holds no table rows")
    found = recognise(first.schema.names, columns, str(path))
    star, band = _whole_file(first, found, columns, path, names or file_names([path]))
    reading = interpret_table(first, found, columns, path, numbers_of)
    if on_columns:
        on_columns(found | reading.said | places_said(first, found) | labels_said(first, found))
    row = 0
    if is_list(first.schema.field(found["time"]).type):
        for batch in _chain(first, batches):
            yield from _nested(batch, found, reading, path, row, star, band)
            row += batch.num_rows
    else:
        for table in large_tables(_chain(first, batches)):
            if row and star is not None and columns.object_id != FILE_NAME:
                _check_still_one_star(first, table, found, path)
            yield from _flat(table, found, reading, path, row, star, band)
            row += table.num_rows


def table_keys(path: Path, columns: ColumnNames, names: FileNames | None = None) -> Iterator[tuple[str, str]]:
    """Object id and band of all that `read_table` gives, one for one; only these columns are read.

    Raises:
      DataError: as `read_table`.
    """
    first = next(file_batches(path, table=columns.table), None)
    if first is None or not first.schema.names:
        return
    found = recognise(first.schema.names, columns, str(path))
    star, band = _whole_file(first, found, columns, path, names or file_names([path]))
    wanted = {found[name] for name in ("object_id", "band") if name in found}
    nested = is_list(first.schema.field(found["time"]).type)
    if not wanted:
        yield star or "", band
        return
    batches = file_batches(path, wanted, columns.table)
    for table in batches if nested else large_tables(batches):
        column = lambda name, table=table: whole(table.column(found[name]))
        ids = read_ids(column("object_id"), str(path)) if "object_id" in found else [star] * table.num_rows
        if "band" not in found:
            bands: list = [band] * len(ids)
        elif is_list(column("band").type):
            inner, offsets = texts_of(column("band").flatten()), row_offsets(column("band"))
            for i, object_id in enumerate(ids):
                for name in dict.fromkeys(inner[offsets[i] : offsets[i + 1]]):
                    yield object_id or "", name or ""
            continue
        else:
            bands = [name or "" for name in texts_of(column("band"))]
        pairs = zip([object_id or "" for object_id in ids], bands, strict=True)
        yield from pairs if nested else dict.fromkeys(pairs)


def _whole_file(
    first: pa.RecordBatch,
    found: dict[str, str],
    columns: ColumnNames,
    path: Path,
    names: FileNames,
) -> tuple[str | None, str]:
    """Star and band of a file where no column says; None: a column says which star."""
    header = {
        key.decode(errors="replace"): value.decode(errors="replace")
        for key, value in (first.schema.metadata or {}).items()
    }
    band = "" if "band" in found else names.band(path, header)
    if "object_id" in found:
        return None, band
    if is_list(first.schema.field(found["time"]).type):
        raise DataError(
            f"'{path}' has no column for the object id: it has {', '.join(first.schema.names)}; name it with --columns.object-id"
        )
    if columns.object_id != FILE_NAME:
        others = [name for name in first.schema.names if name not in found.values()]
        check_one_star(path, {name: _different_texts(first.column(name)) for name in others})
    return names.star(path, header), band


def _check_still_one_star(first: pa.RecordBatch, table: pa.Table, found: dict[str, str], path: Path) -> None:
    """Texts that were alike at the beginning of a long file may differ later."""
    others = [name for name in first.schema.names if name not in found.values()]
    texts = lambda name: pa.chunked_array([first.column(name)[:1], *table.column(name).chunks], first.column(name).type)
    check_one_star(path, {name: _different_texts(texts(name)) for name in others})


def _different_texts(values: pa.Array | pa.ChunkedArray) -> bool:
    """Whether a column holds several texts that are no numbers."""
    if not (pa.types.is_string(values.type) or pa.types.is_large_string(values.type)):
        return False
    texts = [text for text in values.unique().to_pylist() if text and text.strip()]
    return len(texts) > 1 and bool(np.isnan([number_of(text) for text in texts]).any())


def _chain(first: pa.RecordBatch, rest: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    yield first
    yield from rest


def _nested(
    batch: pa.RecordBatch,
    found: dict[str, str],
    reading: Interpretation,
    path: Path,
    first_row: int,
    star: str | None,
    band: str,
) -> Iterator[RawLightCurve]:
    series: dict[str, tuple[np.ndarray, np.ndarray]] = {}
    times = row_offsets(batch.column(found["time"]))
    for field, name in reading.series.items():
        column, where = batch.column(name), f"'{name}' of '{path}'"
        if is_list(column.type):
            series[field] = read_series(field, column.flatten(), reading, where, numbers_of), row_offsets(column)
        elif field in reading.every_point:
            raise DataError(
                f"column '{name}' of '{path}' holds one value a row while '{found['time']}' holds lists: name a list "
                f"column with --columns.{field.replace('_', '-')}"
            )
        else:  # of all points of the star
            series[field] = read_series(field, column, reading, where, numbers_of).repeat(np.diff(times)), times
    ids = read_ids(batch.column(found["object_id"]), str(path))
    labels = classes_of(batch.column(found["label"])) if "label" in found else [None] * len(ids)
    bands, point_bands, band_offsets = [band] * len(ids), None, None
    if "band" in found:
        column = batch.column(found["band"])
        if is_list(column.type):
            point_bands, band_offsets = np.array(texts_of(column.flatten()), object), row_offsets(column)
        else:
            bands = [b or "" for b in texts_of(column)]
    metadata = scalar_columns(batch, found)
    for i, object_id in enumerate(ids):
        pieces = {name: values[offsets[i] : offsets[i + 1]] for name, (values, offsets) in series.items()}
        extra = {name: float(values[i]) for name, values in metadata.items()}
        origin = f"{path} row {first_row + i}"
        curve = lambda band, parts: _curve(object_id or "", band, reading, parts, labels[i], extra, origin)
        if point_bands is None:
            yield curve(bands[i], pieces)
            continue
        which = point_bands[band_offsets[i] : band_offsets[i + 1]]
        if {len(which)} != {len(piece) for piece in pieces.values()}:
            yield curve("", pieces | {"band": which})
            continue
        for band in dict.fromkeys(which.tolist()):
            yield curve(band or "", {name: piece[which == band] for name, piece in pieces.items()})


def _curve(
    object_id: str,
    band: str,
    reading: Interpretation,
    pieces: dict[str, np.ndarray],
    label: str | None,
    metadata: dict[str, float],
    origin: str,
    labels: tuple[str, ...] = (),
) -> RawLightCurve:
    """One light curve of the columns of its points; where these are of unequal length, cleaning says so."""
    lengths = {name: len(piece) for name, piece in pieces.items()}
    if len(set(lengths.values())) > 1:
        others = [np.full(length, np.nan) for name, length in lengths.items() if name != "time"]
        others.sort(key=lambda values: len(values) == lengths["time"])  # first those that differ
        return RawLightCurve(
            object_id, band, pieces["time"], *others[:1], *others[-1:], label, metadata, origin, labels=labels
        )
    points = reading.points(pieces)
    series = points.mjd, points.magnitude, points.magnitude_error
    return RawLightCurve(object_id, band, *series, label, metadata, origin, points.lost, labels, fluxes=points.fluxes)


def _flat(
    table: pa.Table,
    found: dict[str, str],
    reading: Interpretation,
    path: Path,
    first_row: int,
    star: str | None,
    band: str,
) -> Iterator[RawLightCurve]:
    column = lambda name: whole(table.column(found[name]))
    if not table.num_rows:
        return
    texts = read_ids(column("object_id"), str(path)) if "object_id" in found else [star] * table.num_rows
    ids = np.array([t or "" for t in texts], object)
    series = {
        field: read_series(field, whole(table.column(name)), reading, f"'{name}' of '{path}'", numbers_of)
        for field, name in reading.series.items()
    }
    bands = (
        np.array([b or "" for b in texts_of(column("band"))], object)
        if "band" in found
        else np.full(len(ids), band, object)
    )
    labels = classes_of(column("label")) if "label" in found else [None] * len(ids)
    metadata = scalar_columns(table, found)
    codes, band_codes = _first_seen(ids), _first_seen(bands)
    order = np.lexsort((band_codes, codes))  # stable: rows of a star keep their order
    edges = np.flatnonzero(np.diff(codes[order]) | np.diff(band_codes[order])) + 1
    for rows in np.split(order, edges):
        first = rows[0]
        own = tuple(dict.fromkeys(labels[row] for row in rows if labels[row]))
        extra = {name: _middle(values[rows]) for name, values in metadata.items()}
        origin = f"{path} from row {first_row + first}"
        pieces = {name: values[rows] for name, values in series.items()}
        yield _curve(ids[first], bands[first], reading, pieces, own[0] if own else None, extra, origin, own)


def _middle(values: np.ndarray) -> float:
    """The median of what is there: the rows of a star repeat its place and period."""
    values = values[np.isfinite(values)]
    return float(np.median(values)) if len(values) else float("nan")


def _first_seen(names: np.ndarray) -> np.ndarray:
    """(N,) int64: for each name the rank of its first appearance."""
    rank: dict[str, int] = {}
    return np.array([rank.setdefault(name, len(rank)) for name in names.tolist()], np.int64)
