"""Columns of catalogues: numbers with NaN where they lack, classes as text, the table that is meant of several."""

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from data_pipelines.sources.catalogues import class_column, numeric_column, read_catalogue
from lcjax.errors import ConfigError, DataError


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    path = tmp_path_factory.mktemp("catalogues") / "c.parquet"
    columns = {
        "mag": ["1.5", "", "x"],
        "kind": [1.0, None, 2.0],
        "text": ["a", "b", "c"],
        "many": [[1.0], [2.0], [3.0]],
    }
    pq.write_table(pa.table(columns), path)
    return path


def test_numbers_and_classes(path):
    table = read_catalogue(path, ["mag", "kind", "text", "many"])
    np.testing.assert_array_equal(numeric_column(table, "mag", path), [1.5, np.nan, np.nan])
    assert class_column(table, "kind", path) == ["1", None, "2"]
    with pytest.raises(DataError, match=r"'text' of .* has no number in any of 3 rows"):
        numeric_column(table, "text", path)
    for read in (numeric_column, class_column):
        with pytest.raises(DataError, match=r"'many' of .* holds lists"):
            read(table, "many", path)


def test_missing_columns_name_the_nearest(path):
    for name, said in (("MAG", "did you mean 'mag'"), ("flux", "it has mag, kind, text, many")):
        with pytest.raises(DataError, match=said):
            read_catalogue(path, [name])


def test_several_tables(tmp_path):
    fits = pytest.importorskip("astropy.io.fits", reason="needs astropy (extra test or data)")
    units = [fits.BinTableHDU.from_columns([fits.Column("a", "D", array=[float(i)])], name=f"T{i}") for i in (1, 2)]
    fits.HDUList([fits.PrimaryHDU(), *units]).writeto(tmp_path / "two.fits")
    assert read_catalogue(tmp_path / "two.fits", ["a"], "T2").column("a").to_pylist() == [2.0]
    with pytest.raises(ConfigError, match=r"1 T1, 2 T2.*--columns.table"):
        read_catalogue(tmp_path / "two.fits", ["a"])
