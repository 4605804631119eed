"""Where else the true frequency may be when a search has found one: aliases of the sampling, halves and multiples.

A ground-based survey looks once a night, in seasons, away from the full moon: a signal at f comes up at |f + n/d + m/yr|
too, and with few points or a shape that is no sine the wrong one can win (VanderPlas 2018, section 7). The sidereal day
is a solar day's frequency and a year's. Other instruments turn otherwise (Hipparcos every 2.13 h), so the highest peaks
of the star's own spectral window are added to these.
"""

import chex
import jax.numpy as jnp
import numpy as np

from lcjax.transforms.frequency_grid import Frequency, FrequencyGrid
from lcjax.transforms.log_bins import LogBins
from lcjax.typing import Array

DAY, YEAR, MONTH = 1.0027379, 1 / 365.2422, 1 / 29.530589
"""Sidereal day, tropical year and synodic month, 1/d."""
LEAST_CYCLES = 3.0
"""Of a peak of the spectral window within the span: below it is the span itself."""


def known_offsets() -> np.ndarray:
    """Frequencies by which aliases differ, 1/d, float64, both signs: days n = -2 ... 2, with years m = -2 ... 2; months."""
    days, years = np.meshgrid(np.arange(-2, 3), np.arange(-2, 3), indexing="ij")
    both = (DAY * days + YEAR * years)[(days != 0) | (years != 0)]
    return np.concatenate([both, [MONTH, -MONTH]])


def offsets(window: LogBins, span: Array, grid: FrequencyGrid, own: int) -> Frequency:
    """The known ones and the `own` highest of the spectral window, both signs, (K,)."""
    power = jnp.pad(window.power, 1, constant_values=-1.0)
    top = (window.power >= power[:-2]) & (window.power >= power[2:])
    value = grid.value(window.frequency)
    order = jnp.argsort(-jnp.where(top & (value * span >= LEAST_CYCLES), window.power, -1.0))[:own]
    index, offset = window.frequency.index[order], window.frequency.offset[order]
    fixed = grid.place(known_offsets())
    join = lambda *parts: jnp.concatenate(parts)
    return Frequency(join(fixed.index, index, -index), join(fixed.offset, offset, -offset))


def aliases(frequency: Frequency, by: Frequency) -> Frequency:
    """|f + offset| of each of (F,) and (K,), (F * K,)."""
    chex.assert_rank([*frequency, *by], 1)
    index = (frequency.index[:, None] + by.index).reshape(-1)
    offset = (frequency.offset[:, None] + by.offset).reshape(-1)
    sign = jnp.where(index < 0, -1, 1)
    return Frequency(index * sign, offset * sign)
