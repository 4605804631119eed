"""Columns of pyarrow as text, whatever was put in them."""

import pyarrow as pa


def times_as_text(column: pa.Array) -> pa.Array:
    """A column of times, dates or durations as text, UTC: Python has no nanoseconds, fewer years, and not every zone."""
    if pa.types.is_timestamp(column.type):
        column = column.cast(pa.timestamp(column.type.unit))
    return column.cast(pa.string())
