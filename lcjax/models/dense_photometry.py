"""A photometry encoder in the place of the Informer: dense attention to observed points, real time, a pooled output."""

import chex
import flax.linen as nn
import jax.numpy as jnp

from lcjax.errors import ConfigError
from lcjax.models.astrom3_config import PhotometryConfig
from lcjax.models.attention import strict_attention
from lcjax.models.dropout import RowDropout
from lcjax.models.informer import activation
from lcjax.typing import Array, Axis

FASTEST, SLOWEST = 0.05, 4000.0
"""Days: shortest and longest period of the time features."""


def time_features(time: Array, count: int) -> Array:
    """Sines and cosines of time at periods from `FASTEST` to `SLOWEST` days, evenly in their logarithm: (B, L) -> (B, L, 2 n)."""
    period = jnp.exp(jnp.linspace(jnp.log(FASTEST), jnp.log(SLOWEST), count))
    angle = 2 * jnp.pi * time[..., None].astype(jnp.float32) / period
    return jnp.concatenate([jnp.sin(angle), jnp.cos(angle)], axis=-1)


class DensePhotometry(nn.Module):
    """Light curves (B, L, C) -> (B, D): whatever is not observed has no part in it."""

    config: PhotometryConfig

    @nn.compact
    def __call__(self, batch: dict, deterministic: bool = True, axis: Axis = None) -> dict[str, Array]:
        """Encodes; the numbers in padding do not matter, nor how much of it there is.

        Args:
          batch: `values` (B, L, C); `mask` (B, L) bool; `time` (B, L) days since any moment near the light curve; `row`.

        Returns:
          `features` (B, D), `tokens` (B, L, D), zero in the padding.
        """
        config, mask, row = self.config, batch["mask"], batch.get("row")
        chex.assert_rank([batch["values"], mask], [3, 2])
        chex.assert_equal_shape_prefix([batch["values"], mask, batch["time"]], 2)
        chex.assert_type(mask, bool)
        if config.width % config.num_heads:
            raise ConfigError(f"a width of {config.width} cannot be shared among {config.num_heads} heads")
        drop = lambda y: RowDropout(config.dropout)(y, row, deterministic)
        values = jnp.where(mask[..., None], batch["values"], 0.0)
        first = jnp.min(jnp.where(mask, batch["time"], jnp.inf), axis=1, keepdims=True)
        time = jnp.where(mask, batch["time"] - first, 0.0)
        inputs = jnp.concatenate([values, time_features(time, config.width // 4)], axis=-1)
        x = nn.Dense(config.width, name="token")(inputs)
        for number in range(config.layers):
            y = nn.LayerNorm(name=f"norm_1_{number}")(x)
            shape = (*y.shape[:2], config.num_heads, -1)
            query, key, value = jnp.split(nn.Dense(3 * config.width, name=f"qkv_{number}")(y), 3, axis=-1)
            attended = strict_attention(query.reshape(shape), key.reshape(shape), value.reshape(shape), mask)
            x = x + drop(nn.Dense(config.width, name=f"out_{number}")(attended.reshape(y.shape)))
            y = nn.Dense(config.hidden, name=f"dense_1_{number}")(nn.LayerNorm(name=f"norm_2_{number}")(x))
            x = x + drop(nn.Dense(config.width, name=f"dense_2_{number}")(activation(config.activation, y)))
        x = jnp.where(mask[..., None], nn.LayerNorm(name="norm")(x), 0.0)
        count = jnp.maximum(jnp.sum(mask, axis=1, keepdims=True), 1)
        return {"features": jnp.sum(x, axis=1) / count, "tokens": x}
