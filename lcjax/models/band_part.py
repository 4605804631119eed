"""What the bands of a star say beyond what they have in common, for the star encoder: nothing where there is one band.

Every band has its folded curves and its numbers (colour, amplitude, lag); one network of the same weights looks at each, told which
band it is by an embedding of the band's slot. Their mean is added to the trunk, times whether there are two bands or more: a
star in one band has the embedding that the same weights give it without this part.
"""

import chex
import flax.linen as nn
import jax.numpy as jnp

from lcjax.models.dropout import RowDropout
from lcjax.transforms.band_views import BAND_NUMBERS, BandViews
from lcjax.typing import Array

NUMBERS_CENTRE = (1.0, 0.3, 0.0, 0.0, 0.7, -1.3, 1.0, 0.0)
NUMBERS_SCALE = (1.0, 0.3, 1.0, 0.2, 0.5, 0.5, 0.5, 0.3)
"""Typical values and spreads of `BAND_NUMBERS`: makes numbers of order 1, no more."""


def band_channels(bands: BandViews, spread: Array) -> Array:
    """Folded curves of each band as pictures, (B, S, K * 2 * 4, bins): mean over the star's spread, log of that mean's error over
    the spread, share of the band's points over an equal share, and whether the bin holds any.

    Args:
      spread: (B,) standard deviation of the star, mag.
    """
    fold = bands.folded
    bins, spread = fold.mean.shape[-1], jnp.maximum(spread, 1e-4)[:, None, None, None, None]
    there = fold.count > 0
    mean = jnp.clip(fold.mean / spread, -8.0, 8.0)
    error = jnp.where(there, jnp.clip(jnp.log10(jnp.maximum(fold.error / spread, 1e-3)), -3.0, 1.0) + 1.0, 0.0)
    points = jnp.sum(fold.count, axis=-1, keepdims=True)
    share = jnp.log1p(fold.count * bins / jnp.maximum(points, 1.0))
    channels = jnp.stack([mean, error, share, there.astype(jnp.float32)], axis=3).astype(jnp.float32)
    # (B, K, 2, 4, S, bins): the band before all that belongs to it.
    channels = jnp.moveaxis(channels, 4, 1)
    return channels.reshape(*channels.shape[:2], -1, bins)


class BandPart(nn.Module):
    """`BandViews` of B stars -> (B, width), 0 for stars of fewer than two bands."""

    filters: int
    width: int
    dropout: float = 0.0

    @nn.compact
    def __call__(self, bands: BandViews, spread: Array, row: Array | None = None, deterministic: bool = True) -> Array:
        """`spread` (B,), mag; `row` (B,) keys dropout."""
        chex.assert_rank([bands.numbers, spread], [3, 1])
        chex.assert_axis_dimension(bands.numbers, -1, len(BAND_NUMBERS))
        numbers = (bands.numbers - jnp.array(NUMBERS_CENTRE)) / jnp.array(NUMBERS_SCALE)
        there = bands.numbers[..., BAND_NUMBERS.index("whether it has points")] > 0
        slots = there.shape[1]
        curves = band_channels(bands, spread)
        # Three neighbouring bins at each bin of the circle.
        around = jnp.concatenate([jnp.roll(curves, shift, axis=-1) for shift in (-1, 0, 1)], axis=2)
        x = nn.gelu(nn.Dense(self.filters, name="curve_in")(jnp.swapaxes(around, 2, 3)))
        x = nn.Dense(self.width, name="curve_out")(x.reshape(*x.shape[:2], -1))
        embedding = self.param("slots", nn.initializers.normal(0.02), (slots, self.width))
        x = x + nn.Dense(self.width, name="numbers")(jnp.clip(numbers, -6.0, 6.0)) + embedding
        x = nn.gelu(nn.LayerNorm(name="norm")(x))
        count = jnp.sum(there, axis=1, keepdims=True)
        mean = jnp.sum(jnp.where(there[..., None], x, 0.0), axis=1) / jnp.maximum(count, 1)
        mean = RowDropout(self.dropout)(mean, row, deterministic)
        return jnp.where(count > 1, nn.Dense(self.width, name="out")(mean), 0.0)
