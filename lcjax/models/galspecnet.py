"""GalSpecNet, the spectra encoder of AstroM3 (Wu et al. 2024; arXiv 2411.08842)."""

import chex
import flax.linen as nn
import jax
import jax.numpy as jnp

from lcjax.errors import ConfigError
from lcjax.models.astrom3_config import SpectraConfig
from lcjax.models.dropout import RowDropout
from lcjax.models.initial import torch_bias, torch_kernel
from lcjax.typing import Array, Axis


def pooled(x: Array, size: int) -> Array:
    """The largest of each `size` neighbours: (B, X, C) -> (B, X // size, C); what is left over at the end is left out."""
    count = x.shape[1] // size
    return jnp.max(x[:, : count * size].reshape(x.shape[0], count, size, x.shape[2]), axis=2)


class GalSpecNet(nn.Module):
    """Spectra (B, 3, X) -> (B, F), channel after channel as the published layers that follow expect it."""

    config: SpectraConfig

    @nn.compact
    def __call__(self, batch: dict, deterministic: bool = True, axis: Axis = None) -> dict[str, Array]:
        """Encodes.

        Args:
          batch: `values` (B, C, X), channels flux, error, log10 of the spread; `row` (B,).

        Returns:
          `features` (B, F).
        """
        config = self.config
        chex.assert_rank(batch["values"], 3)
        if config.features < 1:
            raise ConfigError(
                f"spectra of {config.length} samples are too short for {len(config.channels) - 1} convolutions with poolings "
                f"of {config.pool}: set --model.spectra.pool or give fewer --model.spectra.channels"
            )
        x = jnp.swapaxes(batch["values"], 1, 2)
        last = len(config.channels) - 2
        for number, (before, filters) in enumerate(zip(config.channels, config.channels[1:], strict=False)):
            x = nn.Conv(
                filters,
                (config.kernel,),
                padding="VALID",
                kernel_init=torch_kernel,
                bias_init=torch_bias(before * config.kernel),
                name=f"conv_{number}",
            )(x)
            self.sow("intermediates", f"conv_{number}_out", x)
            # The largest of rectified numbers is the rectified largest: a quarter of the work, gradients included.
            x = jax.nn.relu(pooled(x, config.pool) if number < last else x)
        flat = jnp.swapaxes(x, 1, 2).reshape(x.shape[0], -1)
        return {"features": RowDropout(config.dropout)(flat, batch.get("row"), deterministic)}


class VectorEncoder(nn.Module):
    """Two dense layers: vectors (B, F) -> (B, H); the metadata encoder of AstroM3 with its defaults."""

    hidden: int
    dropout: float

    @nn.compact
    def __call__(self, batch: dict, deterministic: bool = True, axis: Axis = None) -> dict[str, Array]:
        """`values` (B, F), `row` (B,) -> `features` (B, H)."""
        x = batch["values"]
        chex.assert_rank(x, 2)
        for number in range(2):
            layer = nn.Dense(
                self.hidden, kernel_init=torch_kernel, bias_init=torch_bias(x.shape[-1]), name=f"dense_{number}"
            )
            x = RowDropout(self.dropout)(jax.nn.relu(layer(x)), batch.get("row"), deterministic)
        return {"features": x}
