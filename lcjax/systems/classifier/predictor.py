"""A trained stamp classifier on any number of alerts, a few compiled shapes at a time; the device works while you decode.

Batches are filled up to a fixed number of rows, so that each shape of stamps compiles once. `submit` returns at once; the
answers are fetched with `collect`. A CPU takes the network's cheaper convolutions and few alerts at a time, so that
activations stay in its cache.
"""

import dataclasses
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import numpy as np

from lcjax.errors import ConfigError
from lcjax.training.task import Task
from lcjax.typing import PyTree

_ALERTS_PER_CORE = 8
"""What one core computes at once: the activations of more leave its cache."""


def in_parts(call: Callable[[PyTree], PyTree], batch: PyTree) -> PyTree:
    """`call(batch)` of arrays (B, ...), on a CPU a few rows after the other where B allows it; pure, for use in `jit`."""
    rows = len(jax.tree.leaves(batch)[0])
    most = _ALERTS_PER_CORE * _cores()
    if jax.default_backend() != "cpu" or rows <= most:
        return call(batch)
    at_once = next(n for n in range(most, 0, -1) if rows % n == 0)
    if 2 * at_once < most:  # crumbs would keep the cores waiting
        return call(batch)
    answers = jax.lax.map(call, jax.tree.map(lambda x: x.reshape(rows // at_once, at_once, *x.shape[1:]), batch))
    return jax.tree.map(lambda x: x.reshape(rows, *x.shape[2:]), answers)


def _cores() -> int:
    """Cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def task_for_predictions(experiment: Any, task: Task) -> Task:
    """The task with the cheaper convolutions where the network has them and runs on a CPU, else as it is."""
    if jax.default_backend() != "cpu" or experiment.training.precision != "float32":
        return task
    if not hasattr(experiment.model, "convolution"):
        return task
    from lcjax.systems import build_task

    model = dataclasses.replace(experiment.model, convolution="winograd")
    return build_task(dataclasses.replace(experiment, model=model))


class StampPredictor:
    """A classifier's Task and its variables, ready for batches of alerts."""

    def __init__(
        self,
        task: Task,
        variables: PyTree,
        class_names: tuple[str, ...],
        metadata_names: tuple[str, ...],
        batch_size: int | None = None,
    ) -> None:
        """Compiles nothing yet.

        Args:
          task: a system of `lcjax.systems.classifier.task`. variables: as `lcjax.load` gives them.
          class_names: of the probabilities. metadata_names: of the columns of a batch's `metadata`.
          batch_size: rows of every compiled batch; None: 64 on a CPU, 1024 on an accelerator.

        Raises:
          ConfigError: a batch size that makes no sense.
        """
        if batch_size is None:
            batch_size = 64 if jax.default_backend() == "cpu" else 1024
        if batch_size < 1:
            raise ConfigError(f"a batch of {batch_size} alerts is impossible: it must be at least 1")
        self.class_names, self.metadata_names, self.batch_size = tuple(class_names), tuple(metadata_names), batch_size
        self.task = task
        self._variables = jax.device_put(variables)
        self._run = jax.jit(
            lambda variables, batch: in_parts(lambda part: task.predict(variables, part)["probabilities"], batch)
        )

    @classmethod
    def of(cls, path_or_name: Path | str, batch_size: int | None = None, which: str = "best") -> "StampPredictor":
        """The predictor of a workdir, weights folder or published name.

        Raises:
          ConfigError: that model classifies no stamps.
        """
        from lcjax.systems.loading import load_system

        return cls.from_loaded(load_system(path_or_name, which), batch_size)

    @classmethod
    def from_loaded(cls, loaded: Any, batch_size: int | None = None) -> "StampPredictor":
        """As `of`, from what `load_system` gives."""
        inputs: Any = getattr(loaded.experiment, "inputs", None)
        if not hasattr(inputs, "class_names") or "stamps" not in loaded.task.batch_spec:
            raise ConfigError(f"'{loaded.folder}' is a {loaded.experiment.system}, which classifies no stamps")
        task = task_for_predictions(loaded.experiment, loaded.task)
        return cls(task, loaded.variables, inputs.class_names, inputs.metadata_names, batch_size)

    def submit(self, batch: dict[str, np.ndarray]) -> tuple[jax.Array, int]:
        """Sends a batch to the device.

        Args:
          batch: `stamps` (B, H, W, C) float32, the survey's units, missing pixels NaN; `metadata` (B, F) float32, the
            columns `metadata_names`, nulls NaN; `ra`, `dec` (B,) float32 degrees. B is at most `batch_size`.

        Returns:
          For `collect`.

        Raises:
          DataError: stamps that the network cannot take.
        """
        rows = len(batch["stamps"])
        short = self.batch_size - rows
        if short < 0:
            raise ConfigError(f"a batch of {rows} alerts is larger than the compiled one of {self.batch_size}")
        fill = lambda v: np.concatenate([v, np.zeros((short, *v.shape[1:]), v.dtype)]) if short else v
        filled = {name: fill(batch[name]) for name in ("stamps", "metadata", "ra", "dec")}
        with jax.default_matmul_precision("float32"):  # an accelerator would otherwise round to 10 bits
            return self._run(self._variables, filled), rows

    @staticmethod
    def collect(submitted: tuple[jax.Array, int]) -> np.ndarray:
        """Probabilities (B, K) float32 of a submitted batch; waits for the device."""
        probabilities, rows = submitted
        return np.asarray(jax.device_get(probabilities))[:rows]

    def probabilities(self, batch: dict[str, np.ndarray]) -> np.ndarray:
        """Probabilities (B, K) float32 of a batch of any number of rows (see `submit`)."""
        size, rows = self.batch_size, len(batch["stamps"])
        parts = [{k: v[i : i + size] for k, v in batch.items()} for i in range(0, rows, size)]
        found = [self.collect(self.submit(part)) for part in parts]
        return np.concatenate(found) if found else np.zeros((0, len(self.class_names)), np.float32)
