import os

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from lcjax.errors import ConfigError, DataError, Rejection, StorageError
from lcjax.inference.result_parts import ResultParts, StreamedResults, read_part, read_parts

SCHEMA = pa.schema([("alert_id", pa.int64())])


def ids(folder):
    return sorted(pq.read_table(folder)["alert_id"].to_pylist())


def filled(folder, *offsets, rows=100, seconds=9.0):
    results = StreamedResults(ResultParts(folder, SCHEMA, "m"), rows, seconds)
    results.resume("a", 0)
    for offset in offsets:
        results.add("a", 0, offset, {"alert_id": offset}, 0.0)
    return results


def test_parts_are_a_chain_with_offsets_and_rejections(tmp_path):
    results = filled(tmp_path, 5, 6, rows=3)
    assert results.write(1.0) == ({}, [])
    results.add("a", 0, 9, Rejection("", "x" * 1000, "a/0#9"), 2.0)
    assert results.write(2.0) == ({("a", 0): 10}, [])
    results.add("a", 0, 12, {"alert_id": 12}, 3.0)
    assert results.write(11.0) == ({}, []) and results.write(12.0) == ({("a", 0): 13}, [])
    first, second = read_parts(tmp_path)
    assert (first.first, first.next, second.first, second.next) == (5, 10, 10, 13)
    assert first.rejected[0].origin == "a/0#9" and len(first.rejected[0].reason) == 300
    assert ids(tmp_path) == [5, 6, 12] and (results.written_rows, results.written_rejections) == (3, 1)
    assert ResultParts(tmp_path, SCHEMA, "m").next_offset("a", 0) == 13
    assert ResultParts(tmp_path, SCHEMA, "m").next_offset("a", 1) is None


def test_of_two_owners_one_writes_and_the_other_goes_on_behind(tmp_path):
    slow, quick = filled(tmp_path, 0, 1, 2, 3), filled(tmp_path, 0, 1)
    assert quick.write() == ({("a", 0): 2}, [])
    assert slow.write() == ({}, [("a", 0)])
    assert slow.resume("a", 0) == 2
    for offset in (2, 3):
        slow.add("a", 0, offset, {"alert_id": offset}, 0.0)
        quick.add("a", 0, offset, {"alert_id": offset}, 0.0)
    assert slow.write() == ({("a", 0): 4}, []) and quick.write() == ({}, [("a", 0)])
    assert ids(tmp_path) == [0, 1, 2, 3] and not list(tmp_path.glob(".*"))


def test_what_is_forgotten_is_not_written(tmp_path):
    results = filled(tmp_path, 0, 1)
    results.forget([("a", 0)])
    assert results.write() == ({}, []) and list(read_parts(tmp_path)) == []
    results.resume("a", 0)
    results.add("a", 0, 4, {"alert_id": 4}, 0.0)
    with pytest.raises(ValueError, match="in order"):
        results.add("a", 0, 4, {"alert_id": 4}, 0.0)


def test_without_hard_links(tmp_path, monkeypatch):
    def refuse(*paths):
        raise PermissionError(1, "no links here")

    monkeypatch.setattr(os, "link", refuse)
    assert filled(tmp_path, 0).write() == ({("a", 0): 1}, [])
    other = ResultParts(tmp_path, SCHEMA, "m")
    assert not other.write("a", 0, 0, 1, [{"alert_id": 7}]) and ids(tmp_path) == [0]


def test_sentences(tmp_path):
    (tmp_path / "o").mkdir()
    (tmp_path / "o" / "mine.parquet").touch()
    with pytest.raises(ConfigError, match=r"holds 'mine\.parquet'"):
        ResultParts(tmp_path / "o", SCHEMA)
    filled(tmp_path / "p", 0).write()
    for schema, identity in ((SCHEMA, "other"), (pa.schema([("x", pa.int64())]), "m")):
        with pytest.raises(ConfigError, match="another model"):
            ResultParts(tmp_path / "p", schema, identity)
    again = filled(tmp_path / "p", 1)
    again.write()
    again.add("a", 0, 2, {"alert_id": 2}, 0.0)
    again.write()
    names = sorted(p.name for p in (tmp_path / "p").iterdir())
    (tmp_path / "p" / names[1]).unlink()
    with pytest.raises(DataError, match="one between is missing"):
        list(read_parts(tmp_path / "p"))
    (tmp_path / "p" / names[2]).write_bytes(b"PAR1")
    with pytest.raises(DataError, match="not a sound part"):
        ResultParts(tmp_path / "p", SCHEMA, "m")
    pq.write_table(pa.table({"a": [1]}), tmp_path / "t.parquet")
    with pytest.raises(DataError, match="not a sound part"):
        read_part(tmp_path / "t.parquet")
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="cannot write"):
        ResultParts(tmp_path / "file" / "p", SCHEMA)
