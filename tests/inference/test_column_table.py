"""A file of whole columns: under a name of its kind, and there or not."""

from pathlib import Path

import pyarrow.parquet as pq
import pytest

from lcjax.errors import ConfigError
from lcjax.inference.column_table import check_parquet_name, write_columns
from lcjax.inference.table_names import check_apart, check_folder_name


def test_columns(tmp_path):
    write_columns(tmp_path / "t.parquet", {"a": [1, 2], "b": ["x", None]})
    assert pq.read_table(tmp_path / "t.parquet").to_pydict() == {"a": [1, 2], "b": ["x", None]}


def test_names(tmp_path):
    check_parquet_name(None)
    check_parquet_name(Path("t.PARQUET"))
    with pytest.raises(ConfigError, match="no name of a Parquet file"):
        check_parquet_name(Path("t.csv"))
    with pytest.raises(ConfigError, match="rename --out"):
        check_folder_name(Path("t.csv"))
    (tmp_path / "in").write_text("")
    (tmp_path / "link").symlink_to(tmp_path / "in")
    with pytest.raises(ConfigError, match="'out' is also an input"):
        check_apart([str(tmp_path / "link")], (Path("out"), tmp_path / "in"))
    check_apart([str(tmp_path / "link")], (tmp_path / "other",))
