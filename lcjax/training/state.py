"""Everything a run carries from one update to the next. Randomness is not carried: keys are folded from the step."""

import flax.struct
import jax
import jax.numpy as jnp
import optax

from lcjax.tasks.base import Task
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


def init_state(
    task: Task, optimizer: optax.GradientTransformation, key: Array, ema: bool, variables: PyTree | None = None
) -> TrainState:
    """A fresh state; with `variables`, the start of a fine-tuning run."""
    if variables is None:
        batch = {name: jnp.zeros(spec.shape, spec.dtype) for name, spec in task.batch_spec.items()}
        variables = task.init(key, batch)
    model_state = {name: value for name, value in variables.items() if name != "params"}
    params = variables["params"]
    zero = jnp.zeros((), jnp.int32)
    # A copy: donated buffers must not be shared between params and ema.
    averaged = jax.tree.map(jnp.copy, params) if ema else {}
    return TrainState(zero, params, model_state, optimizer.init(params), averaged, zero, zero)
