"""Alerts from Parquet tables as brokers publish them: the packet's fields as columns, nested or flat.

Fink's tables (ZTF and Rubin) keep `candidate` or `diaSource`, the history and the cutouts as nested columns, with their own
scalar columns beside them. Rows are read in small groups, so that a table of any size takes little memory.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from data_pipelines.sources.alerts.packets import HISTORY_FIELDS, PARTS, StampRules
from data_pipelines.sources.alerts.record import Alert
from data_pipelines.sources.alerts.surveys import alert_from_packet
from data_pipelines.sources.arrow_text import times_as_text
from lcjax.errors import Rejection, first_line

ROWS = 64
"""Rows turned into Python objects together."""

MAGIC = b"PAR1"


@dataclass(frozen=True)
class TableRows:
    """Some rows of a table, not decoded; a piece of `data_pipelines.sources.alerts.read`."""

    batch: Any
    """pyarrow.RecordBatch."""
    origin: str
    first: int
    """Number of the first row."""

    @property
    def size(self) -> int:
        """Bytes."""
        return self.batch.nbytes

    def outcomes(self, rules: StampRules, schemas: Any) -> Iterator[Alert | Rejection]:
        """Alerts in row order, and rejections of rows that cannot be unpacked."""
        try:
            rows = list(_rows(self.batch))
        except ValueError as error:  # pyarrow's errors, and text that is none
            if self.batch.num_rows == 1:
                yield Rejection("", f"damaged Parquet: {_first_line(error)}", f"{self.origin}#{self.first}")
                return
            for number in range(self.batch.num_rows):  # to lose no more rows than need be
                yield from TableRows(self.batch.slice(number, 1), self.origin, self.first + number).outcomes(
                    rules, schemas
                )
            return
        for number, row in enumerate(rows, self.first):
            yield alert_from_packet(row, rules, f"{self.origin}#{number}")


def cut_parquet(
    source: Path | BinaryIO, rules: StampRules, origin: str, max_row_bytes: int = 8 << 20
) -> Iterator[TableRows | Rejection]:
    """A table as small groups of rows, in row order.

    Args:
      source: a file. rules: what of the packets is wanted. origin: what alerts are said to come from.
      max_row_bytes: mean size of an unpacked row above which a row group is not read.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    number = 0
    try:
        if isinstance(source, Path):
            source = pa.OSFile(os.fsencode(source))  # pyarrow takes names that are no text only as bytes
        table = pq.ParquetFile(source, pre_buffer=False, page_checksum_verification=True)
        skipped = frozenset() if rules.history else HISTORY_FIELDS
        wanted = [
            f.name
            for f in table.schema_arrow
            if (f.name in PARTS or not pa.types.is_nested(f.type)) and f.name not in skipped
        ]
        if not {"candid", "candidate", "diaSource"} & set(wanted):
            yield Rejection("", "no alerts: the table has neither 'candid' nor 'candidate' nor 'diaSource'", origin)
            return
        if not table.metadata.num_rows:
            yield Rejection("", "no alerts: the table has no rows", origin)
        for group in range(table.metadata.num_row_groups):
            facts = table.metadata.row_group(group)
            if facts.total_byte_size > max_row_bytes * max(facts.num_rows, 1):
                reason = f"table too large: row group {group} claims {facts.total_byte_size:,} bytes in {facts.num_rows} rows"
                yield Rejection("", reason, f"{origin}#{number}")
                number += facts.num_rows
                continue
            begin = number
            try:
                for batch in table.iter_batches(ROWS, row_groups=[group], columns=wanted, use_threads=False):
                    yield TableRows(batch, origin, number)
                    number += batch.num_rows
                said = "pages have fewer rows than the footer says"
            except (pa.ArrowException, OSError, ValueError) as error:
                said = _first_line(error)
            if lost := begin + facts.num_rows - number:
                yield Rejection("", f"damaged Parquet: {said}, {lost} rows lost", f"{origin}#{number}")
            number = begin + facts.num_rows
        if number != table.metadata.num_rows:
            said = f"its row groups have {number:,} rows and its footer says {table.metadata.num_rows:,}"
            yield Rejection("", f"damaged Parquet: {said}", f"{origin}#{number}")
    except (pa.ArrowException, OSError, ValueError) as error:
        yield Rejection("", f"damaged Parquet: {_first_line(error)}", origin)


def _rows(batch: Any) -> Iterator[dict[str, Any]]:
    """Row after row; timestamps and other types without a plain number, and bytes that are no part of a packet, become text."""
    import pyarrow as pa

    lists = {}
    for name, column in zip(batch.schema.names, batch.columns, strict=True):
        if pa.types.is_temporal(column.type):
            column = times_as_text(column)
        values = column.to_pylist()
        if name not in PARTS:
            values = [v.decode("utf-8", "backslashreplace") if isinstance(v, bytes) else v for v in values]
        lists[name] = values
    for values in zip(*lists.values(), strict=True):
        yield dict(zip(lists, values, strict=True))


def _first_line(error: Exception) -> str:
    return first_line(error, 200)
