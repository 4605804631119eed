"""Cells of tables as numbers and as text, whatever their type, and what columns beside the points say of a star."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from data_pipelines.kinds.light_curves.id_columns import check_text, check_whole_numbers
from data_pipelines.shards.class_names import is_no_class
from data_pipelines.sources.arrow_text import times_as_text
from lcjax.errors import DataError

_DEGREES = {"ra": (-360.0, 360.0), "dec": (-90.0, 90.0)}


def whole(column: pa.Array | pa.ChunkedArray) -> pa.Array:
    """A column in one piece."""
    return column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column


def numbers_of(values: pa.Array, where: str) -> np.ndarray:
    """Any column as float64: nulls and text that is no number become NaN."""
    kind = values.type
    if pa.types.is_dictionary(kind):
        return numbers_of(values.dictionary_decode(), where)
    if pa.types.is_floating(kind) or pa.types.is_integer(kind) or pa.types.is_boolean(kind):
        return pc.cast(values, pa.float64(), safe=False).to_numpy(zero_copy_only=False).astype(np.float64)
    if pa.types.is_decimal(kind):
        return pc.cast(values, pa.float64(), safe=False).to_numpy(zero_copy_only=False).astype(np.float64)
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        try:
            return pc.cast(values, pa.float64()).to_numpy(zero_copy_only=False)
        except pa.ArrowInvalid:  # some texts are no numbers: those become NaN, one by one
            return np.array([number_of(v) for v in values.to_pylist()], np.float64)
    if pa.types.is_binary(kind) or pa.types.is_large_binary(kind):
        return np.array([number_of(v) for v in values.to_pylist()], np.float64)
    if pa.types.is_null(kind):
        return np.full(len(values), np.nan)
    raise DataError(f"column {where} holds {kind} where numbers are expected: name another column with --columns")


def number_of(text: str | bytes | None) -> float:
    """NaN for what is no number; else as Python has it, but for its underscores: `1_5` is no number of a table."""
    try:
        number = float(text)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return float("nan")
    return float("nan") if isinstance(text, str) and "_" in text else number


def texts_of(values: pa.Array) -> list[str | None]:
    """As text, whatever the type; bytes that are not UTF-8 are spelt out, so that different ids stay different."""
    if pa.types.is_temporal(values.type):
        values = times_as_text(values)
    elif pa.types.is_string(values.type) or pa.types.is_large_string(values.type):
        values = values.cast(pa.large_binary())
    return [text_of(v) for v in values.to_pylist()]


def text_of(value: object) -> str | None:
    """Ids, bands and classes as text; whole floats are integers that met a missing value (149389.0), NaN is missing."""
    if isinstance(value, bytes):
        return value.decode(errors="backslashreplace").strip()
    if isinstance(value, float):
        return None if value != value else str(int(value)) if value.is_integer() else str(value)
    return None if value is None else str(value).strip()


def classes_of(values: pa.Array) -> list[str | None]:
    """Labels as text; None where there is none."""
    return [None if is_no_class(text) else text for text in texts_of(values)]


def read_ids(column: pa.Array, where: str) -> list[str | None]:
    """A column of ids as text.

    Raises:
      DataError: ids are numbers that have been rounded, so that several stars are one.
    """
    if pa.types.is_floating(column.type):
        check_whole_numbers(column.drop_null().to_numpy(zero_copy_only=False), f"'{where}'")
    coded = column if pa.types.is_dictionary(column.type) else column.dictionary_encode()
    names = texts_of(coded.dictionary)
    for name in names:
        check_text(name, f"'{where}'")
    return [None if i is None else names[i] for i in coded.indices.to_pylist()]


def scalar_columns(batch: pa.RecordBatch | pa.Table, found: dict[str, str]) -> dict[str, np.ndarray]:
    """Numeric per-object columns among the known astrophysical ones; NaN where a position is none in degrees."""
    known = ("period", "ra", "dec", "redshift")
    numeric = (pa.types.is_floating, pa.types.is_integer, pa.types.is_string)  # cells of CSV are text
    out = {}
    for name in batch.schema.names:
        kind = batch.schema.field(name).type
        if name.lower() in known and name not in found.values() and any(is_kind(kind) for is_kind in numeric):
            values = numbers_of(whole(batch.column(name)), name)
            if not pa.types.is_string(kind) or np.isfinite(values).any():
                low, high = _DEGREES.get(name.lower(), (-np.inf, np.inf))
                out[name.lower()] = np.where((values >= low) & (values <= high), values, np.nan)
    return out


def labels_said(first: pa.RecordBatch, found: dict[str, str]) -> dict[str, str]:
    """For the report: a text among the labels that counts as none."""
    labels = texts_of(first.column(found["label"])) if "label" in found else []
    odd = next((label for label in labels if is_no_class(label)), None)
    return {} if odd is None else {"no class": f"'{odd}'"}


def places_said(first: pa.RecordBatch, found: dict[str, str]) -> dict[str, str]:
    """For the report: positions that are none in degrees, by which no stars can be told to be one."""
    said = {}
    for name in first.schema.names:
        limits, column = _DEGREES.get(name.lower()), first.column(name)
        if limits is None or name in found.values():
            continue
        if pa.types.is_string(column.type):
            odd = [text for text in column.to_pylist() if text and text.strip() and np.isnan(number_of(text))]
        elif not (pa.types.is_floating(column.type) or pa.types.is_integer(column.type)):
            continue
        else:
            values = numbers_of(column, name)
            odd = values[(values < limits[0]) | (values > limits[1])].tolist()
        if odd:
            said[f"places in '{name}'"] = f"no degrees, so not used, where they are as '{odd[0]}'"
    return said
