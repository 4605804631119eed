"""Everything a run carries from one update to the next. Randomness is not carried: keys are folded from the step."""

import dataclasses

import flax.struct
import jax
import jax.numpy as jnp
import numpy as np

from lcjax.errors import WeightsError
from lcjax.training.task import Task
from lcjax.training.tree_paths import path_name
from lcjax.training.updates import Optimizers, init_optimizers
from lcjax.typing import Array, PyTree


@flax.struct.dataclass
class TrainState:
    """State of a run after `step` updates (bad ones counted)."""

    step: Array  #: int32, updates attempted
    params: PyTree
    model_state: PyTree  #: other variable collections
    opt_state: PyTree
    ema: PyTree  #: averaged params, or an empty dict
    bad_steps: Array  #: int32, non-finite updates that were skipped
    bad_in_row: Array  #: int32, how many of them just now

    @property
    def variables(self) -> PyTree:
        """The variables evaluation uses: averaged weights if there are any."""
        return {"params": self.ema if self.ema else self.params, **self.model_state}


def init_state(task: Task, optimizers: Optimizers, key: Array, ema: bool) -> TrainState:
    """A fresh state with the task's own initial variables.

    Raises:
      ConfigError: the updates do not fit the parameters or the optimizers (see `lcjax.training.updates`).
    """
    batch = jax.tree.map(lambda spec: jnp.zeros(spec.shape, spec.dtype), task.batch_spec)
    variables = task.init(key, batch)
    model_state = {name: value for name, value in variables.items() if name != "params"}
    params = variables["params"]
    zero = jnp.zeros((), jnp.int32)
    # A copy: donated buffers must not be shared between params and ema.
    averaged = jax.tree.map(jnp.copy, params) if ema else {}
    state = TrainState(zero, params, model_state, init_optimizers(task, optimizers, params), averaged, zero, zero)
    # Weakly typed leaves (`jnp.where(c, 0.5, -4.0)`) come back from a step strongly typed: it would compile twice.
    return jax.tree.map(lambda x: jax.lax.convert_element_type(x, jnp.asarray(x).dtype), state)


def start_from(state: TrainState, variables: PyTree) -> tuple[TrainState, list[str]]:
    """A fresh host state with `variables` in place of the random ones: the start of a fine-tuning run.

    Returns the state and the names that `variables` does not hold, which keep their fresh values (a new head).

    Raises:
      WeightsError: `variables` holds a name the model lacks, or a shape that differs.
    """
    given = {path_name(path): leaf for path, leaf in jax.tree_util.tree_flatten_with_path(variables)[0]}
    fresh: list[str] = []

    def pick(path: tuple, leaf: np.ndarray) -> np.ndarray:
        name = path_name(path)
        if name not in given:
            fresh.append(name)
            return leaf
        value = np.asarray(given.pop(name))
        if value.shape != leaf.shape:
            raise WeightsError(
                f"the initial weights hold '{name}' of shape {value.shape} where this model has {leaf.shape}: give the "
                "settings they were trained with"
            )
        return value.astype(leaf.dtype)

    merged = jax.tree_util.tree_map_with_path(pick, {"params": state.params, **state.model_state})
    if given:
        raise WeightsError(
            f"the initial weights hold '{min(given)}' and {len(given) - 1} more arrays that this model does not have: "
            "give the settings they were trained with"
        )
    params = merged.pop("params")
    ema = jax.tree.map(np.copy, params) if state.ema else {}
    return dataclasses.replace(state, params=params, model_state=merged, ema=ema), fresh
