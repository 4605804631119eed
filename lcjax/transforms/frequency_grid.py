"""Frequencies common to all stars, and phases on them that float32 cannot blur.

A phase is frequency times time, and 20 cycles a day over 3,000 days are 60,000 cycles: a float32 product keeps them to
0.004 cycles. Times are therefore counted in whole ticks of 2^-q days, the spacing of the grid is a multiple of 2^-48
cycles a tick, and the phase at the k-th frequency is the k-th multiple of a 32-bit integer that wraps around once a
cycle: exact, on any device, but for the half tick of the time and the half unit of the integer.
"""

import dataclasses
import math
from functools import cached_property
from typing import NamedTuple

import chex
import jax
import jax.numpy as jnp
import numpy as np

from lcjax.errors import ConfigError
from lcjax.typing import Array

TICKS_PER_CYCLE = 7
"""Least binary digits by which a tick is finer than the shortest period; 14 for 20/d over 3,000 days."""
SINE = (3.14159265, -5.16771276, 2.55016332, -0.599252198, 0.0820504018, -0.00702838642)
"""sin(pi x) = x (SINE[0] + SINE[1] x^2 + ...) for |x| <= 1/2: interpolated at Chebyshev nodes, error below 2e-7."""


class Frequency(NamedTuple):
    """Frequencies as a place on the grid: (index + offset) times its spacing."""

    index: Array  #: int32
    offset: Array  #: float32, within about half a spacing of 0


@dataclasses.dataclass(frozen=True)
class FrequencyGrid:
    """Evenly spaced frequencies k * spacing up to `highest`, and logarithmic bins that sum them up.

    The spacing is 1 / (oversampling * span), the same for all stars, so that a jitted function has one shape: a star of
    a shorter span is sampled the finer, one of a longer span the coarser (see `oversampling_of`).
    """

    highest: float = 20.0
    """1/d."""
    lowest: float = 1 / 1500
    """Lower edge of the first logarithmic bin, 1/d."""
    span: float = 3000.0
    """Days between first and last point of the longest star for which `oversampling` holds."""
    oversampling: float = 2.0
    """Frequencies per 1 / span. Between two of them the power falls by at most 1 - sinc^2(1 / (2 oversampling)): 19% at 2."""
    bins: int = 256
    """Logarithmic bins from `lowest` to `highest`."""

    def __post_init__(self):
        if not 0 < self.lowest < self.highest:
            raise ConfigError(
                f"Frequencies go from lowest to highest, both above 0, not from {self.lowest:g} to {self.highest:g} per day."
            )
        if not (self.span > 0 and self.oversampling >= 1 and self.bins >= 1):
            raise ConfigError(
                f"A frequency grid needs a span above 0 days ({self.span:g}), an oversampling of at least 1 "
                f"({self.oversampling:g}) and at least one bin ({self.bins})."
            )
        if self.highest * 2.0**TICKS_PER_CYCLE > 2.0**self.tick_digits or self._rate < 2**10:
            raise ConfigError(
                f"Frequencies up to {self.highest:g} per day over {self.span:g} days with oversampling "
                f"{self.oversampling:g} are too many to keep phases exact: ask for fewer."
            )

    @property
    def tick_digits(self) -> int:
        """q: a tick is 2^-q days."""
        return 31 - math.ceil(math.log2(max(self.span, 1.0)))

    @property
    def longest(self) -> float:
        """Days beyond which times do not fit into 32 bits of ticks: at least twice the `span`."""
        return 2.0 ** (32 - self.tick_digits)

    @property
    def _rate(self) -> int:
        """Spacing of the grid in 2^-48 cycles a tick."""
        return int(2.0 ** (48 - self.tick_digits) / (self.oversampling * self.span))

    @property
    def spacing(self) -> float:
        """1/d."""
        return self._rate * 2.0 ** (self.tick_digits - 48)

    @property
    def count(self) -> int:
        """Number of frequencies, 0 included."""
        return math.ceil(self.highest / self.spacing) + 1

    @cached_property
    def frequencies(self) -> np.ndarray:
        """(count,) float64, 1/d."""
        return np.arange(self.count) * self.spacing

    @cached_property
    def edges(self) -> np.ndarray:
        """(bins + 1,) float64, 1/d."""
        return np.geomspace(self.lowest, self.highest, self.bins + 1)

    def oversampling_of(self, span: Array) -> Array:
        """Frequencies per 1 / span of stars that last `span` days; below 1 peaks may be missed."""
        return 1.0 / (self.spacing * jnp.maximum(span, 1e-6))

    def value(self, frequency: Frequency) -> Array:
        """In 1/d, float32."""
        return (frequency.index.astype(jnp.float32) + frequency.offset) * jnp.float32(self.spacing)

    def place(self, frequency: np.ndarray) -> Frequency:
        """Known frequencies, float64 1/d, as places on the grid."""
        where = np.asarray(frequency, np.float64) / self.spacing
        index = np.round(where)
        return Frequency(jnp.asarray(index, jnp.int32), jnp.asarray(where - index, jnp.float32))

    def turns(self, time: Array, mask: Array, time_low: Array | None = None) -> Array:
        """Cycles at one spacing since the first point of each star, in 2^-32, modulo 1; uint32, 0 outside of `mask`.

        Args:
          time: (..., L) days since any epoch, float32; mask: (..., L) bool.
          time_low: (..., L) what float32 lost of the time, days (see `split_time`).
        """
        chex.assert_equal_shape([time, mask] if time_low is None else [time, mask, time_low])
        digits = self.tick_digits
        day = jnp.floor(time)
        first = jnp.min(jnp.where(mask, day, jnp.inf), axis=-1, keepdims=True)
        first = jnp.where(jnp.isfinite(first), first, 0.0)
        # A correction may lead below the first day, and ticks do not go below 0.
        first = first if time_low is None else first - 1.0
        whole = jnp.where(mask, day - first, 0.0).astype(jnp.uint32) << digits
        part = (time - day) if time_low is None else (time - day) + time_low
        part = jnp.round(part * jnp.float32(2.0**digits)).astype(jnp.int32)
        ticks = whole + jax.lax.bitcast_convert_type(part, jnp.uint32)
        ticks = ticks - jnp.min(jnp.where(mask, ticks, np.uint32(2**32 - 1)), axis=-1, keepdims=True)
        ticks = jnp.where(mask, ticks, np.uint32(0))
        # The product of two 32-bit integers, 16 binary digits further down.
        high, low = ticks >> 16, ticks & 0xFFFF
        rate_high, rate_low = np.uint32(self._rate >> 16), np.uint32(self._rate & 0xFFFF)
        return high * np.uint32(self._rate) + low * rate_high + ((low * rate_low) >> 16)


def split_time(time: np.ndarray, epoch: float) -> tuple[np.ndarray, np.ndarray]:
    """Times in float64 as two float32 that add up to them: days since `epoch`, and what float32 lost of those.

    >>> high, low = split_time(np.array([58000.123456789]), 55000.0)
    >>> float(np.float64(high[0]) + low[0])
    3000.1234567...
    """
    since = np.asarray(time, np.float64) - epoch
    high = since.astype(np.float32)
    return high, (since - high).astype(np.float32)


def phase(turns: Array, frequency: Frequency) -> Array:
    """Phases at other places than the grid, in 2^-32 cycles, uint32; `turns` (..., 1, L), `frequency` (..., F, 1)."""
    near = jax.lax.bitcast_convert_type(turns, jnp.int32).astype(jnp.float32)
    near = jnp.where(near < 0, near + 2.0**32, near)
    between = jnp.round(frequency.offset * near)
    # An offset of a few spacings is more than one cycle, and float32 to int32 does not wrap around.
    between = between - jnp.round(between * 2.0**-32) * 2.0**32
    between = jnp.clip(between, -(2.0**31), 2.0**31 - 128).astype(jnp.int32)
    index = jax.lax.bitcast_convert_type(frequency.index, jnp.uint32)
    return index * turns + jax.lax.bitcast_convert_type(between, jnp.uint32)


def cycles(phase: Array) -> Array:
    """Phases in [-1/2, 1/2) cycles, float32."""
    return jax.lax.bitcast_convert_type(phase, jnp.int32).astype(jnp.float32) * jnp.float32(2.0**-32)


def cosine_sine(phase: Array) -> tuple[Array, Array]:
    """Cosine and sine of phases (uint32, 2^-32 cycles), float32; five times as fast as those of a float on a CPU."""

    def sine(phase: Array) -> Array:
        x = cycles(phase) * 2.0
        x = jnp.where(jnp.abs(x) > 0.5, jnp.sign(x) - x, x)
        square = x * x
        series = jnp.float32(SINE[-1])
        for coefficient in SINE[-2::-1]:
            series = series * square + jnp.float32(coefficient)
        return x * series

    return sine(phase + np.uint32(2**30)), sine(phase)
