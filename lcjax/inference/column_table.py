"""A Parquet file of columns that are there whole."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from lcjax.errors import ConfigError
from lcjax.files import new_file
from lcjax.inference.table_names import PARQUET


def check_parquet_name(path: Path | None) -> None:
    """Raises ConfigError: a name that is none of a Parquet file."""
    if path is not None and path.suffix.lower() not in PARQUET:
        raise ConfigError(f"'{path}' is no name of a Parquet file: end --out in .parquet")


def write_columns(path: Path, columns: Mapping[str, Any]) -> None:
    """Name -> values, all of one length; an earlier file is replaced when the new one is whole.

    Raises:
      StorageError: the file cannot be written.
    """
    with new_file(path, "choose another --out") as temporary:
        pq.write_table(pa.table(dict(columns)), temporary)
