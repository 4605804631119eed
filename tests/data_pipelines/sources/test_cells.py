"""Cells of tables as numbers and text; labels and places that are none are said."""

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from data_pipelines.sources.cells import classes_of, numbers_of, places_said, read_ids
from data_pipelines.sources.tables import read_table
from lcjax.errors import DataError
from tests.data_pipelines.sources.test_tables import AS_THEY_ARE, flat, read


def test_cells_of_any_type():
    np.testing.assert_array_equal(numbers_of(pa.array(["1.5", "x", None, "1e2"]), "c"), [1.5, np.nan, np.nan, 100.0])
    np.testing.assert_array_equal(numbers_of(pa.array([True, None, False]), "c"), [1.0, np.nan, 0.0])
    with pytest.raises(DataError, match=r"column c holds duration\[s\] where numbers are expected"):
        numbers_of(pa.array([1], pa.duration("s")), "c")
    assert read_ids(pa.array([b"\xff", b"\xfe", None]), "f") == ["\\xff", "\\xfe", None]
    assert classes_of(pa.array([1.0, np.nan, 2.5])) == ["1", None, "2.5"]
    assert classes_of(pa.array(["NaN", "null", " RR "])) == [None, None, "RR"]


def test_places_may_be_of_any_type():
    columns = {"ra": [{"deg": 1.0}], "dec": [None], "DEC": [91]}
    assert places_said(pa.RecordBatch.from_pydict(columns), {}) == {
        "places in 'DEC'": "no degrees, so not used, where they are as '91.0'"
    }


def test_underscores_are_no_part_of_numbers(tmp_path):
    (curve,) = read(tmp_path / "a.csv", "id,mjd,mag,err\na,1,1_5,0.1\na,2,15,0.1")
    assert np.isnan(curve.magnitude[0]) and curve.magnitude[1] == 15


def test_what_is_no_class_and_no_place_is_said(tmp_path):
    said = []
    table = flat(label=["nan", "RR", "None"], ra=["10:20:30"] * 3, dec=[95.0, 5.0, 5.0])
    pq.write_table(table, tmp_path / "a.parquet")
    a, b = read_table(tmp_path / "a.parquet", AS_THEY_ARE, said.append)
    assert a.labels == () and b.labels == ("RR",) and "ra" not in a.metadata
    assert a.metadata["dec"] == 5.0 and said[0]["no class"] == "'nan'"  # the median of what is a declination
    assert said[0]["places in 'ra'"].endswith("'10:20:30'") and said[0]["places in 'dec'"].endswith("'95.0'")
