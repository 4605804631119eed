"""Reconstructing held-out windows: which points were hidden, what was predicted, in magnitudes."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import jax
import numpy as np

from lcjax.errors import ConfigError
from lcjax.models.attention_weights import attending_blocks
from lcjax.systems.masked_pretraining.task import reconstruction_outputs
from lcjax.training.source import device_part
from lcjax.training.step import add_rows
from lcjax.training.task import Task
from lcjax.typing import Array, PyTree

EVALUATION_SEED = 20_230_101
"""Which points are hidden depends on this, the batch number and the row alone: the same for every model compared."""


def reconstruct_batches(
    task: Task, variables: PyTree, batches: Iterable[dict[str, np.ndarray]], seed: int = EVALUATION_SEED
) -> Iterator[tuple[dict[str, np.ndarray], dict[str, np.ndarray]]]:
    """(batch, outputs) of every batch; outputs hold `prediction`, `target` (B, L) mag, `probed`, `visible` (B, L) bool
    and, for models that predict it, `prediction_error` (B, L) mag.

    Raises:
      ConfigError: the system does not reconstruct.
    """
    reconstruct: Callable[..., Any] | None = task.extras.get("reconstruct")
    if reconstruct is None:
        raise ConfigError(f"system '{task.name}' does not reconstruct light curves")
    key = jax.random.key(seed)

    @jax.jit
    def run(variables: PyTree, batch: dict, index: jax.Array) -> dict:
        ready, outputs = reconstruct(variables, add_rows(batch), jax.random.fold_in(key, index))
        return reconstruction_outputs(ready, outputs)

    for index, batch in enumerate(batches):
        outputs = run(variables, device_part(batch), np.uint32(index))
        yield batch, {name: np.asarray(value) for name, value in outputs.items()}


def keeps_attention(task: Task, variables: PyTree) -> bool:
    """Whether the network can say what its points look at: it takes windows as they are, and has blocks that keep it."""
    return "attention" in task.extras and attending_blocks(task.model, variables, task.made_up(1)) > 0


def window_attention(
    task: Task, variables: PyTree, batch: dict[str, np.ndarray], index: int, row: int, block: int = -1
) -> np.ndarray:
    """Attention of one window while it is reconstructed, points hidden as in `reconstruct_batches`: (H, N, N) of its N points.

    Args:
      batch, index: as there, counted from 0. row: of the batch. block: from the first, or from the last if negative.
    """
    key = jax.random.fold_in(jax.random.key(EVALUATION_SEED), np.uint32(index))

    @jax.jit
    def run(variables: PyTree, batch: dict) -> Array:
        ready, _ = task.extras["reconstruct"](variables, add_rows(batch), key)
        one = {name: value[row : row + 1] for name, value in ready.items()}
        return task.extras["attention"](variables, one, block)[0]

    points = int(np.sum(batch["mask"][row]))
    return np.asarray(run(variables, device_part(batch)))[:, :points, :points]
