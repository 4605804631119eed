"""Rows of tables: lists unfolded, odd values missing, files of several kinds."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from data_pipelines.kinds.tables.columns import FeatureColumns
from data_pipelines.kinds.tables.reading import check_same_units, read_features, table_files
from data_pipelines.prepare import prepare
from lcjax.errors import DataError


def test_lists_become_columns(tmp_path):
    path = tmp_path / "e.parquet"
    lists = pa.array([[1.0, 2.0], None, [5.0, 1e300]])
    pq.write_table(pa.table({"object_id": [1, 2, 3], "embedding": lists, "label": ["a", None, "b"]}), path)
    table = read_features(path)
    assert table.object_id == ["1", "2", "3"] and table.label == ["a", None, "b"]
    assert table.names == ("embedding_0", "embedding_1")
    np.testing.assert_array_equal(table.features, [[1, 2], [np.nan, np.nan], [5, np.nan]])


def test_stand_ins_in_lists(tmp_path):
    path = tmp_path / "e.parquet"
    pq.write_table(pa.table({"object_id": [1, 2, 3], "e": pa.array([[1.0, -999.0], [2.0, 3.0], [0.5, -999.0]])}), path)
    with pytest.raises(DataError, match=r"'e_1' of .* has -999 in 2 rows"):
        read_features(path)
    found = read_features(path, FeatureColumns(missing=("-999",))).features
    np.testing.assert_array_equal(found, [[1, np.nan], [2, 3], [0.5, np.nan]])


def test_lists_of_two_lengths_are_refused(tmp_path):
    path = tmp_path / "e.parquet"
    pq.write_table(pa.table({"object_id": [1, 2], "embedding": pa.array([[1.0, 2.0], [1.0]])}), path)
    with pytest.raises(DataError, match="not alike: row 1 has 1 numbers where others have 2"):
        read_features(path)


def test_files_of_folders(tmp_path):
    (tmp_path / "a.csv").write_text("object_id,x\n1,2\n")
    (tmp_path / "notes.md").write_text("no table")
    files, others = table_files([tmp_path])
    assert [p.name for p in files] == ["a.csv"] and [p.name for p in others] == ["notes.md"]
    with pytest.raises(DataError, match="no table that is read here"):
        table_files([tmp_path / "notes.md"])
    with pytest.raises(DataError, match="there is no file"):
        table_files([tmp_path / "b.csv"])
    (tmp_path / "empty.csv").write_text("object_id,x\n")
    with pytest.raises(DataError, match="holds no table rows"):
        read_features(tmp_path / "empty.csv")


def test_places_that_are_no_degrees_are_refused(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("object_id,ra,dec,x\na,01:02:03,-05:00:00,1\n")
    with pytest.raises(DataError, match="column 'ra' has '01:02:03' where degrees are wanted"):
        read_features(path)
    table = pytest.importorskip("astropy.table").Table({"object_id": ["a"], "ra": [1.2], "dec": [0.1], "x": [1.0]})
    table["ra"].unit = "rad"
    table.write(tmp_path / "t.fits")
    with pytest.raises(DataError, match=r"column 'ra' of .* is in 'rad' where 'deg' is wanted"):
        read_features(tmp_path / "t.fits")
    without = read_features(path, FeatureColumns(without=("ra", "dec")))
    assert without.names == ("x",) and np.isnan(without.ra).all()


def test_columns_in_two_units_are_refused(tmp_path):
    """Periods in hours among periods in days would be no error of any row."""
    table = pytest.importorskip("astropy.table").Table
    known = {}
    for name, unit in (("a", "d"), ("b", None), ("c", "d")):
        table({"object_id": [name], "period": [0.5]}, units={"period": unit}).write(tmp_path / f"{name}.fits")
        check_same_units(read_features(tmp_path / f"{name}.fits"), known)
    table({"object_id": ["z"], "period": [12.0]}, units={"period": "h"}).write(tmp_path / "z.fits")
    with pytest.raises(DataError, match=r"'period' is in 'h' in '.*z.fits' and in 'd' in '.*a.fits'"):
        check_same_units(read_features(tmp_path / "z.fits"), known)
    done = prepare("feature_tables", [tmp_path], tmp_path / "D", shards=1)
    assert done.report.kept == 3 and [Path(name).name for name in done.report.bad_files] == ["z.fits"]
