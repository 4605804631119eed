"""Tables of alerts: rows numbered, columns that nobody reads left out, damage counted."""

import io

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from data_pipelines.datasets.alert_checks import packet
from data_pipelines.sources.alerts import Alert, StampRules
from data_pipelines.sources.alerts.parquet import ROWS, TableRows, cut_parquet
from lcjax.errors import Rejection

NO_STAMPS = StampRules(need=(), history=False)


def table(count, **more):
    names = ("objectId", "candid", "candidate", "prv_candidates")
    rows = [{name: packet(i, 5)[name] for name in names} | {k: v(i) for k, v in more.items()} for i in range(count)]
    return pa.Table.from_pylist(rows)


def written(content, **options):
    out = io.BytesIO()
    pq.write_table(content, out, **options)
    return out.getvalue()


def cut(data, rules=NO_STAMPS, **options):
    return list(cut_parquet(io.BytesIO(data), rules, "t.parquet", **options))


def outcomes(pieces, rules=NO_STAMPS):
    return [a for piece in pieces for a in (piece.outcomes(rules, None) if isinstance(piece, TableRows) else [piece])]


def test_rows_are_numbered_through_groups():
    pieces = cut(written(table(150), row_group_size=100))
    assert [(p.first, p.batch.num_rows) for p in pieces] == [(0, ROWS), (64, 36), (100, 50)]
    found = outcomes(pieces)
    assert [a.alert_id for a in found] == [1000 + i for i in range(150)]
    assert found[130].origin == "t.parquet#130" and pieces[0].size > 0


def test_only_what_is_wanted_is_read():
    data = written(table(2, score=lambda i: i / 2, cross_match=lambda i: {"gaia": i}, when=lambda i: None))
    (short,), (whole,) = cut(data), cut(data, StampRules(need=()))
    assert short.batch.schema.names == ["objectId", "candid", "candidate", "score", "when"]
    assert whole.batch.schema.names == ["objectId", "candid", "candidate", "prv_candidates", "score", "when"]
    (_, second) = outcomes([short])
    assert second.metadata["score"] == 0.5 and second.metadata["when"] is None


def test_timestamps_become_text():
    stamped = table(1).append_column("when", pa.array([0], pa.timestamp("s")))
    (alert,) = outcomes(cut(written(stamped)))
    assert alert.metadata["when"].startswith("1970-01-01 00:00:00")


def test_tables_of_something_else_and_empty_ones():
    (other,) = cut(written(pa.table({"a": [1]})))
    assert other.reason.startswith("no alerts: the table has neither 'candid'")
    (empty,) = cut(written(table(1).slice(0, 0)))
    assert empty.reason == "no alerts: the table has no rows"
    (garbage,) = cut(b"PAR1" + bytes(50) + b"PAR1")
    assert garbage.reason.startswith("damaged Parquet") and garbage.origin == "t.parquet"


def test_a_group_that_claims_too_much_is_not_read_and_the_next_keeps_its_numbers():
    big = table(3, padding=lambda i: "".join(chr(33 + (i * 7 + k * k) % 90) for k in range(4000)) if i < 2 else "")
    first, second = cut(written(big, row_group_size=2, use_dictionary=False), max_row_bytes=2000)
    assert isinstance(first, Rejection) and first.reason.startswith("table too large: row group 0 claims")
    assert "in 2 rows" in first.reason and first.origin == "t.parquet#0" and second.first == 2


def test_a_damaged_group_loses_its_rows_and_says_how_many():
    data = bytearray(written(table(40), row_group_size=20, compression="snappy", use_dictionary=False))
    column = pq.ParquetFile(io.BytesIO(bytes(data))).metadata.row_group(0).column(0)
    begin = column.data_page_offset
    data[begin : begin + 60] = b"\xff" * 60
    found = outcomes(cut(bytes(data)))
    lost = [a for a in found if isinstance(a, Rejection)]
    assert [a.alert_id for a in found if isinstance(a, Alert)] == [1020 + i for i in range(20)]
    assert len(lost) == 1 and lost[0].reason.startswith("damaged Parquet") and lost[0].reason.endswith("20 rows lost")


def test_a_row_that_cannot_be_unpacked_is_one_rejection():
    column = pa.array([b"\xff\xfe", b"ok"]).cast(pa.binary()).view(pa.binary())
    text = pa.Array.from_buffers(pa.string(), 2, column.buffers())
    rows = TableRows(pa.RecordBatch.from_arrays([text], ["objectId"]), "t", 5)
    lost, other = rows.outcomes(NO_STAMPS, None)
    assert lost.reason.startswith("damaged Parquet") and (lost.origin, other.origin) == ("t#5", "t#6")
    assert "damaged" not in other.reason  # it has no stamps


@pytest.mark.parametrize("name", ["candid", "candidate", "diaSource"])
def test_one_known_column_makes_it_a_table_of_alerts(name):
    pieces = cut(written(pa.table({name: [1], "other": [2]})))
    assert isinstance(pieces[0], TableRows) and name in pieces[0].batch.schema.names
