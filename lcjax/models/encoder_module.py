"""Any encoder of sequences of the library (`Task.encode`) as one of the encoders of several modalities."""

from collections.abc import Callable
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp

from lcjax.typing import Array, Axis, PyTree


class EncoderModule(nn.Module):
    """The pooled last layer of an encoder, its weights trained with the rest.

    `EncoderModule(task.encode, task.init)` of a task that has `encode`; `start=loaded.variables["params"]` begins with trained weights.
    """

    encode: Callable[..., dict[str, Any]]
    """As `lcjax.training.task.Encode`."""
    begin: Callable[[Array, dict], PyTree]
    """As `Task.init`."""
    start: PyTree | None = None
    """Parameters to begin with; None: random ones."""

    @nn.compact
    def __call__(self, batch: dict, deterministic: bool = True, axis: Axis = None) -> dict[str, Array]:
        """What the task's windows hold -> `features` (B, D), the mean over the points that are there; zeros where none is."""
        given = self.start
        params = self.param("encoder", lambda key: self.begin(key, batch)["params"] if given is None else given)
        key = None if deterministic or not self.has_rng("dropout") else self.make_rng("dropout")
        found = self.encode({"params": jax.tree.map(jnp.asarray, params)}, batch, key, axis)
        last, mask = found["layers"][-1], found["mask"][..., None]
        count = jnp.maximum(jnp.sum(mask, axis=1), 1)
        return {"features": jnp.sum(jnp.where(mask, last, 0.0), axis=1) / count}
