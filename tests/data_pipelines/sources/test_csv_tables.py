"""CSV as people write it: encodings, quotation marks, line ends, names of columns."""

import gzip
from pathlib import Path

import pyarrow as pa
import pytest

from data_pipelines.sources import csv_tables
from data_pipelines.sources.csv_tables import csv_batches, csv_header, more_lines_than, named_rows, read_csv
from lcjax.errors import DataError

HEAD = "id,mjd,mag,err"


def cells(path, data):
    path.write_bytes(data if isinstance(data, bytes) else data.encode())
    return read_csv(path)


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_line_ends_and_lines_within_cells(tmp_path, end):
    """U+2028 and form feeds end no line of CSV."""
    rows = ["# band: V", "", HEAD, '"new\nline",1,2,3', "u\u2028x,1,2,3", "f\x0cx,4,5,6"]
    found = cells(tmp_path / "a.csv", end.join(rows))
    assert found["id"].to_pylist() == ["new\nline", "u\u2028x", "f\x0cx"] and found["err"].to_pylist() == [
        "3",
        "3",
        "6",
    ]
    assert found.schema.metadata == {b"band": b"V"} and csv_header(tmp_path / "a.csv") == HEAD.split(",")


def test_bytes_that_are_no_text_stay_different(tmp_path):
    """One question mark for both would make them one star."""
    found = cells(tmp_path / "a.csv", f"{HEAD}\né,1,2,3\nè,1,2,3\n".encode("latin-1"))
    assert found["id"].to_pylist() == ["\\xe9", "\\xe8"]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-8"])
def test_unicode_of_spreadsheets(tmp_path, encoding):
    found = cells(tmp_path / "a.tsv", f"{HEAD}\né,1,2,3\n".replace(",", "\t").encode(encoding))
    assert found.column_names == HEAD.split(",") == csv_header(tmp_path / "a.tsv") and found["id"].to_pylist() == ["é"]


@pytest.mark.parametrize(
    ("rows", "line"),
    [
        (["a,1,2,3", '"a,2,2,3', "a,3,2,3", 'a",4,2,3'], "line 3 that is closed in line 5"),
        (["a,1,2,3", "a,2,2,3", '"a,3,2,3', "a,4,2,3"], "line 4 that is closed in line 5 or never"),
    ],
)
def test_a_quotation_mark_swallows_no_rows(tmp_path, rows, line):
    with pytest.raises(DataError, match=f"a.csv' has a quotation mark in {line}"):
        cells(tmp_path / "a.csv", "\n".join([HEAD, *rows]))


def test_an_empty_file_has_no_columns(tmp_path):
    (tmp_path / "a.csv").write_text("# nothing\n\n")
    assert cells(tmp_path / "h.csv", f"{HEAD}\n").column_names == HEAD.split(",")
    assert csv_header(tmp_path / "a.csv") == [] and csv_header(tmp_path / "none.csv") == []
    with pytest.raises(DataError, match="no table rows"):
        next(csv_batches(tmp_path / "a.csv", 1000))


def test_rows_by_name_and_quotes_that_swallow_some():
    """Cells that a row lacks are None, a cell may have several lines, and what is not closed is said."""
    path = Path("a.csv")
    lines = ["id,label\n", "a,x\n", "\n", "b\n", '"c\n', 'd",y\n']
    columns, rows = named_rows(path, lines)
    assert columns == ["id", "label"]
    assert rows == [
        (2, {"id": "a", "label": "x"}),
        (4, {"id": "b", "label": None}),
        (6, {"id": "c\nd", "label": "y"}),
    ]
    for damaged in (["id,label\n", '"a,x\n', "b,y\n", "c,z\n"], ['"id,label\n', "a,x\n"], ['id,"label\n', "a,x\n"]):
        with pytest.raises(DataError, match=r"'a\.csv' has a quotation mark in line [12]"):
            named_rows(path, damaged)
    assert named_rows(path, []) == ([], [])


@pytest.mark.parametrize("ending", [".csv", ".csv.gz"])
@pytest.mark.parametrize("at_once", [1, 3, 7, 100])
def test_batches_are_the_table_however_many_rows_come_at_once(tmp_path, monkeypatch, ending, at_once):
    """Decimal commas of the first rows are those of all; empty lines and rows of another width come anywhere."""
    monkeypatch.setattr(csv_tables, "_CONVERTED", 3)
    rows = [f"s{i};1{i};2,{i}" for i in range(20)]
    text = "\n".join(["id;mjd;mag", "", *rows[:4], "", "", "", "", "cut", *rows[4:], "a;b;c;d", "x;1;9.5"])
    path = tmp_path / f"a{ending}"
    path.write_bytes(gzip.compress(text.encode()) if ending.endswith("gz") else text.encode())
    batches = list(csv_batches(path, at_once))
    assert all(batch.num_rows <= max(at_once, 1) for batch in batches)
    found = pa.Table.from_batches(batches)
    assert found["id"].to_pylist() == ["s0", "s1", "s2", "s3", "cut", *(f"s{i}" for i in range(4, 20)), "", "x"]
    magnitudes = [f"2.{i}" for i in range(20)]
    assert found["mag"].to_pylist() == [*magnitudes[:4], "", *magnitudes[4:], "", "9.5"]
    assert pa.Table.from_batches(csv_batches(path, at_once, {"mag"})) == found.select(["mag"])
    assert more_lines_than(path, 20) and not more_lines_than(path, 30)


def test_a_letter_between_two_reads_is_one(tmp_path):
    """Text is decoded as it comes; a packed file that is cut is damaged wherever it is noticed."""
    name = "é" * 70_000
    found = cells(tmp_path / "a.csv", f"{HEAD}\nx{name},1,2,3\n")
    assert found["id"].to_pylist() == [f"x{name}"]
    whole = gzip.compress(f"{HEAD}\n".encode() + b"a,1,2,3\n" * 1000)
    (tmp_path / "b.csv.gz").write_bytes(whole[:-12])
    with pytest.raises((OSError, EOFError)):
        list(csv_batches(tmp_path / "b.csv.gz", 100))
    assert not more_lines_than(tmp_path / "b.csv.gz", 10_000)
