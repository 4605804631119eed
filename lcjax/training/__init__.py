"""The engine: state, step, parallel layouts, loop, checkpoints. It knows tasks and sources, and no system by name."""

import importlib
from typing import Any

_HOMES = {
    "FitResult": "loop",
    "fit": "loop",
    "restore_variables": "checkpoint",
    "save_variables": "checkpoint",
    "Source": "source",
}
__all__ = sorted(_HOMES)


def __getattr__(name: str) -> Any:
    """Loads the engine on first use."""
    if name not in _HOMES:
        raise AttributeError(f"module 'lcjax.training' has no attribute {name!r}")
    return getattr(importlib.import_module(f"lcjax.training.{_HOMES[name]}"), name)
