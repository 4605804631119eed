"""Fluxes of any sign as magnitudes: logarithmic where a star is well above its noise, linear where it is not."""

import chex
import jax.numpy as jnp
import numpy as np

from lcjax.transforms.periodogram import masked_quantile, usable_error
from lcjax.typing import Array

POGSON = float(2.5 / np.log(10.0))


def asinh_magnitudes(flux: Array, error: Array, mask: Array) -> tuple[Array, Array]:
    """-2.5 / ln 10 asinh(F / 2 b), and its error (Lupton, Gunn & Szalay 1999, AJ 118, 1406, eqs. 3, 5, without zero point).

    The softening b is the star's median error, so that the result does not depend on the unit of the fluxes but for a
    constant, which well measured stars have as magnitudes do. Finite everywhere, 0 outside of `mask`.

    Args:
      flux, error: (..., L), one unit. mask: (..., L) bool.

    Returns:
      (..., L) each, mag.
    """
    chex.assert_equal_shape([flux, error, mask])
    mask = mask & jnp.isfinite(flux)
    sigma = usable_error(error, mask)
    softening = masked_quantile(sigma, mask, jnp.array([0.5]))
    softening = jnp.where(softening > 0, softening, 1.0)
    ratio = jnp.where(mask, flux, 0.0) / (2.0 * softening)
    magnitude = -POGSON * jnp.arcsinh(ratio)
    spread = POGSON * sigma / (2.0 * softening * jnp.sqrt(1.0 + ratio**2))
    return jnp.where(mask, magnitude, 0.0), jnp.where(mask, spread, 0.0)


def asinh_magnitudes_of(flux: np.ndarray, error: np.ndarray, zero_point: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
    """The same of one star on the host, whose errors are all sound, with its zero point (eq. 3): Pogson's magnitudes where it is bright.

    Args:
      flux, error: (N,), one unit; errors above 0. zero_point: mag of a flux of 1.

    >>> magnitude, error = asinh_magnitudes_of(np.array([100.0, 0.0, -1.0]), np.ones(3), 25.0)
    >>> magnitude.round(3).tolist(), error.round(3).tolist()
    ([20.0, 25.0, 25.522], [0.011, 0.543, 0.486])
    """
    flux, error = np.asarray(flux, np.float64), np.asarray(error, np.float64)
    softening = float(np.median(error)) if len(error) else 1.0
    ratio = flux / (2.0 * softening)
    magnitude = zero_point - 2.5 * np.log10(softening) - POGSON * np.arcsinh(ratio)
    return magnitude, POGSON * error / (2.0 * softening * np.sqrt(1.0 + ratio**2))


def with_magnitudes(batch: dict) -> dict:
    """A batch of `flux` and `flux_error` (B, L) as one of magnitudes, from the visible points alone; others as they are."""
    if "flux" not in batch:
        return batch
    shown = batch["mask"] & batch["visible"] if "visible" in batch else batch["mask"]
    # What is not finite is to stay so: it is left out where magnitudes are looked at.
    flux = jnp.where(jnp.isfinite(batch["flux"]), batch["flux"], jnp.nan)
    magnitude, error = asinh_magnitudes(flux, batch["flux_error"], shown & jnp.isfinite(batch["time"]))
    magnitude = jnp.where(jnp.isfinite(flux), magnitude, jnp.nan)
    return {**batch, "magnitude": magnitude, "magnitude_error": error}
