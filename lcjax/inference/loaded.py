"""A trained system, ready to run: the same thing for every system."""

import dataclasses
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import flax.linen as nn

from lcjax.configs import Experiment
from lcjax.training.task import Task
from lcjax.typing import Array, PyTree


@dataclasses.dataclass(frozen=True)
class Loaded:
    """What `lcjax.load` gives. `predict` is a pure function: it composes with `jit`, `vmap` and `grad`.

    Unpacks as `model, variables = lcjax.load(...)`.
    """

    experiment: Experiment
    """Its settings."""
    task: Task
    """Its pure functions."""
    variables: PyTree
    """Its weights and further collections, as numpy arrays."""
    folder: Path = Path()
    """Where it lies."""
    record: dict[str, Any] = dataclasses.field(default_factory=dict)
    """What its `config.json` holds."""

    @property
    def model(self) -> nn.Module:
        """The linen module; `model.apply(variables, batch)` takes what `predict` makes of a raw batch."""
        return self.task.model

    def predict(self, batch: dict[str, Array], variables: PyTree | None = None) -> dict[str, Array]:
        """Answers for a batch of raw inputs, preprocessing included.

        Args:
          batch: entries of `task.batch_spec`, any number of rows.
          variables: others than its own, for gradients with respect to weights.
        """
        return self.task.predict(self.variables if variables is None else variables, batch)

    def __iter__(self) -> Iterator[Any]:
        yield from (self.model, self.variables)

    def replace(self, **changes: Any) -> "Loaded":
        """The same with other parts."""
        return dataclasses.replace(self, **changes)
