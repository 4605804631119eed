"""Bringing a window to the network's scale. Means and spreads are kept, so that predictions return to magnitudes."""

from typing import Literal

import chex
import jax
import jax.numpy as jnp

from lcjax.typing import Array

Scaling = Literal["zero-mean", "minmax", "random-mean", "none"]


def masked_mean(values: Array, mask: Array, axis: int = -1) -> Array:
    """Mean of `values` where `mask`, 0 where nothing is; keeps `axis`.

    >>> masked_mean(jnp.array([1.0, 3.0, 9.0]), jnp.array([True, True, False])).tolist()
    [2.0]
    """
    count = jnp.sum(mask, axis=axis, keepdims=True)
    return jnp.sum(jnp.where(mask, values, 0.0), axis=axis, keepdims=True) / jnp.maximum(count, 1)


def scale_window(values: Array, mask: Array, how: Scaling = "zero-mean", key: Array | None = None) -> Array:
    """Scales each column of a window over its real points; the padding becomes 0 (A&A 670, A54).

    Args:
      values: (..., L) one quantity. mask: (..., L) bool, real points.
      how: `zero-mean` subtracts the mean, `minmax` maps to [0, 1], `random-mean` adds one offset U(-5, 5) on top of
        `zero-mean` (needs `key`), `none` only clears the padding.
    """
    chex.assert_equal_shape([values, mask])
    if how == "none":
        return jnp.where(mask, values, 0.0)
    if how == "minmax":
        low = jnp.min(jnp.where(mask, values, jnp.inf), axis=-1, keepdims=True)
        high = jnp.max(jnp.where(mask, values, -jnp.inf), axis=-1, keepdims=True)
        span = jnp.where(high > low, high - low, 1.0)
        return jnp.where(mask, (values - low) / span, 0.0)
    offset = jax.random.uniform(key, (), minval=-5.0, maxval=5.0) if how == "random-mean" else 0.0
    return jnp.where(mask, values - masked_mean(values, mask) + offset, 0.0)


def centred_times(time: Array, mask: Array) -> Array:
    """Times with their mean over `mask` removed, the same whatever the padding: (..., L) days -> (..., L) days, 0 elsewhere.

    Whole days add up exactly in float32 and fractions to 1e-7, in any order. A plain sum is good to a minute or so, which is
    a visible phase of the shortest waves, and another one for every padded length.
    """
    days = jnp.round(time)
    return jnp.where(mask, (time - masked_mean(days, mask)) - masked_mean(time - days, mask), 0.0)


def standardize(batch: dict, over: Array | None = None, spread: bool = False, min_spread: float = 0.01) -> dict:
    """Zero-mean time and magnitude per window; adds `magnitude_mean` and `magnitude_scale`, both (B, 1) mag.

    Args:
      batch: LightCurveBatch.
      over: (B, L) bool, the points whose magnitudes set mean and spread. The originals take all real points, hidden
        ones included; strict training passes the visible ones, so that nothing hidden leaks through the mean.
      spread: also divide magnitudes by their standard deviation over those points (softened by `min_spread` mag).

    Returns:
      the batch with `time` (mean over real points removed), `magnitude` (standardised, 0 in the padding).
    """
    mask = batch["mask"]
    chex.assert_rank(mask, 2)
    chex.assert_equal_shape([batch["time"], batch["magnitude"], mask])
    over = mask if over is None else over
    time = centred_times(batch["time"], mask)
    mean = masked_mean(batch["magnitude"], over)
    scale = jnp.ones_like(mean)
    if spread:
        variance = masked_mean((batch["magnitude"] - mean) ** 2, over)
        scale = jnp.sqrt(variance + min_spread**2)
    magnitude = jnp.where(mask, (batch["magnitude"] - mean) / scale, 0.0)
    return {**batch, "time": time, "magnitude": magnitude, "magnitude_mean": mean, "magnitude_scale": scale}
