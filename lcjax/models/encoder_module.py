"""Networks of the library as encoders of several modalities: whatever has `Task.encode`, and whatever answers a vector a row."""

from collections.abc import Callable
from typing import Any

import chex
import flax.linen as nn
import jax
import jax.numpy as jnp

from lcjax.errors import ConfigError
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


class NetworkModule(nn.Module):
    """One of the answers of a network, (B, ...), as features: the stamp classifier's `embedding`, DELIGHT's `offsets` of a host image."""

    network: nn.Module
    """Called with the arrays of its modality, `deterministic` and `axis`."""
    answer: str = "embedding"
    """Which; arrays of several axes are flattened."""

    @nn.compact
    def __call__(self, batch: dict, deterministic: bool = True, axis: Axis = None) -> dict[str, Array]:
        """What the network takes -> `features` (B, D).

        Raises:
          ConfigError: the network answers nothing of that name, or nothing of a row each.
        """
        found = self.network(batch, deterministic=deterministic, axis=axis)
        rows = len(jax.tree.leaves(batch)[0])
        if self.answer not in found or not found[self.answer].ndim or len(found[self.answer]) != rows:
            raise ConfigError(
                f"{type(self.network).__name__} answers {', '.join(found)} and no '{self.answer}' of a row each: name another answer"
            )
        return {"features": found[self.answer].reshape(rows, -1)}


class CurveModule(nn.Module):
    """An encoder of light curves of the library in the place of the photometry encoder: (B, D + S).

    Beside the pooled last layer it hands on the scalars of the object, which the encoder does not know.
    """

    encode: Callable[..., dict[str, Any]]
    begin: Callable[[Array, dict], PyTree]
    frozen: bool = False
    """Whether dropout never acts: the weights are those of a trained encoder, and stay."""

    @nn.compact
    def __call__(self, batch: dict, deterministic: bool = True, axis: Axis = None) -> dict[str, Array]:
        """Encodes.

        Args:
          batch: `windows`, what the task takes, and `scalars` (B, S).

        Returns:
          `features` (B, D + S).
        """
        chex.assert_rank(batch["scalars"], 2)
        curve = EncoderModule(self.encode, self.begin, name="curve")(
            batch["windows"], deterministic or self.frozen, axis
        )
        return {"features": jnp.concatenate([curve["features"], batch["scalars"]], axis=-1)}
