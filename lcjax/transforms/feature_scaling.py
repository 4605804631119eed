"""Scaling of feature tables: each column by the ranks of what it was fitted on, or by a range that is given.

Values that are missing or not finite become one value below all others. A column depends on its own values alone, and a row is
scaled alike whatever other rows come with it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import chex
import jax
import jax.numpy as jnp
import numpy as np

from lcjax.errors import ConfigError
from lcjax.typing import Array

MISSING_RANK, MISSING_RANGE = -1.0, -1.1
"""What a missing value becomes, by ranks and by ranges."""
MAX_QUANTILES = 1000
LOGARITHMIC = (
    "Eta_e", "GP_DRW_sigma", "GP_DRW_tau", "Harmonics_mag", "MHPS_high", "MaxSlope", "Meanvariance", "MedianAbsDev",
    "Multiband_period", "Pvar",
)  # fmt: skip
"""Families of features that are scaled by their logarithm."""
CLIPPED = ("MHPS_low", "MHPS_ratio", "delta_period")
"""Those that are first brought up to the lower end of their range."""


def fit_quantiles(features: np.ndarray, quantiles: int = MAX_QUANTILES, rows: np.ndarray | None = None) -> np.ndarray:
    """(Q, F) float32: values of each column at Q equal steps of rank, NaN for a column without values.

    Args:
      features: (N, F), missing values NaN. quantiles: at most; no more than there are rows. rows: (n,) indices of the rows to
        fit on, perhaps repeated (a draw that has every class alike); None: all.
    """
    chex.assert_rank(features, 2)
    table = np.where(np.isfinite(features), features, np.nan) if rows is None else _finite(features[rows])
    count = max(2, min(quantiles, len(table)))
    out = np.full((count, table.shape[1]), np.nan)
    there = np.isfinite(table).any(0)
    if there.any():
        out[:, there] = np.nanquantile(table[:, there].astype(np.float64), np.linspace(0, 1, count), axis=0)
    return np.maximum.accumulate(out, axis=0).astype(np.float32)


def _finite(values: np.ndarray) -> np.ndarray:
    return np.where(np.isfinite(values), values, np.nan)


def rank_scaled(features: Array, quantiles: Array) -> Array:
    """Share of what the column was fitted on that lies below, in [0, 1]; missing values -1. (B, F), (Q, F) -> (B, F).

    Equal values of the fit count half, as in scikit-learn's QuantileTransformer with uniform output.
    """
    chex.assert_rank([features, quantiles], 2)
    chex.assert_axis_dimension(quantiles, 1, features.shape[1])
    levels = jnp.linspace(0.0, 1.0, quantiles.shape[0])

    def one(x: Array, table: Array) -> Array:
        up = jnp.interp(x, table, levels)
        down = -jnp.interp(-x, -table[::-1], -levels[::-1])
        middle = 0.5 * (up + down)
        return jnp.where(x <= table[0], 0.0, jnp.where(x >= table[-1], 1.0, middle))

    known = jnp.isfinite(features) & jnp.isfinite(quantiles[0])
    scaled = jax.vmap(one, in_axes=1, out_axes=1)(jnp.where(known, features, 0.0), jnp.nan_to_num(quantiles))
    return jnp.where(known, scaled, MISSING_RANK)


@dataclass(frozen=True)
class FeatureRange:
    """Where the values of a family of features usually lie, in their own units."""

    low: float
    high: float
    logarithm: bool = False
    """Scale by the logarithm; values at or below 0 are then missing."""
    clip: bool = False
    """Bring values below `low` up to it."""


def range_of(column: str, ranges: Mapping[str, FeatureRange]) -> FeatureRange:
    """The range of the family with the longest name that the column's name begins with.

    Raises:
      ConfigError: there is none.

    >>> range_of("PercentAmplitude_1", {"Amplitude": FeatureRange(0, 1), "PercentAmplitude": FeatureRange(0, 5)}).high
    5
    """
    found = [name for name in ranges if column == name or column.startswith(f"{name}_")]
    if not found:
        raise ConfigError(f"no range is given for the feature '{column}': add its family to the table of ranges")
    return ranges[max(found, key=len)]


def range_arrays(columns: Sequence[str], ranges: Mapping[str, FeatureRange]) -> np.ndarray:
    """(4, F) float32: lower and upper end, whether to take logarithms, whether to clip, of every column.

    Raises:
      ConfigError: a column has no range, or one that is none.
    """
    rows = []
    for name in columns:
        own = range_of(name, ranges)
        if own.logarithm and own.low <= 0:
            raise ConfigError(
                f"the range of '{name}' begins at {own.low:g}, which has no logarithm: give a positive one"
            )
        if not own.low < own.high:
            raise ConfigError(f"the range of '{name}' is from {own.low:g} to {own.high:g}: give the lower end first")
        rows.append((own.low, own.high, own.logarithm, own.clip))
    return np.array(rows, np.float32).reshape(-1, 4).T


def range_scaled(features: Array, table: Array) -> Array:
    """tanh((v - low) / (high - low) - 0.5), of logarithms where the table says so; missing values -1.1.

    The hand-made scaling as its paper describes it.

    Args:
      features: (B, F). table: (4, F) of `range_arrays`.
    """
    chex.assert_shape(table, (4, features.shape[-1]))
    low, high, logarithm, clip = table[0], table[1], table[2] > 0, table[3] > 0
    values = jnp.where(clip & (features < low), low, features)
    known = jnp.isfinite(values) & ~(logarithm & (values <= 0))
    take = lambda x: jnp.where(logarithm, jnp.log(jnp.where(x > 0, x, 1.0)), x)
    scaled = jnp.tanh((take(values) - take(low)) / (take(high) - take(low)) - 0.5)
    return jnp.where(known, scaled, MISSING_RANGE)


def as_given(features: Array) -> Array:
    """Features that are scaled already; missing values -1.1."""
    return jnp.where(jnp.isfinite(features), features, MISSING_RANGE)


def range_scaled_as_published(
    features: np.ndarray, columns: Sequence[str], ranges: Mapping[str, FeatureRange]
) -> tuple[np.ndarray, list[str]]:
    """The hand-made scaling as its program computes it, for comparison: columns sorted by name.

    Its departures: a logarithm is taken only where the column has a value at or below 0, and else the bare values are scaled by
    the range of the column before (in the order given); a family is the first of the table whose name stands anywhere in the
    column's. What a column becomes so depends on its neighbours and on the rows that come with it.

    Args:
      features: (N, F). columns: (F,) names, banned ones left out already. ranges: in the order of the table.
    """
    chex.assert_shape(features, (None, len(columns)))
    found: dict[str, np.ndarray] = {}
    low, high = 0.0, 1.0
    for i, name in enumerate(columns):
        family = next(family for family in ranges if family in name)
        own, values = ranges[family], np.asarray(features[:, i], np.float64)
        if own.clip:
            low, high = np.log(own.low), np.log(own.high)
            with np.errstate(invalid="ignore"):
                values = np.log(np.where(values < own.low, own.low, values))
        elif own.logarithm:
            if (values <= 0).any():
                low, high = np.log(own.low), np.log(own.high)
                values = np.log(values, out=np.full(values.shape, np.nan), where=values > 0)
        else:
            low, high = own.low, own.high
        scaled = np.tanh((values - low) / (high - low) - 0.5)
        found[name] = np.where(np.isnan(scaled), MISSING_RANGE, scaled)
    names = sorted(found)
    return np.stack([found[name] for name in names], axis=1), names
