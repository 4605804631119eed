"""lcjax: time-domain astronomy in JAX, from survey files to results.

The package imports nothing heavy by itself: submodules load on first use, and none of them loads TensorFlow.

    >>> import lcjax
    >>> lcjax.__version__.count(".")
    2
"""

import importlib
from typing import TYPE_CHECKING, Any

from lcjax.version import __version__

if TYPE_CHECKING:
    from lcjax.systems.loading import load as load

__all__ = [
    "__version__",
    "configs",
    "errors",
    "evaluation",
    "inference",
    "load",
    "losses",
    "models",
    "pretrained",
    "systems",
    "training",
    "transforms",
    "typing",
]


def __getattr__(name: str) -> Any:
    """Loads public submodules (and `lcjax.load`) on first use."""
    if name == "load":
        return importlib.import_module("lcjax.systems.loading").load
    if name in __all__:
        return importlib.import_module(f"lcjax.{name}")
    raise AttributeError(f"module 'lcjax' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
