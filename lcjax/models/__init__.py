"""Linen modules: arrays in, arrays out. One file per paper, shared layers beside them.

Modules load on first use, so that settings (`lcjax.models.astromer_config`) can be read without jax.
"""

import importlib
from typing import Any

_HOMES = {
    "Astromer": "astromer",
    "Astromer1": "astromer",
    "Astromer2": "astromer",
    "AstromerModelConfig": "astromer_config",
    "Delight": "delight",
    "DelightModelConfig": "delight_config",
    "MultiscaleClassifier": "multiscale_stamps",
    "MultiscaleModelConfig": "multiscale_config",
    "PositionalStudyEncoder": "positional_study",
    "StampClassifier": "stamp_classifier",
    "StampModelConfig": "stamp_classifier_config",
}
__all__ = sorted(_HOMES)


def __getattr__(name: str) -> Any:
    """Loads a model on first use."""
    if name not in _HOMES:
        raise AttributeError(f"module 'lcjax.models' has no attribute {name!r}")
    return getattr(importlib.import_module(f"lcjax.models.{_HOMES[name]}"), name)
