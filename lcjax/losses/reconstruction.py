"""Masked reconstruction of magnitudes: losses, R2 and error weights of Astromer 1 and 2 (A&A 670, A54; 707, A170)."""

import chex
import jax
import jax.numpy as jnp

from lcjax.global_batch import global_mean, global_sum
from lcjax.typing import Array, Axis


def window_errors(target: Array, prediction: Array, mask: Array | None = None, weights: Array | None = None) -> Array:
    """Mean squared error of each window, (B,).

    The denominator counts the points of `mask` and is not the sum of `weights` (as in the originals); a window with no
    such point gives 0. Without a mask it is the plain mean over L.
    """
    _check(target, prediction, mask, weights)
    squared = jnp.square(target - prediction)
    if weights is not None:
        squared = squared * weights
    if mask is None:
        return jnp.mean(squared, axis=-1)
    mask = mask.astype(squared.dtype)
    return jnp.sum(squared * mask, axis=-1) / jnp.maximum(jnp.sum(mask, axis=-1), 1.0)


def reconstruction_loss(
    target: Array,
    prediction: Array,
    mask: Array | None = None,
    weights: Array | None = None,
    root: bool = True,
    row_weight: Array | None = None,
    axis: Axis = None,
) -> Array:
    """sqrt(mean_b e_b) (`root`) or mean_b e_b over the windows of the global batch.

    Args:
      target, prediction: (B, L) magnitudes. mask: (B, L) points that count. weights: (B, L) point weights.
      row_weight: (B,) 0 for rows that only fill up the batch. axis: that rows are spread over.
    """
    errors = window_errors(target, prediction, mask, weights)
    row_weight = jnp.ones_like(errors) if row_weight is None else row_weight
    chex.assert_equal_shape([errors, row_weight])
    mean = global_mean(errors, row_weight, axis)
    # sqrt has no finite gradient at 0; a batch without probed points must not poison the step.
    return jnp.where(mean > 0, jnp.sqrt(jnp.where(mean > 0, mean, 1.0)), 0.0) if root else mean


def error_weights(magnitude_error: Array) -> Array:
    """Loss weights of Astromer 2 (`correct_loss`): inverse errors scaled to [0, 1] over the padded window, plus 1e-3.

    Constant errors give 1e-3 everywhere; an error of 0 counts as inverse 0.
    """
    chex.assert_rank(magnitude_error, 2)
    inverse = jnp.where(magnitude_error == 0, 0.0, 1.0 / jnp.where(magnitude_error == 0, 1.0, magnitude_error))
    low = jnp.min(inverse, axis=-1, keepdims=True)
    span = jnp.max(inverse, axis=-1, keepdims=True) - low
    return jnp.where(span > 0, (inverse - low) / jnp.where(span > 0, span, 1.0), 0.0) + 1e-3


def huber_errors(target: Array, prediction: Array, mask: Array, delta: float = 1.0) -> Array:
    """Mean Huber loss of each window's masked points, (B,): half the square within `delta`, linear beyond."""
    _check(target, prediction, mask)
    difference = jnp.abs(target - prediction)
    near = jnp.minimum(difference, delta)
    terms = near * (difference - 0.5 * near)
    mask = mask.astype(terms.dtype)
    return jnp.sum(terms * mask, axis=-1) / jnp.maximum(jnp.sum(mask, axis=-1), 1.0)


def r2_sums(target: Array, prediction: Array, mask: Array) -> tuple[Array, Array]:
    """Per window, (B,) each: squared residuals and squared deviations from the window's mean, over `mask`."""
    _check(target, prediction, mask)
    mask = mask.astype(target.dtype)
    mean = jnp.sum(target * mask, -1, keepdims=True) / jnp.maximum(jnp.sum(mask, -1, keepdims=True), 1.0)
    return jnp.sum(mask * (target - prediction) ** 2, -1), jnp.sum(mask * (target - mean) ** 2, -1)


def r2_score(target: Array, prediction: Array, mask: Array, axis: Axis = None) -> Array:
    """1 - residual sum / deviation sum over the global batch, deviations from each window's own probed mean."""
    residual, deviation = r2_sums(target, prediction, mask)
    total = global_sum(deviation, axis)
    return 1.0 - global_sum(residual, axis) / jnp.where(total > 0, total, 1.0)


def gaussian_nll(target: Array, prediction: Array, log_variance: Array, mask: Array) -> Array:
    """Mean Gaussian negative log-likelihood of each window's masked points, without the constant, (B,)."""
    _check(target, prediction, mask, log_variance)
    log_variance = jnp.clip(log_variance, -12.0, 8.0)
    terms = 0.5 * ((target - prediction) ** 2 * jnp.exp(-log_variance) + log_variance)
    mask = mask.astype(terms.dtype)
    return jnp.sum(terms * mask, axis=-1) / jnp.maximum(jnp.sum(mask, axis=-1), 1.0)


def student_nll(target: Array, location: Array, log_scale: Array, tails: Array, mask: Array) -> Array:
    """Mean negative log-likelihood of each window's masked points under Student's t, (B,): outliers cost little.

    Args:
      tails: (B, L) degrees of freedom, above 0. log_scale: (B, L); the others as above.

    >>> x = jnp.zeros((1, 1))
    >>> round(float(student_nll(x, x, x, x + 1.0, x == 0)[0]), 3)  # Cauchy at its mode: ln pi
    1.145
    """
    _check(target, location, mask, log_scale, tails)
    squared = ((target - location) * jnp.exp(-log_scale)) ** 2
    lgamma = jax.lax.lgamma
    constant = lgamma(0.5 * tails) - lgamma(0.5 * (tails + 1)) + 0.5 * jnp.log(jnp.pi * tails)
    terms = constant + log_scale + 0.5 * (tails + 1) * jnp.log1p(squared / tails)
    mask = mask.astype(terms.dtype)
    return jnp.sum(terms * mask, axis=-1) / jnp.maximum(jnp.sum(mask, axis=-1), 1.0)


def _check(*windows: Array | None) -> None:
    given = [x for x in windows if x is not None]
    chex.assert_rank(given, 2)
    chex.assert_equal_shape(given)
