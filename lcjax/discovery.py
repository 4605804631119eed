"""Rooms found by looking: packages below a folder of ours, and entry points of packages that a user has installed."""

import importlib
import importlib.metadata
import pkgutil
import warnings
from collections.abc import Iterator
from functools import cache
from types import ModuleType
from typing import Any


def rooms(package: ModuleType, attribute: str, group: str) -> Iterator[Any]:
    """The objects called `attribute` in the packages right below `package`, then those that entry points name.

    Args:
      package: whose subpackages are looked at; those without the attribute are no rooms.
      attribute: an object, or a tuple of them.
      group: of entry points, `name = "package.module:object"`; an object, or a tuple of them. One that cannot be loaded is
        warned of and left out, so that a broken package of somebody else's does not stop this one.
    """
    for module in pkgutil.iter_modules(package.__path__, f"{package.__name__}."):
        if module.ispkg:
            found = getattr(importlib.import_module(module.name), attribute, ())
            yield from found if isinstance(found, tuple) else (found,)
    for point in entry_points(group):
        try:
            found = point.load()
        except Exception as error:  # whatever a stranger's module does when it is imported
            where = f"'{point.name}' of the entry points '{group}' ({point.value})"
            warnings.warn(f"{where} cannot be loaded and is left out: {type(error).__name__}: {error}", stacklevel=2)
            continue
        yield from found if isinstance(found, tuple) else (found,)


@cache
def entry_points(group: str) -> tuple[importlib.metadata.EntryPoint, ...]:
    """Entry points of a group, by name."""
    return tuple(sorted(importlib.metadata.entry_points(group=group), key=lambda point: point.name))
