"""Published weights: the catalogue, downloads, one reader per source format and one mapping per system."""

import importlib
from typing import Any

_HOMES = {
    "CATALOGUE": "catalogue",
    "SYSTEMS": "importing",
    "fetch": "catalogue",
    "published": "catalogue",
    "import_weights": "importing",
    "read_checkpoint": "tensorflow_checkpoint",
    "read_weights": "imported",
    "write_weights": "imported",
}
__all__ = sorted(_HOMES)


def __getattr__(name: str) -> Any:
    """Loads a reader on first use."""
    if name not in _HOMES:
        raise AttributeError(f"module 'lcjax.pretrained' has no attribute {name!r}")
    return getattr(importlib.import_module(f"lcjax.pretrained.{_HOMES[name]}"), name)
