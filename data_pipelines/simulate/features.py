"""Tables of features with classes, some alike, for detectors of anomalies: simple, but with what makes real tables hard.

A class is a cloud in a space of a few axes, with tails; one map, the same for all, makes features of a place in it. Some features are
skewed, each class lacks some, and two pairs of classes lie close together.
"""

from dataclasses import dataclass

import numpy as np

CLASSES = ("c0", "c1", "c2", "c3", "c4", "c5")
SHARES = (0.24, 0.24, 0.16, 0.16, 0.1, 0.1)
HELD_OUT = "c5"
"""The class that runs without data hold out: rare, and near `c4`."""
_AXES, _HIDDEN, _FEATURES, _SKEWED = 6, 24, 32, 4
_NEAR = {3: 1, 5: 4}
_TAILS, _NOISE, _MISSING = 5.0, 0.15, 0.02


@dataclass(frozen=True)
class SimulatedTable:
    """What is common to all objects of a seed."""

    middle: np.ndarray
    """(classes, axes)."""
    spread: np.ndarray
    """(classes, axes, axes)."""
    first: np.ndarray
    """(axes, hidden)."""
    second: np.ndarray
    """(hidden, features)."""
    missing: np.ndarray
    """(classes, features), chances."""


def simulated_table(seed: int) -> SimulatedTable:
    """The classes and the map of a seed."""
    rng = np.random.default_rng([seed, 0])
    count = len(CLASSES)
    middle = 1.6 * rng.normal(size=(count, _AXES))
    for place, neighbour in _NEAR.items():
        middle[place] = middle[neighbour] + 0.7 * rng.normal(size=_AXES)
    spread = 0.35 * rng.normal(size=(count, _AXES, _AXES)) + 0.4 * np.eye(_AXES)
    first = rng.normal(size=(_AXES, _HIDDEN)) / np.sqrt(_AXES)
    second = rng.normal(size=(_HIDDEN, _FEATURES)) / np.sqrt(_HIDDEN)
    often = rng.random((count, _FEATURES)) < 0.05
    return SimulatedTable(middle, spread, first, second, np.where(often, 0.3, _MISSING / 4))


def feature_names() -> tuple[str, ...]:
    """In order."""
    return tuple(f"feature_{i:02d}" for i in range(_FEATURES))


def simulate_features(table: SimulatedTable, seed: int, number: int) -> tuple[str, np.ndarray]:
    """Class and (features,) float64 of the object `number` of a seed, NaN where missing: the same alone and among others."""
    rng = np.random.default_rng([seed, number, 1])
    kind = int(rng.choice(len(CLASSES), p=SHARES))
    tails = np.sqrt(_TAILS / rng.chisquare(_TAILS))
    place = table.middle[kind] + table.spread[kind] @ rng.normal(size=_AXES) * tails
    values = np.tanh(place @ table.first) @ table.second + _NOISE * rng.normal(size=_FEATURES)
    values[:_SKEWED] = np.exp(2 * values[:_SKEWED])
    return CLASSES[kind], np.where(rng.random(_FEATURES) < table.missing[kind], np.nan, values)
