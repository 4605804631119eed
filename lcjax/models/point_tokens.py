"""Attention among the points of a star themselves: what neither a periodogram nor a folded curve keeps.

A token is one visible point: its magnitude in spreads of the star, its error, its phases at the candidate periods, its band. Queries and
keys are turned by angles that grow with real time (RoPE, arXiv 2104.09864, with days for the index and periods from minutes to
years), so that attention depends on the time between two points. One more token, of the views, reads them.
"""

import chex
import flax.linen as nn
import jax.numpy as jnp
import numpy as np

from lcjax.models.attention import strict_attention
from lcjax.models.dropout import RowDropout
from lcjax.models.positional_terms import rotated, rotations
from lcjax.models.star_encoder_config import PointTokensConfig
from lcjax.transforms.frequency_grid import Frequency, cycles, phase
from lcjax.transforms.peaks import scaled
from lcjax.transforms.views import Views
from lcjax.typing import Array


def spread_evenly(visible: Array, count: int) -> tuple[Array, Array]:
    """At most `count` visible points of each row, evenly spread over them in order of index.

    Args:
      visible: (B, L) bool.

    Returns:
      index (B, count) int32 into the row, mask (B, count) bool; where there is no point, index is that of some hidden one.
    """
    chex.assert_rank(visible, 2)
    # Visible points first, in order.
    order = jnp.argsort(~visible, axis=1, stable=True)
    there = jnp.sum(visible, axis=1, keepdims=True)
    place = jnp.arange(count)
    rank = jnp.where(there > count, jnp.floor((place + 0.5) * there / count).astype(jnp.int32), place)
    index = jnp.take_along_axis(order, jnp.minimum(rank, visible.shape[1] - 1), axis=1)
    return index.astype(jnp.int32), place < there


def phases_of(turns: Array, views: Views) -> Array:
    """(B, N, 4 K) sines and cosines of points at the candidate periods and at their doubles, 0 where there is no candidate.

    Args:
      turns: (B, N) ticks of time (see `FrequencyGrid.turns`).
    """
    place = views.candidates.frequency
    both = [jnp.concatenate(pair, axis=-1) for pair in zip(place, scaled(place, 0.5), strict=True)]
    turned = phase(turns[:, None], Frequency(both[0][..., None], both[1][..., None]))
    angle = 2 * np.pi * cycles(turned)
    waves = jnp.concatenate([jnp.sin(angle), jnp.cos(angle)], axis=1)
    there = jnp.tile(views.candidates.valid, (1, 4))
    return jnp.swapaxes(jnp.where(there[..., None], waves, 0.0), 1, 2)


class PointTokens(nn.Module):
    """Points and what the views say of a star -> (B, out)."""

    config: PointTokensConfig
    out: int
    bands: int = 1
    dropout: float = 0.0

    @nn.compact
    def __call__(
        self, points: dict[str, Array], views: Views, summary: Array, row: Array | None, deterministic: bool
    ) -> Array:
        """Reads some points.

        Args:
          points: `value` (B, L) in spreads of the star, `error` (B, L) in the same, `time` (B, L) d, `turns` (B, L), `visible` (B, L) bool;
            `band` (B, L) slots where several are told apart.
          summary: (B, D) of the views. row: (B,) keys dropout.
        """
        config = self.config
        chex.assert_equal_shape([points[name] for name in ("value", "error", "time", "turns", "visible")])
        index, mask = spread_evenly(points["visible"], config.points)
        some = {name: jnp.take_along_axis(value, index, axis=1) for name, value in points.items()}
        value = jnp.where(mask, jnp.clip(some["value"], -6.0, 6.0), 0.0)
        error = jnp.where(mask, jnp.clip(jnp.log10(jnp.maximum(some["error"], 1e-3)), -3.0, 1.0), 0.0)
        known = jnp.concatenate(
            [jnp.stack([value, error], axis=-1), phases_of(some["turns"], views).astype(jnp.float32)], axis=-1
        )
        x = nn.Dense(config.width, name="point")(jnp.where(mask[..., None], known, 0.0))
        if "band" in some:
            x = x + nn.Embed(self.bands, config.width, name="band")(jnp.where(mask, some["band"], 0))
        # The token that reads is at the middle of the star's time.
        reader = nn.Dense(config.width, name="reader")(summary)
        x = jnp.concatenate([reader[:, None], x], axis=1)
        shown = jnp.pad(mask, ((0, 0), (1, 0)), constant_values=True)
        time = jnp.pad(jnp.where(mask, some["time"], 0.0), ((0, 0), (1, 0)))
        per_head = config.width // config.heads // 2
        periods = np.geomspace(config.shortest, config.longest, config.heads * per_head).reshape(per_head, config.heads)
        sine, cosine = rotations(time, jnp.asarray(2 * np.pi / periods.T, jnp.float32))
        split = lambda y: y.reshape(*y.shape[:2], config.heads, -1)
        for i in range(config.blocks):
            y = nn.LayerNorm(name=f"norm_{i}")(x)
            query, key, content = (
                split(nn.Dense(config.width, name=f"{name}_{i}")(y)) for name in ("query", "key", "value")
            )
            query, key = rotated(query, sine, cosine), rotated(key, sine, cosine)
            mixed = strict_attention(query, key, content, shown).reshape(x.shape)
            x = x + nn.Dense(config.width, name=f"merge_{i}")(mixed)
            y = nn.gelu(nn.Dense(2 * config.width, name=f"up_{i}")(nn.LayerNorm(name=f"norm_up_{i}")(x)))
            x = x + RowDropout(self.dropout)(nn.Dense(config.width, name=f"down_{i}")(y), row, deterministic)
        return nn.Dense(self.out, name="out")(nn.LayerNorm(name="norm_out")(x)[:, 0])
