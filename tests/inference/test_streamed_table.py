"""Tables appear when they are whole; columns that say nothing are left out."""

import csv
import os
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from lcjax.errors import ConfigError, StorageError
from lcjax.inference.streamed_table import ROWS, StreamedTable, rejection_schema

SCHEMA = pa.schema([("name", pa.string()), ("band", pa.string()), ("vector", pa.list_(pa.float32()))])


def row(i, band="g"):
    return {"name": str(i), "band": band, "vector": np.full(3, i, np.float32)}


def test_many_rows_in_order(tmp_path):
    with StreamedTable(tmp_path / "t.parquet", SCHEMA, ["band"]) as table:
        for i in range(ROWS + 7):
            table.add(row(i, "gr"[i == ROWS + 3]))
    found = pq.read_table(tmp_path / "t.parquet")
    assert found.schema == SCHEMA and found["name"].to_pylist() == [str(i) for i in range(ROWS + 7)]
    assert found["vector"][ROWS + 1].as_py() == [ROWS + 1.0] * 3


def test_a_constant_column_is_left_out_only_where_asked(tmp_path):
    for names, expected in ((["band"], ["name", "vector"]), ([], ["name", "band", "vector"])):
        with StreamedTable(tmp_path / "t.parquet", SCHEMA, names) as table:
            table.add(row(1))
            table.add(row(2))
        assert pq.read_table(tmp_path / "t.parquet").column_names == expected
    assert [p.name for p in tmp_path.iterdir()] == ["t.parquet"]


@pytest.mark.parametrize("keep", [False, True])
def test_an_error_leaves_the_old_table_unless_rows_are_to_be_kept(tmp_path, keep):
    path = tmp_path / "t.parquet"
    path.write_bytes(b"old")
    with pytest.raises(RuntimeError), StreamedTable(path, SCHEMA, keep=keep) as table:
        table.add(row(1))
        raise RuntimeError
    assert (path.read_bytes() == b"old") is not keep
    assert [p.name for p in tmp_path.iterdir()] == ["t.parquet"]


NUMBERS = pa.schema([("name", pa.string()), ("band", pa.string()), ("alert_id", pa.int64()), ("p", pa.float32())])


def test_a_csv_file_is_one(tmp_path):
    with StreamedTable(tmp_path / "t.CSV", NUMBERS, ["band"]) as table:
        for i in range(ROWS + 1):
            table.add({"name": 'a, "b"', "band": "g", "alert_id": 10**18 + i, "p": None if i else 0.25})
    with open(tmp_path / "t.CSV", newline="") as file:
        rows = list(csv.DictReader(file))
    assert rows[0] == {"name": 'a, "b"', "alert_id": str(10**18), "p": "0.25"}
    assert len(rows) == ROWS + 1 and rows[-1]["alert_id"] == str(10**18 + ROWS) and rows[-1]["p"] == ""
    assert [p.name for p in tmp_path.iterdir()] == ["t.CSV"]
    with pytest.raises(ConfigError, match="the vectors of column 'vector': end --out in"):
        StreamedTable(tmp_path / "v.csv", SCHEMA)


@pytest.mark.parametrize("name", ["t.txt", "t", "t.csv.gz", "t.parquet.bak"])
def test_other_endings_are_refused(tmp_path, name):
    with pytest.raises(ConfigError, match=r"does not say how to write the table: end --out in \.parquet or \.csv"):
        StreamedTable(tmp_path / name, SCHEMA)
    assert not list(tmp_path.iterdir())


def test_links_stay_links(tmp_path):
    """The file they lead to is written, whether it is there or not; the partial file lies beside it."""
    (tmp_path / "disk").mkdir()
    target, link = tmp_path / "disk" / "real.parquet", tmp_path / "t.parquet"
    link.symlink_to(target)
    for number in (1, 2):
        with StreamedTable(link, SCHEMA) as table:
            assert [p.name for p in tmp_path.iterdir() if p.name != "disk"] == ["t.parquet"]
            table.add(row(number))
        assert link.is_symlink() and pq.read_table(target)["name"].to_pylist() == [str(number)]
    assert [p.name for p in (tmp_path / "disk").iterdir()] == ["real.parquet"]


def test_devices_and_pipes_are_refused(tmp_path):
    os.mkfifo(tmp_path / "pipe.csv")
    (tmp_path / "null.parquet").symlink_to(os.devnull)
    for path in (Path(os.devnull), tmp_path / "null.parquet", tmp_path / "pipe.csv"):
        with pytest.raises(StorageError, match="is a device or a pipe: give the name of a file"):
            StreamedTable(path, NUMBERS)
    assert (tmp_path / "pipe.csv").is_fifo() and Path(os.devnull).is_char_device()


def test_names_of_files_that_are_no_text(tmp_path):
    with StreamedTable(tmp_path / "t.parquet", SCHEMA) as table:
        table.add(row(1) | {"name": os.fsdecode(b"caf\xe9.dat")})
        table.add(row(2) | {"name": None})
    assert pq.read_table(tmp_path / "t.parquet")["name"].to_pylist() == ["caf\\xe9.dat", None]
    strange = tmp_path / os.fsdecode(b"caf\xe9.parquet")
    with StreamedTable(strange, SCHEMA, ["band"]) as table:
        table.add(row(1))
    assert pq.read_table(pa.BufferReader(strange.read_bytes())).column_names == ["name", "vector"]


def test_a_folder_is_refused(tmp_path):
    with pytest.raises(StorageError, match="is a folder"):
        StreamedTable(tmp_path, SCHEMA)


def test_rejections_have_ids_as_numbers():
    schema = rejection_schema(("object_id", "alert_id", "reason"))
    assert schema.field("alert_id").type == pa.int64() and schema.field("reason").type == pa.string()
