"""The engine: state, step, parallel layouts, loop, checkpoints. It knows tasks and sources, and no system by name."""

from lcjax.lazy import loader

_HOMES = {
    "Task": "task",
    "Update": "task",
    "WorkUnit": "task",
    "build_optimizer": "optimizers",
    "rate_groups": "optimizers",
    "FitResult": "loop",
    "fit": "loop",
    "restore_variables": "checkpoint",
    "save_variables": "checkpoint",
    "Source": "source",
}
__all__ = sorted(_HOMES)

__getattr__ = loader(__name__, _HOMES)
