"""Several bands of one star: each varies about a mean of its own and with an amplitude of its own, in one shape.

The amplitudes are taken out before anything else: values are divided by them, and weights multiplied by their squares, which
leaves the chi-squared of every fit as it was. What is left varies alike in all bands, and a periodogram with a constant for
each (`explained`) fits it. How much each band varies is told by how far it scatters beyond its errors, and then by the fit at
the best candidate (`fitted_amplitudes`). One band is as without all this.
"""

import functools
from typing import TYPE_CHECKING

import chex
import jax
import jax.numpy as jnp

from lcjax.typing import Array

if TYPE_CHECKING:
    from lcjax.transforms.periodogram import Points

exact_sum = functools.partial(jnp.einsum, precision=jax.lax.Precision.HIGHEST)
"""In full precision on accelerators too, where a product of float32 matrices has 10 bits otherwise."""
DOUBT = 2.0
"""Standard deviations by which a variance must be more than noise makes it, to be half believed."""
FARTHEST = 5.0
"""Largest ratio of an amplitude to the mean one, or its inverse."""


def within_slots(batch: dict, bands: int) -> dict:
    """A batch of several bands without the points whose `band` is none of 0 ... bands - 1; one of one band as it is."""
    if bands == 1:
        return batch
    chex.assert_equal_shape([batch["mask"], batch["band"]])
    return {**batch, "mask": batch["mask"] & (batch["band"] >= 0) & (batch["band"] < bands)}


def members(band: Array, bands: int) -> Array:
    """(..., S, L) float32: 1 where a point is in a band, of `band` (..., L)."""
    return (band[..., None, :] == jnp.arange(bands)[:, None]).astype(jnp.float32)


def band_means(value: Array, weight: Array, band: Array, bands: int) -> Array:
    """Weighted mean of the points in the same band, at each point (B, L); 0 where `band` is none of 0 ... bands - 1."""
    chex.assert_equal_shape([value, weight, band])
    member = members(band, bands)
    total = exact_sum("...l,...bl->...b", weight, member)
    mean = exact_sum("...l,...bl->...b", weight * value, member) / jnp.where(total > 0, total, 1.0)
    return exact_sum("...b,...bl->...l", mean, member)


def band_centres(value: Array, visible: Array, band: Array, bands: int) -> Array:
    """Mean of the visible values in the band of each point (B, L), hidden points included.

    Of a band of which nothing is visible it is the mean of all that is.

    Args:
      value, visible, band: (B, L). What a hidden value is does not matter.
    """
    chex.assert_rank(value, 2)
    chex.assert_equal_shape([value, visible, band])
    inside = members(band, bands) * visible[:, None]
    shown = jnp.where(visible, value, 0.0)
    every = jnp.sum(shown, axis=1, keepdims=True) / jnp.maximum(jnp.sum(visible, axis=1, keepdims=True), 1)
    count = jnp.sum(inside, axis=-1)
    mean = exact_sum("bl,bsl->bs", jnp.where(visible, value - every, 0.0), inside) / jnp.maximum(count, 1.0)
    return every + jnp.where(band >= 0, jnp.take_along_axis(mean, jnp.clip(band, 0, bands - 1), axis=1), 0.0)


def at_points(of_bands: Array, band: Array) -> Array:
    """What is known of each band (..., S), at its points (..., L); 1 where there is none."""
    found = jnp.take_along_axis(of_bands, jnp.maximum(band, 0), axis=-1)
    return jnp.where(band >= 0, found, 1.0)


def normalized(amplitude: Array, count: Array) -> Array:
    """Amplitudes (..., S) over their geometric mean, in which each counts as many points as it has; 1 of empty bands."""
    there = count > 0
    logarithm = jnp.where(there, jnp.log(jnp.where(there, amplitude, 1.0)), 0.0)
    total = jnp.maximum(jnp.sum(count, axis=-1, keepdims=True), 1.0)
    centred = logarithm - jnp.sum(count * logarithm, axis=-1, keepdims=True) / total
    bound = jnp.log(FARTHEST)
    return jnp.where(there, jnp.exp(jnp.clip(centred, -bound, bound)), 1.0)


def amplitudes_of_spreads(points: "Points") -> Array:
    """(..., S) how much each band varies, over their mean, by its variance beyond the errors; values as measured.

    A band whose scatter is mostly noise says little, and is taken to vary as the others do.
    """
    member = members(points.band, points.bands)
    of = lambda values: exact_sum("...l,...bl->...b", values, member)
    count, weight = of((points.weight > 0).astype(jnp.float32)), of(points.weight)
    share = lambda values: of(points.weight * values) / jnp.where(weight > 0, weight, 1.0)
    free = count / jnp.maximum(count - 1.0, 1.0)
    own = jnp.maximum(share(points.value**2) * free - share(points.error**2), 0.0)
    # By how much noise alone makes a variance differ from what it should be.
    chance = DOUBT * share(points.error**2) * jnp.sqrt(2.0 / jnp.maximum(count, 1.0))
    sure = jnp.where(own > 0, own**2 / jnp.where(own > 0, own**2 + chance**2, 1.0), 0.0) * (count > 2)
    total = jnp.sum(sure * count, axis=-1, keepdims=True)
    mean = jnp.sum(sure * count * own, axis=-1, keepdims=True) / jnp.where(total > 0, total, 1.0)
    varies = mean > 0
    larger = jnp.maximum(own, mean)
    sure = jnp.where(varies, larger**2 / jnp.where(varies, larger**2 + chance**2, 1.0), 0.0)
    squared = jnp.maximum(sure * own + (1.0 - sure) * mean, mean / FARTHEST**2)
    return jnp.where(varies, normalized(jnp.sqrt(jnp.where(varies, squared, 1.0)), count), 1.0)


def scaled_to(points: "Points", amplitude: Array) -> "Points":
    """The same points with values in units of other amplitudes (..., S), and their band's mean 0."""
    change = at_points(amplitude / points.amplitude, points.band)
    value, error = points.value / change, points.error / change
    heavier = points.weight * change**2
    total = jnp.sum(heavier, axis=-1, keepdims=True)
    weight = heavier / jnp.where(total > 0, total, 1.0)
    # The chi-squared of the constants is what it was: weights have grown by as much as squares have shrunk.
    variance = points.variance / jnp.where(total > 0, total, 1.0)[..., 0]
    return points._replace(value=value, error=error, weight=weight, variance=variance, amplitude=amplitude)


def fitted_amplitudes(points: "Points", wave: Array, bands: int) -> Array:
    """(S,) of one star: amplitudes by least squares of each band on the common curve, over their mean, shrunk towards those before.

    Args:
      wave: (L,) the fitted curve at the points, in the units of `points.value`.
    """
    chex.assert_equal_shape([wave, points.value])
    member = members(points.band, bands)
    weight = points.weight
    total = member @ weight
    centre = (member @ (weight * wave)) / jnp.where(total > 0, total, 1.0)
    wave = wave - at_points(centre, points.band) * (points.band >= 0)
    power, product = member @ (weight * wave**2), member @ (weight * wave * points.value)
    # What it was before counts as a few points of the mean power.
    count = member @ (weight > 0).astype(jnp.float32)
    mean = jnp.sum(power) / jnp.maximum(jnp.sum(total), 1e-30)
    before = 3.0 * mean * total / jnp.maximum(count, 1.0)
    slope = (product + before) / jnp.where(power + before > 0, power + before, 1.0)
    slope = jnp.where(power + before > 0, jnp.clip(slope, 1 / FARTHEST, FARTHEST), 1.0)
    return normalized(slope * points.amplitude, count)
