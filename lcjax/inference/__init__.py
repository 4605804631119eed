"""Trained systems at work: load, predict, export, reconstruct."""

import importlib
from typing import Any

_HOMES = {
    "FieldImage": "field_images",
    "HostPredictor": "hosts",
    "find_hosts": "hosts",
    "Loaded": "loading",
    "Prediction": "predictor",
    "Predictor": "predictor",
    "export": "exporting",
    "load": "loading",
    "load_system": "loading",
    "reconstruct_batches": "reconstruction",
}
__all__ = sorted(_HOMES)


def __getattr__(name: str) -> Any:
    """Loads on first use."""
    if name not in _HOMES:
        raise AttributeError(f"module 'lcjax.inference' has no attribute {name!r}")
    return getattr(importlib.import_module(f"lcjax.inference.{_HOMES[name]}"), name)
