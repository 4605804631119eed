"""Light curves folded at a period and averaged in bins of phase, with the errors and numbers of what was averaged."""

from typing import NamedTuple

import jax.numpy as jnp

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
    turned = phase(points.turns[None], Frequency(frequency.index[:, None], frequency.offset[:, None]))
    found = cycles(turned)
    return jnp.where(found < 0, found + 1.0, found)


def fold(points: Points, frequency: Frequency, bins: int = 32) -> FoldedCurves:
    """One star folded at frequencies (F,).

    Phase counts from the first point, and bins are turned so that the brightest is the first: where the star was in its
    cycle when observations began says nothing about it.
    """
    place = jnp.clip((phases(points, frequency) * bins).astype(jnp.int32), 0, bins - 1)
    inside = (place[..., None] == jnp.arange(bins)) & (points.weight > 0)[None, :, None]
    member = inside.astype(jnp.float32)
    weight = points.weight / jnp.maximum(jnp.max(points.weight), 1e-30)
    total = jnp.einsum("fnb,n->fb", member, weight)
    some = total > 0
    total = jnp.where(some, total, 1.0)
    mean = jnp.where(some, jnp.einsum("fnb,n->fb", member, weight * points.value) / total, 0.0)
    squared = jnp.einsum("fnb,n->fb", member, (weight * points.error) ** 2)
    error = jnp.where(some, jnp.sqrt(jnp.where(some, squared, 1.0)) / total, 0.0)
    brightest = jnp.argmin(jnp.where(some, mean, jnp.inf), axis=-1)
    order = (brightest[:, None] + jnp.arange(bins)) % bins
    turn = lambda values: jnp.take_along_axis(values, order, axis=-1)
    return FoldedCurves(turn(mean), turn(error), turn(member.sum(axis=1)))
