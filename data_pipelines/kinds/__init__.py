"""One room per kind of data, found by looking: record layout, batches, description, reading of raw input."""

import sys
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from data_pipelines.kinds.base import Kind
from data_pipelines.shards.manifest import find_datasets, read_manifest
from lcjax.discovery import rooms
from lcjax.errors import ConfigError, DataError

if TYPE_CHECKING:
    from data_pipelines.kinds.description import Description

__all__ = ["Kind", "describe", "describe_all", "find_kind", "kind_of_records", "kinds"]


@cache
def kinds() -> dict[str, Kind]:
    """Every kind of data by name, those of installed packages (entry points `lcjax.kinds`) among them."""
    return {kind.name: kind for kind in rooms(sys.modules[__name__], "KIND", "lcjax.kinds")}


def find_kind(name: str) -> Kind:
    """The kind of that name.

    Raises:
      ConfigError: there is none.

    >>> find_kind("light_curves").unit
    'light curves'
    """
    if name not in kinds():
        raise ConfigError(f"there is no kind of data '{name}': this version knows {', '.join(kinds())}")
    return kinds()[name]


def kind_of_records(records: str) -> Kind:
    """The first kind whose records are called so, as the `kind` of a manifest says it.

    Raises:
      DataError: there is none.

    >>> kind_of_records("stamps").name
    'alerts'
    """
    for kind in kinds().values():
        if kind.layout.kind == records:
            return kind
    raise DataError(
        f"no kind of data has records called '{records}': install the package that the dataset was made with"
    )


def describe(folder: Path | str, n_examples: int = 6) -> "Description":
    """The description of a dataset folder, by the kind of its records.

    Raises:
      DataError: the dataset is damaged, or of a kind that is not known.
    """
    manifest = read_manifest(folder)
    return kind_of_records(manifest.kind).describe(manifest, n_examples)


def describe_all(paths: Sequence[Path | str]) -> "list[Description]":
    """`describe` for every dataset at or below the paths."""
    return [describe(folder) for folder in find_datasets(paths)]
