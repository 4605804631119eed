"""What the points of a table hold, as numbers: Arrow columns in, float64 out; which of them mean what is `interpretation`'s."""

import re
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from data_pipelines.kinds.light_curves.brightness import signs
from data_pipelines.kinds.light_curves.brightness_choice import check_no_magnitudes
from data_pipelines.kinds.light_curves.columns import ColumnNames
from data_pipelines.kinds.light_curves.interpretation import Interpretation, interpret
from data_pipelines.kinds.light_curves.quality import truths
from data_pipelines.kinds.light_curves.times import UNIX_ZERO, is_iso, iso_to_mjd
from lcjax.errors import ConfigError, DataError

Numbers = Callable[[pa.Array, str], np.ndarray]
UNIT = b"unit"
"""Of a column, in the metadata of its Arrow field."""
_COMMA = re.compile(r"\s*[+-]?\d+,(\d+)([eE][+-]?\d+)?\s*")
_LOOKED_AT = 1000
_MEASURED = ("time", "magnitude", "magnitude_error", "flux", "flux_error")


def interpret_table(
    first: pa.RecordBatch, found: dict[str, str], columns: ColumnNames, path: Path, numbers: Numbers
) -> Interpretation:
    """What the columns of a table mean, by its first rows.

    Args:
      first: rows to tell by; units in the metadata of its fields, a header in that of its schema. found: field -> column.
      numbers: makes float64 of a column; takes it and words for where it is.

    Raises:
      ConfigError: times or brightness can mean two things.
    """
    column = _flat(first.column(found["time"]))
    iso = _holds_dates(column)
    times = _dates(column) if iso else numbers(column, f"'{found['time']}' of '{path}'")
    if not iso and columns.time_format != "iso":
        _check_numbers(column, times, found["time"], path)
    units = {field.name: field.metadata[UNIT].decode() for field in first.schema if UNIT in (field.metadata or {})}
    if (
        "flux" in found
        and columns.flux is None
        and columns.unit == "auto"
        and columns.zero_point is None
        and not units.get(found["flux"])
    ):
        check_no_magnitudes(
            *(_of(first, found, field, numbers, path) for field in ("flux", "flux_error")), found, str(path)
        )
    header = {key.decode(errors="replace").upper(): _value(text) for key, text in (first.schema.metadata or {}).items()}
    return interpret(found, first.schema.names, times, iso, columns, str(path), units, header)


def _of(first: pa.RecordBatch, found: dict[str, str], field: str, numbers: Numbers, path: Path) -> np.ndarray:
    """First values of a column; none where it is not there."""
    if field not in found:
        return np.zeros(0)
    return numbers(_flat(first.column(found[field])), f"'{found[field]}' of '{path}'")


def read_series(field: str, column: pa.Array, reading: Interpretation, where: str, numbers: Numbers) -> np.ndarray:
    """One column of points, flat, as (N,) float64; `field` as in `Interpretation.series`.

    Raises:
      DataError: it is of a type that is no measurement.
    """
    if field == "time" and reading.iso:
        return _dates(column)
    if field == "sign":
        return signs(_texts(column))
    if field.startswith("flag:") and _is_text(column.type):
        return truths(_texts(column))
    if field in _MEASURED and pa.types.is_boolean(column.type):
        raise DataError(
            f"column {where} holds true and false where numbers are expected: name another column with --columns"
        )
    return numbers(column, where)


def decimal_commas(columns: Sequence[Sequence[str]], path: Path) -> set[int]:
    """Numbers of the columns of text whose cells are numbers with decimal commas, by the first rows.

    Raises:
      ConfigError: all commas are followed by three digits, so that they may part thousands.
    """
    commas, proof = [], ""
    for number, column in enumerate(columns):
        cells = [cell for cell in column[:_LOOKED_AT] if cell.strip()]
        matches = [_COMMA.fullmatch(cell) for cell in cells]
        if any(matches) and all(
            m or cell.strip().lstrip("+-").isdigit() for m, cell in zip(matches, cells, strict=True)
        ):
            commas.append(number)
            proof = proof or next((m[0] for m in matches if m and len(m[1]) != 3), "")
    if commas and not proof:
        example = next(cell for cell in columns[commas[0]] if "," in cell)
        raise ConfigError(
            f"'{path}' has numbers such as '{example}', whose comma may be decimal or part thousands: write them with decimal points"
        )
    return set(commas)


def _flat(column: pa.Array) -> pa.Array:
    kind = column.type
    listed = pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind)
    return column.flatten() if listed else column


def _is_text(kind: pa.DataType) -> bool:
    return pa.types.is_string(kind) or pa.types.is_large_string(kind)


def _holds_dates(column: pa.Array) -> bool:
    if pa.types.is_timestamp(column.type) or pa.types.is_date(column.type):
        return True
    return _is_text(column.type) and any(is_iso(text) for text in column[:_LOOKED_AT].to_pylist() if text)


def _dates(column: pa.Array) -> np.ndarray:
    if pa.types.is_timestamp(column.type) or pa.types.is_date(column.type):
        micro = pc.cast(pc.cast(column, pa.timestamp("us"), safe=False), pa.int64()).cast(pa.float64(), safe=False)
        return micro.to_numpy(zero_copy_only=False) / 86_400e6 + UNIX_ZERO
    return np.array([iso_to_mjd(text) for text in column.to_pylist()], np.float64)


def _check_numbers(column: pa.Array, times: np.ndarray, name: str, path: Path) -> None:
    """Times that are all text of another kind are said to be so at once, not star by star."""
    if not _is_text(column.type) or not len(times) or np.isfinite(times).any():
        return
    example = next((text for text in column.to_pylist() if text and text.strip()), None)
    if example is not None:
        raise ConfigError(
            f"column '{name}' of '{path}' holds texts such as '{example}', no numbers and no dates as ISO 8601 writes them "
            "(2019-03-04T05:06:07): write them so, or name another column with --columns.time"
        )


def _texts(column: pa.Array) -> list[str | None]:
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    whole = lambda value: int(value) if isinstance(value, float) and value.is_integer() else value
    decoded = lambda value: value.decode(errors="replace") if isinstance(value, bytes) else str(whole(value))
    return [None if value is None else decoded(value) for value in column.to_pylist()]


def _value(text: bytes) -> object:
    plain = text.decode(errors="replace")
    try:
        return float(plain)
    except ValueError:
        return plain
