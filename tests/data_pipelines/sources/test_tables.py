"""Tables as they are read: types of columns, rows and origins, many row groups, text, and errors."""

import gzip
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from data_pipelines.kinds.light_curves.columns import ColumnNames
from data_pipelines.sources import arrow_batches, read_light_curves, tables
from data_pipelines.sources.tables import is_table, read_table
from lcjax.errors import DataError

AS_THEY_ARE = ColumnNames(time_format="mjd")
"""Times of a few days are no MJD of an observation unless it is said."""


def read(path, content=None, columns=AS_THEY_ARE, **options):
    if isinstance(content, pa.Table):
        pq.write_table(content, path, **options)
    elif content is not None:
        path.write_text(content)
    return list(read_table(path, columns))


def flat(**columns):
    base = {"id": ["a", "b", "a"], "mjd": [3.0, 1.0, 2.0], "mag": [10.0, 11.0, 12.0], "err": [0.1, 0.2, 0.3]}
    return pa.table(base | columns)


def test_names_of_tables():
    names = ("a.parquet", "A.PQ", "a.csv.gz", "a.tsv", "a.ecsv", "a.FITS.gz")
    assert all(is_table(Path(name)) for name in names)
    assert not any(is_table(Path(name)) for name in ("a.dat", "a.npy", "parquet", "a.csv.bz2"))


def test_points_are_grouped_in_the_order_of_first_appearance(tmp_path):
    found = read(tmp_path / "a.parquet", flat())
    assert [(c.object_id, c.mjd.tolist(), c.magnitude.tolist()) for c in found] == [
        ("a", [3.0, 2.0], [10.0, 12.0]),
        ("b", [1.0], [11.0]),
    ]
    assert found[0].origin.endswith("a.parquet from row 0") and found[1].origin.endswith("from row 1")
    assert all(c.metadata == {} and c.label is None and c.band == "" for c in found)


def test_bands_split_and_the_first_label_counts(tmp_path):
    found = read(tmp_path / "a.parquet", flat(band=["g", "r", "r"], label=["x", "y", "z"]))
    assert [(c.object_id, c.band, c.label) for c in found] == [("a", "g", "x"), ("a", "r", "z"), ("b", "r", "y")]


@pytest.mark.parametrize(
    ("column", "values"),
    [
        (pa.array([1, 2, None], pa.int16()), [1, 2, np.nan]),
        (pa.array(["1.5", "x", None]), [1.5, np.nan, np.nan]),
        (pa.array(["1", "2", "3"], pa.large_string()), [1, 2, 3]),
        (pa.array(["1", "2", "1"]).dictionary_encode(), [1, 2, 1]),
        (pa.array([b"1", b"?", None]), [1, np.nan, np.nan]),
        (pa.array([1, 2, 3]).cast(pa.decimal128(30, 5)), [1, 2, 3]),
        (pa.array([1.5, None, 2.5], pa.float32()), [1.5, np.nan, 2.5]),
        (pa.nulls(3), [np.nan] * 3),
    ],
)
def test_numbers_of_every_type(tmp_path, column, values):
    (curve,) = read(tmp_path / "a.parquet", flat(id=["a"] * 3, mag=column))
    np.testing.assert_allclose(curve.magnitude, values, rtol=1e-15)


def test_columns_that_hold_no_numbers_are_named(tmp_path):
    with pytest.raises(DataError, match=r"column 'mag' of '.*a\.parquet' holds date32.* name another column"):
        read(tmp_path / "a.parquet", flat(mag=pa.array([1, 2, 3], pa.date32())))


def test_ids_as_text(tmp_path):
    ids = {
        "bytes": (pa.array([b" a ", b"a", b"b"]), ["a", "b"]),
        "whole floats": (pa.array([149389.0, 149389.0, 1.5]), ["149389", "1.5"]),
        "integers": (pa.array([7, 7, 8]), ["7", "8"]),
    }
    for name, (column, expected) in ids.items():
        assert [c.object_id for c in read(tmp_path / "a.parquet", flat(id=column))] == expected, name


def nested(count):
    rows = {"id": [f"s{i}" for i in range(count)], "time": [[1.0 * i, i + 1.0] for i in range(count)]}
    rows |= {"mag": [[10.0, 11.0]] * count, "err": [[0.1, 0.1]] * count, "Period": [i / 2 for i in range(count)]}
    return pa.table(rows | {"ra": list(range(count)), "other": [1.0] * count, "redshift": ["x"] * count})


def test_rows_of_a_nested_table_are_numbered_through_batches(tmp_path, monkeypatch):
    monkeypatch.setattr(arrow_batches, "ROWS_AT_ONCE", 4)
    found = read(tmp_path / "a.parquet", nested(10), row_group_size=3)
    assert [c.object_id for c in found] == [f"s{i}" for i in range(10)]
    assert [c.mjd.tolist() for c in found] == [[i, i + 1] for i in range(10)]
    assert found[9].origin.endswith("a.parquet row 9") and found[9].metadata == {"period": 4.5, "ra": 9.0}


def test_a_series_that_is_no_list_is_named_with_the_option(tmp_path):
    table = nested(2).set_column(2, "mag", pa.array([1.0, 2.0]))
    with pytest.raises(DataError, match=r"'mag' .* one value a row while 'time' holds lists.*--columns\.magnitude"):
        read(tmp_path / "a.parquet", table)


def test_bands_of_points_in_lists(tmp_path):
    table = nested(2).append_column("band", pa.array([["g", "r"], ["r", "r"]]))
    found = read(tmp_path / "a.parquet", table)
    assert [(c.object_id, c.band, c.mjd.tolist()) for c in found] == [
        ("s0", "g", [0.0]),
        ("s0", "r", [1.0]),
        ("s1", "r", [1.0, 2.0]),
    ]


def test_null_rows_and_offsets_of_slices(tmp_path):
    table = pa.table(
        {
            "id": ["a", "b", "c"],
            "time": [[1.0], None, [2.0, 3.0]],
            "mag": [[1.0], None, [2.0, 3.0]],
            "err": [[1.0], None, [1.0, 1.0]],
        }
    )
    assert [c.mjd.tolist() for c in read(tmp_path / "a.parquet", table)] == [[1.0], [], [2.0, 3.0]]


CSV = "\ufeff# made here\n\nid; mjd ;mag;err\na;1;10;0.1\na;2;x;0.1\na;3\na;4;12;0.1;9;9\n"


def test_text_tables_are_told_by_their_separator_and_lose_only_bad_cells(tmp_path):
    for text in (CSV, CSV.replace(";", ","), CSV.replace(";", "\t"), CSV.replace(";", "|")):
        (a, rest) = read(tmp_path / "a.csv", text)
        np.testing.assert_array_equal(a.mjd, [1, 2, 3])
        np.testing.assert_array_equal(a.magnitude, [10, np.nan, np.nan])
        assert rest.object_id == "" and np.isnan(rest.mjd).all()  # of a line with too many cells nothing is trusted
    (tmp_path / "a.csv.gz").write_bytes(gzip.compress(CSV.encode()))
    assert len(read(tmp_path / "a.csv.gz")) == 2


@pytest.mark.parametrize("text", ["", "\n\n", "# only a note\n"])
def test_empty_text_tables_are_named(tmp_path, text):
    with pytest.raises(DataError, match=r"a\.csv' holds no table rows"):
        read(tmp_path / "a.csv", text)


def test_the_columns_used_are_told(tmp_path):
    said = []
    pq.write_table(flat(), tmp_path / "a.parquet")
    list(read_table(tmp_path / "a.parquet", ColumnNames(magnitude="mag", time_format="mjd"), said.append))
    columns = {"object_id": "id", "time": "mjd", "magnitude": "mag", "magnitude_error": "err"}
    assert said == [columns | {"times": "MJD", "brightness": "magnitudes 'mag'"}]


@pytest.mark.parametrize("name", ["a.parquet", "a.fits", "a.ecsv"])
def test_damage_is_one_sentence(tmp_path, name):
    (tmp_path / name).write_bytes(b"PAR1 nothing here")
    with pytest.raises(DataError, match=rf"{name}' cannot be read as a table \("):
        read(tmp_path / name)


@pytest.mark.parametrize("nested", [False, True])
def test_other_rows_than_the_footer_promises_are_damage(tmp_path, nested):
    """Of 1000 rows; Thrift writes the number as 2000, 0xd0 0x0f, first for the file and last for its row group."""
    n, path = 1000, tmp_path / "a.parquet"
    columns = {"id": [f"s{i}" for i in range(n)], "mjd": np.arange(n) + 50_000.0, "mag": np.ones(n), "err": np.ones(n)}
    if nested:
        columns |= {name: [[float(v)] * 5 for v in columns[name]] for name in ("mjd", "mag", "err")}
    pq.write_table(pa.table(columns), path, use_dictionary=False)
    whole = path.read_bytes()
    footer = len(whole) - 8 - int.from_bytes(whole[-8:-4], "little")
    first, last = whole.index(b"\x16\xd0\x0f", footer), whole.rindex(b"\x16\xd0\x0f")
    assert len(read(path)) == n
    for at, number, words in (
        (first, b"\xd2\x0f", r"promises 1,001 rows \(1,000 in its groups\), and 1,000 could be read"),
        (first, b"\x90\x0f", r"promises 968 rows"),
        (last, b"\x90\x0f", r"promises 1,000 rows \(968 in its groups\), and 968 could be read"),
        (last, b"\xa0\x1f", r"promises 1,000 rows \(2,000 in its groups\), and 1,000 could be read"),
    ):
        path.write_bytes(whole[: at + 1] + number + whole[at + 3 :])
        with pytest.raises(DataError, match=rf"'{path}' is damaged: its footer {words}"):
            read(path)


def test_columns_that_can_mean_two_things(tmp_path):
    twice = pa.Table.from_arrays([*flat().columns, pa.array([20.0] * 3)], names=["id", "mjd", "mag", "err", "mag"])
    with pytest.raises(DataError, match=r"a.parquet' has 2 columns called 'mag': rename them"):
        read(tmp_path / "a.parquet", twice)
    with pytest.raises(DataError, match="has 2 columns called 'id'"):
        read(tmp_path / "a.csv", "id,id,mjd,mag,err\na,b,1,2,3")
    with pytest.raises(
        DataError, match=r"the columns mag and MAG, any of which may be the magnitude: name one with --columns.mag"
    ):
        read(tmp_path / "a.parquet", flat(MAG=[20.0] * 3))
    named = ColumnNames(time_format="mjd", magnitude="MAG")
    assert read(tmp_path / "a.parquet", flat(MAG=[20.0] * 3), named)[0].magnitude.tolist() == [20.0, 20.0]
    with pytest.raises(DataError, match=r"'mag' of .* holds true and false"):
        read(tmp_path / "a.parquet", flat(mag=[True] * 3))


def test_a_long_csv_file_gives_what_its_parquet_file_gives(tmp_path, monkeypatch):
    """Stars in several groups of rows are put together, in the same order, whichever format has them."""
    rng = np.random.default_rng(3)
    for module in (arrow_batches, tables):
        monkeypatch.setattr(module, "POINTS_AT_ONCE", 16)
    monkeypatch.setattr(arrow_batches, "ROWS_AT_ONCE", 16)
    ids = rng.choice([f"s{i}" for i in range(9)], 100)
    values = {
        "id": ids,
        "mjd": rng.permutation(100) + 0.5,
        "mag": rng.normal(15, 1, 100).round(6),
        "err": np.full(100, 0.1),
    }
    pq.write_table(pa.table(values), tmp_path / "a.parquet", row_group_size=16)
    rows = zip(*(column.tolist() for column in values.values()), strict=True)
    (tmp_path / "a.csv").write_text("\n".join(["id,mjd,mag,err", *(",".join(map(str, row)) for row in rows)]))
    found, expected = (list(read_light_curves([tmp_path / f"a.{end}"], AS_THEY_ARE)) for end in ("csv", "parquet"))
    assert [c.object_id for c in found] == [c.object_id for c in expected] and len(found) == 9
    assert {c.parts for c in found} != {1}
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_array_equal([one.mjd, one.magnitude], [other.mjd, other.magnitude])


def test_a_long_file_without_ids_is_still_looked_at_behind_its_beginning(tmp_path, monkeypatch):
    for module in (arrow_batches, tables):
        monkeypatch.setattr(module, "POINTS_AT_ONCE", 4)
    lines = [f"{i}.5,15.{i},0.1,{'A' if i < 8 else 'B'}" for i in range(12)]
    (tmp_path / "x.csv").write_text("\n".join(["mjd,mag,err,which", *lines]))
    with pytest.raises(DataError, match="'which' may be one: name it with"):
        read(tmp_path / "x.csv")
    (tmp_path / "x.csv").write_text("\n".join(["mjd,mag,err,which", *lines[:8]]))
    assert sum(len(c.mjd) for c in read(tmp_path / "x.csv")) == 8
