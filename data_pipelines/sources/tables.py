"""Light curves from tables: Parquet (flat, nested lists, nested-pandas structs, HATS folders), CSV, ECSV, FITS.

A table is *nested* when its time column holds lists (one row a star) and *flat* when it holds numbers (one row a point).
Nested Parquet is read a batch of rows at a time; flat tables are grouped file by file.
"""

import csv
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from data_pipelines.kinds.light_curves.columns import ColumnNames, recognise
from data_pipelines.kinds.light_curves.interpretation import Interpretation
from data_pipelines.sources.light_curve import RawLightCurve
from data_pipelines.sources.measurements import UNIT, interpret_table, read_series, with_points
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
      DataError: the file cannot be read as a table, or a column is missing. ConfigError: times or brightness can mean two things.
    """
    batches = _batches(path)
    first = next(batches, None)
    if first is None or not first.schema.names:
        raise DataError(f"'{path}' holds no table rows")
    found = recognise(first.schema.names, columns, str(path))
    reading = interpret_table(first, found, columns, path, _numbers)
    if on_columns:
        on_columns(found | reading.said)
    if _is_list(first.schema.field(found["time"]).type):
        row = 0
        for batch in _chain(first, batches):
            yield from _nested(batch, found, reading, path, row)
            row += batch.num_rows
    else:
        yield from _flat(pa.Table.from_batches(list(_chain(first, batches))), found, reading, path)


def _chain(first: pa.RecordBatch, rest: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    yield first
    yield from rest


def _batches(path: Path) -> Iterator[pa.RecordBatch]:
    name = path.name.lower()
    try:
        if name.endswith(PARQUET):
            with pq.ParquetFile(path, page_checksum_verification=True) as file:
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
    with pa.input_stream(str(path), compression="detect") as stream:
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
    columns = with_points(list(zip(*body, strict=True)) if body else [()] * width, path)
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
    return [_text(v) for v in values.to_pylist()]


def _text(value: object) -> str | None:
    """Ids, bands and classes as text; whole floats are integers that met a missing value (149389.0), NaN is missing."""
    if isinstance(value, bytes):
        return value.decode(errors="replace").strip()
    if isinstance(value, float):
        return None if value != value else str(int(value)) if value.is_integer() else str(value)
    return None if value is None else str(value).strip()


def _nested(
    batch: pa.RecordBatch, found: dict[str, str], reading: Interpretation, path: Path, first_row: int
) -> Iterator[RawLightCurve]:
    series: dict[str, tuple[np.ndarray, np.ndarray]] = {}
    times = _offsets(batch.column(found["time"]))
    for field, name in reading.series.items():
        column, where = batch.column(name), f"'{name}' of '{path}'"
        if _is_list(column.type):
            series[field] = read_series(field, column.flatten(), reading, where, _numbers), _offsets(column)
        elif field in reading.every_point:
            raise DataError(
                f"column '{name}' of '{path}' holds one value a row while '{found['time']}' holds lists: name a list "
                f"column with --columns.{field.replace('_', '-')}"
            )
        else:  # of all points of the star
            series[field] = read_series(field, column, reading, where, _numbers).repeat(np.diff(times)), times
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
) -> RawLightCurve:
    """One light curve of the columns of its points; where these are of unequal length, cleaning says so."""
    lengths = {name: len(piece) for name, piece in pieces.items()}
    if len(set(lengths.values())) > 1:
        others = [np.full(length, np.nan) for name, length in lengths.items() if name != "time"]
        others.sort(key=lambda values: len(values) == lengths["time"])  # first those that differ
        return RawLightCurve(object_id, band, pieces["time"], *others[:1], *others[-1:], label, metadata, origin)
    points = reading.points(pieces)
    series = points.mjd, points.magnitude, points.magnitude_error
    return RawLightCurve(object_id, band, *series, label, metadata, origin, points.lost)


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


def _flat(table: pa.Table, found: dict[str, str], reading: Interpretation, path: Path) -> Iterator[RawLightCurve]:
    column = lambda name: table.column(found[name]).combine_chunks()
    ids = np.array([t or "" for t in _texts(column("object_id"))], object)
    whole = lambda name: table.column(name).combine_chunks()
    series = {
        field: read_series(field, whole(name), reading, f"'{name}' of '{path}'", _numbers)
        for field, name in reading.series.items()
    }
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
        pieces = {name: values[rows] for name, values in series.items()}
        yield _curve(ids[first], bands[first], reading, pieces, label, {}, f"{path} from row {first}")


def _first_seen(names: np.ndarray) -> np.ndarray:
    """(N,) int64: for each name the rank of its first appearance."""
    rank: dict[str, int] = {}
    return np.array([rank.setdefault(name, len(rank)) for name in names.tolist()], np.int64)


def _read_with_astropy(path: Path) -> pa.Table:
    try:
        from astropy.table import Table
        from astropy.units import UnitsWarning
    except ImportError:
        raise MissingExtraError("astropy", "data", f"reading '{path.name}'") from None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UnitsWarning)  # 'BJD - 2457000, days' is no unit, and says what is wanted
            table = Table.read(path, format="ascii.ecsv" if path.name.lower().endswith(".ecsv") else "fits")
    except Exception as error:
        raise DataError(f"'{path}' cannot be read as a table ({str(error).splitlines()[0][:160]})") from error
    arrays, units = {}, {}
    for name in table.colnames:
        column = table[name]
        units[name] = str(column.unit or "")
        values = np.asarray(column.filled(np.nan) if hasattr(column, "filled") and column.dtype.kind == "f" else column)
        if values.dtype == object or values.ndim == 2:
            arrays[name] = pa.array([np.asarray(v).astype(_native(np.asarray(v).dtype)) for v in values])
        elif values.dtype.kind == "S":
            arrays[name] = pa.array(np.char.strip(np.char.decode(values)))
        else:
            arrays[name] = pa.array(values.astype(_native(values.dtype)))
    fields = [pa.field(name, array.type, metadata={UNIT: units[name]}) for name, array in arrays.items()]
    header = {str(key): str(value) for key, value in table.meta.items() if isinstance(value, str | int | float)}
    return pa.table(list(arrays.values()), pa.schema(fields, metadata=header))


def _native(kind: np.dtype) -> np.dtype:
    return kind.newbyteorder("=")
