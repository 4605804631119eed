"""The scaling of a detector's features, as arrays that are saved with its weights: (table, value of the middle)."""

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path

import jax
import numpy as np

from lcjax.errors import ConfigError
from lcjax.systems.svdd.config import FeatureInputs
from lcjax.transforms.feature_scaling import (
    FeatureRange,
    as_given,
    fit_quantiles,
    range_arrays,
    range_scaled,
    rank_scaled,
)
from lcjax.typing import Array

Scaler = dict[str, np.ndarray]
"""`table` (T, F) and `middle` (F,), the medians of the scaled features of known objects."""


def balanced_rows(label: np.ndarray) -> np.ndarray:
    """Rows with every class alike: those of smaller classes are repeated up to the size of the largest; -1 is left out.

    >>> balanced_rows(np.array([0, 0, 0, 1, -1])).tolist()
    [0, 1, 2, 3, 3, 3]
    """
    members = [np.flatnonzero(label == c) for c in np.unique(label[label >= 0])]
    most = max(map(len, members), default=0)
    return np.concatenate([np.resize(rows, most) for rows in members]) if members else np.zeros(0, int)


def table_rows(inputs: FeatureInputs, label: np.ndarray) -> int:
    """First size of the table: quantiles, no more than there are rows to fit on."""
    return {"quantile": max(2, min(inputs.quantiles, len(balanced_rows(label)))), "ranges": 4, "none": 1}[
        inputs.scaling
    ]


def fit_scaler(inputs: FeatureInputs, features: np.ndarray, label: np.ndarray) -> Scaler:
    """The scaler of the known objects.

    Args:
      features: (N, F), missing values NaN. label: (N,), -1 for what is not learned from.

    Raises:
      ConfigError: ranges are missing or make no sense.
    """
    rows = balanced_rows(label)
    if inputs.scaling == "quantile":
        table = fit_quantiles(features, table_rows(inputs, label), rows)
    elif inputs.scaling == "ranges":
        table = range_arrays(inputs.feature_names, read_ranges(inputs.ranges))
    else:
        table = np.zeros((1, features.shape[1]), np.float32)
    scaled = np.asarray(jax.jit(scale, static_argnums=0)(inputs.scaling, table, features[rows].astype(np.float32)))
    return {"table": table, "middle": np.median(scaled, axis=0).astype(np.float32)}


def scale(scaling: str, table: Array, features: Array) -> Array:
    """Raw features (B, F) -> scaled ones; missing values become the scaling's own value for them."""
    if scaling == "quantile":
        return rank_scaled(features, table)
    return range_scaled(features, table) if scaling == "ranges" else as_given(features)


def known_ends(scaling: str, table: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Least and largest value (F,) of each feature that the scaler tells apart from others beyond; infinite where it does not say."""
    if scaling == "none":
        return np.full(table.shape[1], -np.inf), np.full(table.shape[1], np.inf)
    return np.asarray(table[0]), np.asarray(table[1 if scaling == "ranges" else -1])


def read_ranges(path: str) -> Mapping[str, FeatureRange]:
    """The ranges of families of features.

    Raises:
      ConfigError: no such file, or one without the columns.
    """
    if not path or not Path(path).is_file():
        raise ConfigError(
            f"--inputs.scaling ranges needs a table of ranges and there is no file '{path}': give it with --inputs.ranges"
        )
    with Path(path).open(newline="") as file:
        rows = list(csv.DictReader(file))
    if not rows or not {"family", "low", "high"} <= set(rows[0]):
        raise ConfigError(f"'{path}' is no table of ranges: it needs the columns family, low, high")
    flag = lambda row, name: (row.get(name) or "").strip().lower() in ("true", "1", "yes")
    try:
        return {
            row["family"]: FeatureRange(
                float(row["low"]), float(row["high"]), flag(row, "logarithm"), flag(row, "clip")
            )
            for row in rows
        }
    except (TypeError, ValueError) as error:
        raise ConfigError(f"'{path}' has a range that is no number ({error}): mend it") from error


def check_names(wanted: Sequence[str], there: Sequence[str], where: str) -> list[int]:
    """Where each wanted feature is among those that are there.

    Raises:
      ConfigError: one is missing.
    """
    missing = [name for name in wanted if name not in there]
    if missing:
        raise ConfigError(
            f"{where} has no feature '{missing[0]}'"
            + (f" and {len(missing) - 1} others" if len(missing) > 1 else "")
            + f": the detector was fitted on {len(wanted)} features; it has {', '.join(list(there)[:8])}"
        )
    return [list(there).index(name) for name in wanted]
