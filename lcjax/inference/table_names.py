"""Names of the files that answers go to: what can be written, and what stands beside it."""

import os
from collections.abc import Iterable
from pathlib import Path

from lcjax.errors import ConfigError, StorageError
from lcjax.files import written_file

PARQUET = (".parquet", ".parq", ".pq")
CSV = (".csv",)


def check_table_name(path: Path) -> None:
    """Whether a table can be written under a name.

    Raises:
      StorageError: it is that of a folder, a device or a pipe. ConfigError: it ends in nothing that says how to write.
    """
    if path.is_dir():
        raise StorageError(f"'{path}' is a folder: give --out the name of a file that ends in .parquet or .csv")
    written_file(path)
    if path.suffix.lower() not in (*PARQUET, *CSV):
        raise ConfigError(f"'{path}' does not say how to write the table: end --out in .parquet or .csv")


def check_folder_name(path: Path) -> None:
    """Raises ConfigError: a folder of Parquet files under the name of a CSV file."""
    if path.suffix.lower() in CSV:
        raise ConfigError(
            f"'{path}' is called a CSV file, and answers to a stream are a folder of Parquet files: rename --out"
        )


def check_apart(inputs: Iterable[str], written: tuple[Path, ...]) -> None:
    """Raises ConfigError: an input would be written over; the first of `written` is what was asked for."""
    places = {os.path.realpath(path) for path in written}
    if any(os.path.realpath(name) in places for name in inputs):
        raise ConfigError(f"'{written[0]}' is also an input: choose another --out")


def rejected_name(out: Path) -> Path:
    """The table of what was set aside, beside the answers and of their format.

    Raises:
      ConfigError: no name of a file.

    >>> rejected_name(Path("a/F.csv")).as_posix(), rejected_name(Path("F.2")).as_posix()
    ('a/F.rejected.csv', 'F.2.rejected.parquet')
    """
    if not out.name:
        raise ConfigError(f"'{out}' is no name of a file: give --out one that ends in .parquet or .csv")
    ending = out.suffix if out.suffix.lower() in (*PARQUET, *CSV) else ""
    return out.with_name(f"{out.name.removesuffix(ending)}.rejected{ending or '.parquet'}")
