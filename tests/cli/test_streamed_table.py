"""Tables appear when they are whole; columns that say nothing are left out."""

import os

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from lcjax.cli.streamed_table import ROWS, StreamedTable, rejection_schema
from lcjax.errors import StorageError

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


def test_names_of_files_that_are_no_text(tmp_path):
    with StreamedTable(tmp_path / "t.parquet", SCHEMA) as table:
        table.add(row(1) | {"name": os.fsdecode(b"caf\xe9.dat")})
        table.add(row(2) | {"name": None})
    assert pq.read_table(tmp_path / "t.parquet")["name"].to_pylist() == ["caf\\xe9.dat", None]


def test_a_folder_is_refused(tmp_path):
    with pytest.raises(StorageError, match="is a folder"):
        StreamedTable(tmp_path, SCHEMA)


def test_rejections_have_ids_as_numbers():
    schema = rejection_schema(("object_id", "alert_id", "reason"))
    assert schema.field("alert_id").type == pa.int64() and schema.field("reason").type == pa.string()
