"""Light curves folded at a period and averaged in bins of phase, with the errors and numbers of what was averaged."""

from collections.abc import Callable
from typing import NamedTuple

import chex
import jax.numpy as jnp

from lcjax.transforms.bands import at_points, members
from lcjax.transforms.frequency_grid import Frequency, cycles, phase
from lcjax.transforms.periodogram import Points
from lcjax.typing import Array


class FoldedCurves(NamedTuple):
    """Of each frequency, (..., F, bins); the brightest bin comes first."""

    mean: Array  #: weighted mean in mag, less the star's own; 0 in an empty bin
    error: Array  #: standard error of that mean by the quoted errors, mag; 0 in an empty bin
    count: Array  #: float32, points; 0 marks an empty bin


def phases(points: Points, frequency: Frequency) -> Array:
    """Phases of one star's points at frequencies (F,): (F, L) in [0, 1), the first point at 0."""
    chex.assert_rank([points.turns, *frequency], 1)
    turned = phase(points.turns[None], Frequency(frequency.index[:, None], frequency.offset[:, None]))
    found = cycles(turned)
    return jnp.where(found < 0, found + 1.0, found)


def fold(points: Points, frequency: Frequency, bins: int = 32) -> FoldedCurves:
    """One star folded at frequencies (F,).

    Phase counts from the first point, and bins are turned so that the brightest is the first: where the star was in its
    cycle when observations began says nothing about it.
    """
    member = _members(points, frequency, bins)
    weight = points.weight / jnp.maximum(jnp.max(points.weight), 1e-30)
    mean, error, total = _averaged(member, weight, points.value, points.error)
    turn = _turning(mean, total)
    return FoldedCurves(turn(mean), turn(error), turn(member.sum(axis=1)))


def fold_bands(points: Points, frequency: Frequency, bins: int = 32) -> FoldedCurves:
    """One star of several bands folded at frequencies (F,), each band by itself, (F, S, bins): mag less the band's mean.

    All bands are turned alike, as their common curve is (see `fold`): which of them comes later can be seen.
    """
    member = _members(points, frequency, bins)
    weight = points.weight / jnp.maximum(jnp.max(points.weight), 1e-30)
    common, _, total = _averaged(member, weight, points.value, points.error)
    turn = _turning(common, total)
    scale = at_points(points.amplitude, points.band)
    in_band = members(points.band, points.bands)
    found = [_averaged(member, weight * own, points.value * scale, points.error * scale)[:2] for own in in_band]
    count = [jnp.einsum("fnb,n->fb", member, own) for own in in_band]
    means, errors = zip(*found, strict=True)
    return FoldedCurves(*(jnp.stack([turn(part) for part in parts], axis=1) for parts in (means, errors, count)))


def _members(points: Points, frequency: Frequency, bins: int) -> Array:
    """(F, L, bins) float32: 1 where a point is in a bin of phase."""
    place = jnp.clip((phases(points, frequency) * bins).astype(jnp.int32), 0, bins - 1)
    inside = (place[..., None] == jnp.arange(bins)) & (points.weight > 0)[None, :, None]
    return inside.astype(jnp.float32)


def _averaged(member: Array, weight: Array, value: Array, error: Array) -> tuple[Array, Array, Array]:
    """Weighted means of the bins, their standard errors, and weights (F, bins); 0 in empty bins."""
    total = jnp.einsum("fnb,n->fb", member, weight)
    some = total > 0
    safe = jnp.where(some, total, 1.0)
    mean = jnp.where(some, jnp.einsum("fnb,n->fb", member, weight * value) / safe, 0.0)
    squared = jnp.einsum("fnb,n->fb", member, (weight * error) ** 2)
    return mean, jnp.where(some, jnp.sqrt(jnp.where(some, squared, 1.0)) / safe, 0.0), total


def _turning(mean: Array, total: Array) -> Callable[[Array], Array]:
    """What turns bins (F, bins) so that the brightest of `mean` comes first."""
    bins = mean.shape[-1]
    brightest = jnp.argmin(jnp.where(total > 0, mean, jnp.inf), axis=-1)
    order = (brightest[:, None] + jnp.arange(bins)) % bins
    return lambda values: jnp.take_along_axis(values, order, axis=-1)
