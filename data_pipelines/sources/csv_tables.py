"""CSV tables as text, some rows at a time: every cell as it is written, marks and encodings as they come."""

import csv
import io
import itertools
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa

from data_pipelines.sources import identity
from data_pipelines.sources.measurements import decimal_commas
from lcjax.errors import DataError

_HEADER_BYTES = 1 << 16
_CONVERTED = 1 << 14
"""Rows that are Python's own for a moment."""
_UTF16 = (b"\xff\xfe", b"\xfe\xff")


def csv_batches(path: Path, at_once: int, wanted: Collection[str] | None = None) -> Iterator[pa.RecordBatch]:
    """The rows of a table, `at_once` of them at a time, every cell as text, so that one bad cell costs a point and not the file;
    leading `#` lines are skipped. Memory holds one batch.

    A line that is cut short is filled with empty cells; of one with too many cells nothing can be trusted, so all its cells
    are emptied: cleaning counts and drops both. Whether commas in numbers are decimal is told by the first rows.

    Args:
      wanted: names of columns; None: all.

    Raises:
      DataError: there are no rows, or a quotation mark that is not closed swallows some.
    """
    with _opened(path) as stream:
        lines = _lines(stream, path)
        before, first = _header_line(lines)
        if not first:
            raise DataError(f"'{path}' holds no table rows")
        rows = (row for _, row in _rows(path, itertools.chain([first], lines), _mark(first), len(before)))
        header = [name.strip() for name in next(rows)]
        body = (_fitted(row, len(header)) for row in rows if row)
        kept = [i for i, name in enumerate(header) if wanted is None or name in wanted]
        schema = pa.schema([(header[i], pa.string()) for i in kept], identity.comments(before))
        commas: Collection[int] | None = None
        held: list[pa.RecordBatch] = []
        while some := list(itertools.islice(body, min(_CONVERTED, at_once))):
            columns = list(zip(*some, strict=True))
            commas = decimal_commas(columns, path) if commas is None else commas
            held.append(pa.record_batch([_array(columns[i], i in commas) for i in kept], schema=schema))
            if sum(batch.num_rows for batch in held) + _CONVERTED > at_once:
                yield pa.concat_batches(held)
                held = []
        if held:
            yield pa.concat_batches(held)


def _fitted(row: list[str], width: int) -> list[str]:
    """With as many cells as the header has."""
    return row + [""] * (width - len(row)) if len(row) <= width else [""] * width


def _array(cells: Sequence[str], decimal_comma: bool) -> pa.Array:
    return pa.array([cell.replace(",", ".") for cell in cells] if decimal_comma else cells, pa.string())


def read_csv(path: Path) -> pa.Table:
    """The whole of a table that fits in memory, perhaps without rows; see `csv_batches`."""
    batches = list(csv_batches(path, 1 << 18))
    empty = pa.table({name: pa.array([], pa.string()) for name in ([] if batches else csv_header(path))})
    return pa.Table.from_batches(batches) if batches else empty


def csv_header(path: Path) -> list[str]:
    """Names of the columns of a CSV file; nothing else is read of it, and nothing where it cannot be read."""
    try:
        with _opened(path) as stream:
            _, line = _header_line(_lines(stream, path, _HEADER_BYTES))
    except (pa.ArrowException, OSError, EOFError):
        return []
    return [name.strip() for row in csv.reader([line], delimiter=_mark(line)) for name in row]


def more_lines_than(path: Path, count: int) -> bool:
    """Whether a file has more lines than so many; False where it cannot be read, which the reading of it says."""
    try:
        with _opened(path) as stream:
            while count >= 0 and (block := stream.read(_HEADER_BYTES << 4)):
                count -= max(block.count(b"\n"), block.count(b"\r"))
    except (pa.ArrowException, OSError, EOFError):
        return False
    return count < 0


@contextmanager
def _opened(path: Path) -> Iterator[pa.NativeFile]:
    """A CSV file unpacked; any name, also one that is no text."""
    packed = "gzip" if path.name.lower().endswith(".gz") else None
    with open(path, "rb") as file, pa.input_stream(file, compression=packed) as stream:
        yield stream


def _lines(stream: pa.NativeFile, path: Path, most: int | None = None) -> Iterator[str]:
    """Lines of text with their ends, of the first `most` bytes or of all.

    UTF-8, or UTF-16 where a mark says so; other bytes are spelt out, so that different ids stay different.
    """
    with _opened(path) as beginning:
        encoding = "utf-16" if beginning.read(2) in _UTF16 else "utf-8-sig"
    source = stream if most is None else io.BytesIO(stream.read(most))
    return io.TextIOWrapper(source, encoding, "backslashreplace", newline="")


def _header_line(lines: Iterator[str]) -> tuple[list[str], str]:
    """Empty lines and comments before the line with the names of the columns, and this; empty where there is none."""
    before: list[str] = []
    for line in lines:
        if line.strip() and not line.startswith("#"):
            return before, line
        before.append(line.strip())
    return before, ""


def named_rows(path: Path, lines: Iterable[str]) -> tuple[list[str], list[tuple[int, dict[str, str | None]]]]:
    """Columns of a table of classes, matches or places, and its rows with the number of the line on which each ends.

    Args:
      lines: of a file with commas and a header; with their ends, so that cells of several lines show. Cells that a row lacks are None.

    Raises:
      DataError: a quotation mark that is not closed swallows rows. csv.Error: no CSV.
    """
    rows = _rows(path, iter(lines), ",", 0)
    _, header = next(rows, (0, []))
    return header, [(line, dict(itertools.zip_longest(header, row[: len(header)]))) for line, row in rows if row]


def _rows(path: Path, lines: Iterator[str], mark: str, before: int) -> Iterator[tuple[int, list[str]]]:
    """Rows of cells, each with the number of the line on which it ends; `before` lines of the file come before them."""
    reader, begin, width = csv.reader(lines, delimiter=mark), 0, 0
    for row in reader:
        marks = max(width - 1, 1)  # of a whole row; in the header, before its width is known, any
        several, first, width = reader.line_num > begin + 1, not width, width or len(row)
        if (
            several
            and (first or width > 1)
            and any(cell.count(mark) >= marks and cell.splitlines()[1:] for cell in row)
        ):
            raise DataError(
                f"'{path}' has a quotation mark in line {before + begin + 1} that is closed in line {before + reader.line_num} or never, "
                "with rows between: close it or take it out"
            )
        begin = reader.line_num
        yield before + begin, row


def _mark(line: str) -> str:
    return max(",;\t|", key=line.count)
