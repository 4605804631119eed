"""One room per kind of data, found by looking: record layout, batches, description, reading of raw input."""

import sys
from functools import cache

from data_pipelines.kinds.base import Kind
from lcjax.discovery import rooms
from lcjax.errors import ConfigError

__all__ = ["Kind", "find_kind", "kinds"]


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
