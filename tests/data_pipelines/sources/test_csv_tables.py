"""CSV as people write it: encodings, quotation marks, line ends, names of columns."""

from pathlib import Path

import pytest

from data_pipelines.sources.csv_tables import csv_header, named_rows, read_csv
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
    assert csv_header(tmp_path / "a.csv") == [] and csv_header(tmp_path / "none.csv") == []
    with pytest.raises(DataError, match="no table rows"):
        read_csv(tmp_path / "a.csv")


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
