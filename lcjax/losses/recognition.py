"""Loss of stars whose class and period are known."""

import chex
import jax.numpy as jnp
import optax

from lcjax.losses.classification import cross_entropy
from lcjax.typing import Array

TOLERANCE = 0.1
"""Of log10 periods: errors beyond it count in proportion, not squared; a wrong alias is no more wrong than another."""
UNIT = 0.1
"""A factor of ten in period beyond the tolerance costs one nat more."""


def recognition_loss(logits: Array, log_period: Array, label: Array, period: Array) -> Array:
    """Cross entropy of the class plus the Huber loss of log10 of the period, over `UNIT`, where there is one; (B,) float32.

    Args:
      logits: (B, K). log_period: (B,) log10 of days. label: (B,) int, -1 unknown. period: (B,) days, NaN or 0 where there is none.

    >>> round(float(recognition_loss(jnp.zeros((1, 5)), jnp.zeros(1), jnp.array([0]), jnp.array([10.0]))[0]), 3)  # ln 5 + 0.95
    2.559
    """
    chex.assert_equal_shape([log_period, label, period])
    known = jnp.isfinite(period) & (period > 0)
    truth = jnp.log10(jnp.where(known, period, 1.0))
    away = optax.losses.huber_loss(log_period.astype(jnp.float32), truth, delta=TOLERANCE)
    return cross_entropy(logits, label) + jnp.where(known, away, 0.0) / UNIT
