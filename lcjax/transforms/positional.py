"""Encodings of observation time: sines and cosines at a set of angular frequencies (rad/day).

Astromer gives every channel its own frequency, w_i = base^(-exponent * i / D), with a sine in even and a cosine in odd
channels; neighbouring channels are therefore no sine-cosine pair (A&A 670, A54; arXiv 2308.06404). Angles are computed
in float32 whatever the compute dtype: bfloat16 loses days.
"""

import chex
import jax.numpy as jnp
import numpy as np

from lcjax.typing import Array


def published_frequencies(width: int, base: float = 10_000.0, exponent: float = 2.0) -> np.ndarray:
    """Frequencies of Astromer 1 and 2: w_i = base^(-exponent * i / width), shape (width,), rad/day.

    The published models ignore the `base` and exponent of their configuration and always use these defaults; the
    positional-encoding study uses base 1000, exponent 1.

    >>> published_frequencies(4).astype(float).round(4).tolist()
    [1.0, 0.01, 0.0001, 0.0]
    """
    return np.power(base, -exponent * np.arange(width) / width).astype(np.float32)


def paired_frequencies(width: int, base: float = 1000.0) -> np.ndarray:
    """The classic transformer's: channels 2k and 2k+1 share w = base^(-2k / width), shape (width,), rad/day.

    >>> paired_frequencies(4, 100.0).astype(float).round(2).tolist()
    [1.0, 1.0, 0.1, 0.1]
    """
    return np.power(base, -2.0 * (np.arange(width) // 2) / width).astype(np.float32)


def log_period_frequencies(width: int, min_period: float = 0.01, max_period: float = 1825.0) -> np.ndarray:
    """Angular frequencies of `width` periods spaced evenly in log between two periods in days, rad/day.

    The positional study starts trainable encodings from 0.01 to 1825 d; the log-period proposal of Astromer 1 is
    3 hours to 3 years.

    >>> (2 * np.pi / log_period_frequencies(3, 1.0, 100.0)).round(3).tolist()
    [1.0, 10.0, 100.0]
    """
    return (2 * np.pi / np.geomspace(min_period, max_period, width)).astype(np.float32)


def encode_time(time: Array, frequencies: Array, paired: bool = False) -> Array:
    """Sinusoids of time.

    Args:
      time: (..., L) float32, days.
      frequencies: (F,) rad/day.
      paired: False gives the published form, sine in even and cosine in odd channels, (..., L, F); True gives both at
        every frequency, sines then cosines, (..., L, 2F).
    """
    chex.assert_rank(frequencies, 1)
    angles = jnp.asarray(time, jnp.float32)[..., None] * jnp.asarray(frequencies, jnp.float32)
    if paired:
        return jnp.concatenate([jnp.sin(angles), jnp.cos(angles)], axis=-1)
    even = jnp.arange(angles.shape[-1]) % 2 == 0
    return jnp.where(even, jnp.sin(angles), jnp.cos(angles))
