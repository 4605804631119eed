"""CSV tables as text: every cell as it is written, marks and encodings as they come."""

import csv
import io
import itertools
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa

from data_pipelines.sources import identity
from data_pipelines.sources.measurements import with_points
from lcjax.errors import DataError

_HEADER_BYTES = 1 << 16
_UTF16 = (b"\xff\xfe", b"\xfe\xff")


def read_csv(path: Path) -> pa.Table:
    """Every cell as text, so that one bad cell costs a point and not the file; leading `#` lines are skipped.

    A line that is cut short is filled with empty cells; of one with too many cells nothing can be trusted, so all its cells
    are emptied: cleaning counts and drops both.

    Raises:
      DataError: there are no rows, or a quotation mark that is not closed swallows some.
    """
    with _opened(path) as stream:
        text = _decoded(stream.read())
    lines = io.StringIO(text, newline="")
    before, first = _header_line(lines)
    if not first:
        raise DataError(f"'{path}' holds no table rows")
    rows = [row for _, row in _rows(path, itertools.chain([first], lines), _mark(first), len(before))]
    header = [name.strip() for name in rows[0]]
    width = len(header)
    body = [row + [""] * (width - len(row)) if len(row) <= width else [""] * width for row in rows[1:] if row]
    columns = with_points(list(zip(*body, strict=True)) if body else [()] * width, path)
    table = pa.table([pa.array(column, pa.string()) for column in columns], names=header)
    return table.replace_schema_metadata(identity.comments(before))


def csv_header(path: Path) -> list[str]:
    """Names of the columns of a CSV file; nothing else is read of it, and nothing where it cannot be read."""
    try:
        with _opened(path) as stream:
            text = _decoded(stream.read(_HEADER_BYTES))
    except (pa.ArrowException, OSError, EOFError):
        return []
    _, line = _header_line(io.StringIO(text, newline=""))
    return [name.strip() for row in csv.reader([line], delimiter=_mark(line)) for name in row]


@contextmanager
def _opened(path: Path) -> Iterator[pa.NativeFile]:
    """A CSV file unpacked; any name, also one that is no text."""
    packed = "gzip" if path.name.lower().endswith(".gz") else None
    with open(path, "rb") as file, pa.input_stream(file, compression=packed) as stream:
        yield stream


def _decoded(data: bytes) -> str:
    """UTF-8, or UTF-16 where a mark says so; other bytes are spelt out, so that different ids stay different."""
    if data[:2] in _UTF16:
        return data.decode("utf-16", "backslashreplace")
    return data.decode("utf-8-sig", "backslashreplace")


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
