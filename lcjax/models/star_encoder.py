"""The encoder of `lcjax-base`: one vector of a star from its views.

Each view has a small network of overlapping pieces: the periodogram, whose bins mean absolute frequencies; the folded curves,
whose bins are a circle; the numbers of the whole star. What they make of it goes through one trunk.
"""

import chex
import flax.linen as nn
import jax.numpy as jnp

from lcjax.models.band_part import BandPart
from lcjax.models.dropout import RowDropout
from lcjax.models.point_tokens import PointTokens
from lcjax.models.star_encoder_config import StarEncoderConfig
from lcjax.transforms.views import SCALARS, Views
from lcjax.typing import Array, Axis

BRIGHTNESS = SCALARS.index("median (mag)")
"""The one scalar that moves with a constant offset of the magnitudes."""
SPREAD, COUNT = 0, 2
SURVEY_SCALARS = (1, 3, 17, 18, 19)
"""Those that say more of the survey than of the star: error, span, false alarm probability over the number of points,
spectral window, oversampling."""
CENTRE = (
    -0.7,
    -1.2,
    2.2,
    3.2,
    0.0,
    0.5,
    -1.6,
    -1.2,
    -0.6,
    0.6,
    1.2,
    1.7,
    0.0,
    0.6,
    2.0,
    0.4,
    0.5,
    -0.2,
    0.3,
    0.3,
    13.5,
)
SCALE = (0.4, 0.4, 0.4, 0.4, 1.0, 2.0, 0.4, 0.3, 0.2, 0.2, 0.3, 0.4, 1.0, 0.25, 1.0, 0.4, 0.25, 0.15, 0.2, 0.2, 2.0)
"""Typical values and spreads of the scalars of surveys of variable stars: makes numbers of order 1, no more."""


def folded_channels(views: Views) -> Array:
    """Folded curves as pictures, (B, 2 K, bins, 4): mean over the star's spread, log of that mean's error over the
    spread, share of the points over an equal share, and whether the bin holds any.
    """
    fold = views.folded
    bins = fold.mean.shape[-1]
    spread = 10.0 ** views.scalars[:, SPREAD, None, None, None]
    there = fold.count > 0
    mean = jnp.clip(fold.mean / spread, -6.0, 6.0)
    error = jnp.where(there, jnp.clip(jnp.log10(jnp.maximum(fold.error / spread, 1e-3)), -3.0, 1.0) + 1.0, 0.0)
    points = jnp.sum(fold.count, axis=-1, keepdims=True)
    share = jnp.log1p(fold.count * bins / jnp.maximum(points, 1.0))
    channels = jnp.stack([mean, error, share, there.astype(jnp.float32)], axis=-1).astype(jnp.float32)
    return channels.reshape(channels.shape[0], -1, bins, 4)


def candidate_numbers(views: Views) -> Array:
    """What is known of each candidate, (B, K, 6) float32 of order 1: log frequency, power, harmonics, score a point,
    whether it may be an alias, whether it is there.
    """
    found = views.candidates
    points = 10.0 ** views.scalars[:, COUNT : COUNT + 1]
    frequency = jnp.where(found.valid, jnp.log10(jnp.maximum(views.frequency, 1e-4)), 0.0)
    columns = [
        frequency,
        found.power,
        found.harmonics / 2.0 - 1.0,
        found.score / points,
        found.alias_of >= 0,
        found.valid,
    ]
    return jnp.stack([jnp.asarray(column, jnp.float32) for column in columns], axis=-1)


def pieces(x: Array, size: int, stride: int, circular: bool = False) -> Array:
    """Overlapping pieces of `size` bins, (B, n, C) -> (B, pieces, size * C): what a strided convolution looks at.

    As one product of matrices it is several times as fast on a CPU as the convolution.
    """
    many = x.shape[1] // stride if circular else (x.shape[1] - size) // stride + 1
    if circular:
        x = jnp.concatenate([x, x[:, : size - 1]], axis=1)
    shifted = [x[:, i : i + (many - 1) * stride + 1 : stride] for i in range(size)]
    return jnp.concatenate(shifted, axis=-1)


class Periodogram(nn.Module):
    """(B, 2, bins) power and spectral window -> (B, width); each place in log frequency means something of its own."""

    filters: int
    width: int

    @nn.compact
    def __call__(self, spectrum: Array) -> Array:
        """Encodes the square roots, which are amplitudes."""
        x = jnp.moveaxis(jnp.sqrt(jnp.maximum(spectrum, 0.0)).astype(jnp.float32), 1, 2)
        x = nn.gelu(nn.Dense(self.filters)(pieces(x, 16, 8)))
        return nn.Dense(self.width)(x.reshape(x.shape[0], -1))


class Folded(nn.Module):
    """(B, C, bins, 4) -> (B, C, width): pieces of the circle of phases, the same for all folded curves."""

    filters: int
    width: int

    @nn.compact
    def __call__(self, curves: Array) -> Array:
        """Encodes each folded curve."""
        rows, many, bins, channels = curves.shape
        x = curves.reshape(rows * many, bins, channels)
        x = nn.gelu(nn.Dense(self.filters)(pieces(x, 8, 4, circular=True)))
        return nn.Dense(self.width)(x.reshape(rows, many, -1))


class StarEncoder(nn.Module):
    """Views -> `embedding` (B, width), before the projector, and `projection` (B, P), after it."""

    config: StarEncoderConfig

    @nn.compact
    def __call__(self, batch: dict, deterministic: bool = True, axis: Axis = None) -> dict[str, Array]:
        """Encodes `views` (`Views` of B stars); `row` (B,) keys dropout; `points`, as `PointTokens` takes them, where there are tokens."""
        config, views = self.config, batch["views"]
        chex.assert_shape(views.scalars, (None, len(SCALARS)))
        chex.assert_shape(views.periodogram, (None, 2, config.periodogram_bins))
        chex.assert_shape(views.folded.mean, (None, config.candidates, 2, config.phase_bins))
        row, width = batch.get("row"), config.width
        spectrum = Periodogram(config.filters, width, name="periodogram")(views.periodogram)
        folded = Folded(config.filters, width, name="folded")(folded_channels(views))
        numbers = candidate_numbers(views)
        # A fold is one of its candidate's two.
        folded = folded + jnp.repeat(nn.Dense(width, name="candidate")(numbers), 2, axis=1)
        folded = nn.Dense(width, name="folded_out")(nn.gelu(folded).reshape(folded.shape[0], -1))
        scalars = (views.scalars - jnp.array(CENTRE)) / jnp.array(SCALE)
        if not config.brightness:
            scalars = scalars.at[:, BRIGHTNESS].set(0.0)
        scalars = nn.gelu(nn.Dense(width, name="scalars_in")(jnp.clip(scalars, -6.0, 6.0)))
        scalars = nn.Dense(width, name="scalars_out")(scalars)
        x = spectrum + folded + scalars
        if views.bands is not None:
            spread = 10.0 ** views.scalars[:, SPREAD]
            x = x + BandPart(config.filters, width, config.dropout, name="bands")(
                views.bands, spread, row, deterministic
            )
        if config.tokens.points:
            read = PointTokens(config.tokens, width, config.bands, config.dropout, name="tokens")
            x = x + read(batch["points"], views, x, row, deterministic)
        for i in range(config.blocks):
            y = nn.gelu(nn.Dense(2 * width, name=f"up_{i}")(nn.LayerNorm(name=f"norm_{i}")(x)))
            y = nn.Dense(width, name=f"down_{i}")(y)
            x = x + RowDropout(config.dropout)(y, row, deterministic)
        embedding = nn.LayerNorm(name="norm_out")(x)
        hidden = nn.gelu(nn.Dense(width, name="projector_in")(embedding))
        projection = nn.Dense(config.projection, name="projector_out")(hidden)
        return {"embedding": embedding, "projection": projection, "trunk": x}
