"""Light curves from tables: Parquet (flat, nested lists, nested-pandas structs, HATS folders), CSV, ECSV, FITS.

A table is *nested* when its time column holds lists (one row a star) and *flat* when it holds numbers (one row a point).
Nested Parquet is read a batch of rows at a time; flat tables are grouped file by file.
"""

import csv
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from data_pipelines.kinds.light_curves.columns import ColumnNames, recognise
from data_pipelines.sources.arrow_text import times_as_text
from data_pipelines.sources.light_curve import RawLightCurve
from lcjax.errors import DataError, MissingExtraError

PARQUET = (".parquet", ".parq", ".pq")
CSV = (".csv", ".csv.gz", ".tsv")
ASTROPY = (".ecsv", ".fits", ".fit", ".fits.gz", ".fits.fz")
ROWS_AT_ONCE = 1024
UNEQUAL = "columns of unequal length"

Wanted = Callable[[str], bool]


def is_table(path: Path) -> bool:
    """Whether the name is that of a table this module reads."""
    return path.name.lower().endswith((*PARQUET, *CSV, *ASTROPY))


def read_table(
    path: Path, columns: ColumnNames, on_columns: Callable[[dict[str, str]], None] | None = None
) -> Iterator[RawLightCurve]:
    """The light curves of one file, in file order.

    Raises:
      DataError: the file cannot be read as a table, or a column is missing.
    """
    batches = _batches(path)
    first = next(batches, None)
    if first is None or not first.schema.names:
        raise DataError(f"'{path}' holds no table rows")
    found = recognise(first.schema.names, columns, str(path))
    if on_columns:
        on_columns(found)
    if _is_list(first.schema.field(found["time"]).type):
        row = 0
        for batch in _chain(first, batches):
            yield from _nested(batch, found, path, row)
            row += batch.num_rows
    else:
        yield from _flat(pa.Table.from_batches(list(_chain(first, batches))), found, path)


def _chain(first: pa.RecordBatch, rest: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    yield first
    yield from rest


def _batches(path: Path) -> Iterator[pa.RecordBatch]:
    name = path.name.lower()
    try:
        if name.endswith(PARQUET):
            # pyarrow takes names that are no text only as bytes.
            with pa.OSFile(os.fsencode(path)) as raw, pq.ParquetFile(raw, page_checksum_verification=True) as file:
                if not file.metadata.num_rows:
                    return
                for batch in file.iter_batches(ROWS_AT_ONCE):
                    yield _unfold_structs(batch)
        elif name.endswith(CSV):
            yield from _read_csv(path).to_batches()
        else:
            yield from _read_with_astropy(path).to_batches()
    except (pa.ArrowException, OSError, EOFError, csv.Error) as error:
        text = str(error).splitlines()[0][:160]
        raise DataError(
            f"'{path}' cannot be read as a table ({text}): the file is damaged or of another format"
        ) from error


def _read_csv(path: Path) -> pa.Table:
    """Every cell as text, so that one bad cell costs a point and not the file; leading `#` lines are skipped.

    A line that is cut short is filled with empty cells; of one with too many cells nothing can be trusted, so all its cells
    are emptied: cleaning counts and drops both.
    """
    packed = "gzip" if path.name.lower().endswith(".gz") else None
    with open(path, "rb") as file, pa.input_stream(file, compression=packed) as stream:
        data = stream.read()
    lines = data.decode("utf-8-sig", errors="replace").splitlines()
    skip = 0
    while skip < len(lines) and (not lines[skip].strip() or lines[skip].startswith("#")):
        skip += 1
    if skip == len(lines):
        raise DataError(f"'{path}' holds no table rows")
    rows = list(csv.reader(lines[skip:], delimiter=max(",;\t|", key=lines[skip].count)))
    header = [name.strip() for name in rows[0]]
    width = len(header)
    body = [row + [""] * (width - len(row)) if len(row) <= width else [""] * width for row in rows[1:] if row]
    columns = list(zip(*body, strict=True)) if body else [()] * width
    return pa.table([pa.array(column, pa.string()) for column in columns], names=header)


def _unfold_structs(batch: pa.RecordBatch) -> pa.RecordBatch:
    """Struct columns (nested-pandas) become columns `struct.field`; lists of structs become lists of their fields."""
    if not any(pa.types.is_struct(f.type) or _is_list_of_structs(f.type) for f in batch.schema):
        return batch
    arrays, names = [], []
    for field, column in zip(batch.schema, batch.columns, strict=True):
        if pa.types.is_struct(field.type):
            parts = column.flatten()
            names += [f"{field.name}.{part.name}" for part in field.type]
            arrays += parts
        elif _is_list_of_structs(field.type):
            values, offsets = column.flatten(), _offsets(column)
            names += [f"{field.name}.{part.name}" for part in field.type.value_type]
            arrays += [pa.ListArray.from_arrays(pa.array(offsets, pa.int32()), part) for part in values.flatten()]
        else:
            names.append(field.name)
            arrays.append(column)
    return pa.RecordBatch.from_arrays(arrays, names=names)


def _is_list(kind: pa.DataType) -> bool:
    return pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind)


def _is_list_of_structs(kind: pa.DataType) -> bool:
    return _is_list(kind) and pa.types.is_struct(kind.value_type)


def _offsets(column: pa.Array) -> np.ndarray:
    """Starts of every row in `column.flatten()`, and its end; null rows are empty."""
    lengths = pc.fill_null(pc.list_value_length(column), 0).to_numpy(zero_copy_only=False)
    return np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)


def _numbers(values: pa.Array, where: str) -> np.ndarray:
    """Any column as float64: nulls and text that is no number become NaN."""
    kind = values.type
    if pa.types.is_dictionary(kind):
        return _numbers(values.dictionary_decode(), where)
    if pa.types.is_floating(kind) or pa.types.is_integer(kind) or pa.types.is_boolean(kind):
        return pc.cast(values, pa.float64()).to_numpy(zero_copy_only=False).astype(np.float64)
    if pa.types.is_decimal(kind):
        return pc.cast(values, pa.float64(), safe=False).to_numpy(zero_copy_only=False).astype(np.float64)
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        try:
            return pc.cast(values, pa.float64()).to_numpy(zero_copy_only=False)
        except pa.ArrowInvalid:  # some texts are no numbers: those become NaN, one by one
            return np.array([_number(v) for v in values.to_pylist()], np.float64)
    if pa.types.is_binary(kind) or pa.types.is_large_binary(kind):
        return np.array([_number(v) for v in values.to_pylist()], np.float64)
    if pa.types.is_null(kind):
        return np.full(len(values), np.nan)
    raise DataError(f"column {where} holds {kind} where numbers are expected: name another column with --columns")


def _number(text: str | bytes | None) -> float:
    try:
        return float(text)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return float("nan")


def _texts(values: pa.Array) -> list[str | None]:
    """As text, whatever the type; bytes that are not UTF-8 are spelt out, so that different ids stay different."""
    if pa.types.is_temporal(values.type):
        values = times_as_text(values)
    elif pa.types.is_string(values.type) or pa.types.is_large_string(values.type):
        values = values.cast(pa.large_binary())
    return [_text(v) for v in values.to_pylist()]


def _text(value: object) -> str | None:
    """Ids, bands and classes as text; whole floats are integers that met a missing value (149389.0), NaN is missing."""
    if isinstance(value, bytes):
        return value.decode(errors="backslashreplace").strip()
    if isinstance(value, float):
        return None if value != value else str(int(value)) if value.is_integer() else str(value)
    return None if value is None else str(value).strip()


def _nested(batch: pa.RecordBatch, found: dict[str, str], path: Path, first_row: int) -> Iterator[RawLightCurve]:
    series: dict[str, tuple[np.ndarray, np.ndarray]] = {}
    for name in ("time", "magnitude", "magnitude_error"):
        column = batch.column(found[name])
        if not _is_list(column.type):
            raise DataError(
                f"column '{found[name]}' of '{path}' holds one value a row while '{found['time']}' holds lists: name a list "
                f"column with --columns.{name.replace('_', '-')}"
            )
        series[name] = _numbers(column.flatten(), f"'{found[name]}' of '{path}'"), _offsets(column)
    ids = _texts(batch.column(found["object_id"]))
    labels = _texts(batch.column(found["label"])) if "label" in found else [None] * len(ids)
    bands, point_bands, band_offsets = [""] * len(ids), None, None
    if "band" in found:
        column = batch.column(found["band"])
        if _is_list(column.type):
            point_bands, band_offsets = np.array(_texts(column.flatten()), object), _offsets(column)
        else:
            bands = [b or "" for b in _texts(column)]
    metadata = _scalar_columns(batch, found)
    for i, object_id in enumerate(ids):
        pieces = [values[offsets[i] : offsets[i + 1]] for values, offsets in series.values()]
        extra = {name: float(values[i]) for name, values in metadata.items()}
        origin = f"{path} row {first_row + i}"
        make = lambda band, parts: RawLightCurve(object_id or "", band, *parts, labels[i], extra, origin)
        if point_bands is None:
            yield make(bands[i], pieces)
            continue
        which = point_bands[band_offsets[i] : band_offsets[i + 1]]
        if len(which) != len(pieces[0]) or len({len(p) for p in pieces}) > 1:
            yield make("", [*pieces[:2], pieces[2][:0]] if len({len(p) for p in pieces}) == 1 else pieces)
            continue
        for band in dict.fromkeys(which.tolist()):
            yield make(band or "", [p[which == band] for p in pieces])


def _scalar_columns(batch: pa.RecordBatch, found: dict[str, str]) -> dict[str, np.ndarray]:
    """Numeric per-object columns among the known astrophysical ones."""
    known = ("period", "ra", "dec", "redshift")
    out = {}
    for name in batch.schema.names:
        kind = batch.schema.field(name).type
        if (
            name.lower() in known
            and name not in found.values()
            and (pa.types.is_floating(kind) or pa.types.is_integer(kind))
        ):
            out[name.lower()] = _numbers(batch.column(name), name)
    return out


def _flat(table: pa.Table, found: dict[str, str], path: Path) -> Iterator[RawLightCurve]:
    column = lambda name: table.column(found[name]).combine_chunks()
    ids = np.array([t or "" for t in _texts(column("object_id"))], object)
    series = [_numbers(column(n), f"'{found[n]}' of '{path}'") for n in ("time", "magnitude", "magnitude_error")]
    bands = (
        np.array([b or "" for b in _texts(column("band"))], object)
        if "band" in found
        else np.full(len(ids), "", object)
    )
    labels = _texts(column("label")) if "label" in found else None
    if not len(ids):
        return
    codes, band_codes = _first_seen(ids), _first_seen(bands)
    order = np.lexsort((band_codes, codes))  # stable: rows of a star keep their order
    edges = np.flatnonzero(np.diff(codes[order]) | np.diff(band_codes[order])) + 1
    for rows in np.split(order, edges):
        first = rows[0]
        label = labels[first] if labels else None
        yield RawLightCurve(ids[first], bands[first], *(s[rows] for s in series), label, {}, f"{path} from row {first}")


def _first_seen(names: np.ndarray) -> np.ndarray:
    """(N,) int64: for each name the rank of its first appearance."""
    rank: dict[str, int] = {}
    return np.array([rank.setdefault(name, len(rank)) for name in names.tolist()], np.int64)


def _read_with_astropy(path: Path) -> pa.Table:
    try:
        from astropy.table import Table
    except ImportError:
        raise MissingExtraError("astropy", "data", f"reading '{path.name}'") from None
    try:
        if path.name.lower().endswith(".ecsv"):
            table = Table.read(path, format="ascii.ecsv")
        else:
            table = Table.read(path, format="fits")
    except Exception as error:
        raise DataError(f"'{path}' cannot be read as a table ({str(error).splitlines()[0][:160]})") from error
    arrays = {}
    for name in table.colnames:
        column = table[name]
        values = np.asarray(column.filled(np.nan) if hasattr(column, "filled") and column.dtype.kind == "f" else column)
        if values.dtype == object or values.ndim == 2:
            arrays[name] = pa.array([np.asarray(v).astype(_native(np.asarray(v).dtype)) for v in values])
        elif values.dtype.kind == "S":
            arrays[name] = pa.array(np.char.strip(np.char.decode(values, "utf-8", "backslashreplace")))
        else:
            arrays[name] = pa.array(values.astype(_native(values.dtype)))
    return pa.table(arrays)


def _native(kind: np.dtype) -> np.dtype:
    return kind.newbyteorder("=")
