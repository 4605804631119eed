"""One room per kind of data, found by looking: record layout, batches, description, reading of raw input."""

import sys
from functools import cache

from data_pipelines.kinds.base import Kind
from lcjax.discovery import rooms
from lcjax.errors import ConfigError, DataError

__all__ = ["Kind", "find_kind", "kind_of_records", "kinds"]


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
