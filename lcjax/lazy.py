"""Packages whose names load on first use, so that the command line starts fast and settings can be read without jax."""

import importlib
from collections.abc import Callable, Mapping
from typing import Any


def loader(package: str, homes: Mapping[str, str]) -> Callable[[str], Any]:
    """The `__getattr__` of a package.

    Args:
      package: its full name. homes: public name -> module of the package that defines it.

    >>> loader("lcjax", {"LcjaxError": "errors"})("LcjaxError").__name__
    'LcjaxError'
    """

    def load(name: str) -> Any:
        if name not in homes:
            raise AttributeError(f"module '{package}' has no attribute {name!r}")
        return getattr(importlib.import_module(f"{package}.{homes[name]}"), name)

    return load
