"""Simulated stars at the epochs and errors of real ones: unlimited supervision with a survey's own cadence (numpy only).

    stars = resampled_stars(np.random.default_rng(0), [(time, error), ...], 4096, {"RRab": 1.0, "EW": 1.0})

Each star takes the (time, error) sequence of a random real star and is seen through it; what varies, and how, is that of
`variables.VARIABLES`. About ten thousand stars of 250 points a second on one core.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from data_pipelines.simulate.survey import shares_of
from data_pipelines.simulate.variables import VARIABLES
from lcjax.errors import ConfigError, DataError

CLASSES: dict[str, float] = {
    "EW": 1.0, "EB": 0.6, "EA": 1.0, "RRab": 1.0, "RRab_BL": 0.2, "RRc": 0.8, "RRd": 0.3, "DSCT": 0.6, "CEP": 0.4, "T2CEP": 0.3,
    "ACEP": 0.3, "MIRA": 0.6, "SR": 0.6, "ROT": 0.8, "ACV": 0.2, "BCEP": 0.2, "ELL": 0.2,
}  # fmt: skip
"""Relative numbers where none are asked for: periodic classes of surveys of variable stars, none of them rare."""
Model = Callable[[np.random.Generator, np.ndarray], tuple[np.ndarray, float]]
"""(rng, sorted days (N,)) -> magnitudes about the mean (N,), period in days."""
FEWEST = 5
"""Points of a sequence that is used."""
OUTLIERS = 0.004
"""Share of the points that are off by many errors."""
RED_DAYS = 20.0
"""Decay time of correlated noise."""


class ResampledStars(NamedTuple):
    """N simulated stars, padded to L points; padding is 0 and not in `mask`."""

    time: np.ndarray  #: (N, L) float32, days from the middle of each star's sequence, ascending
    magnitude: np.ndarray  #: (N, L) float32, mag
    error: np.ndarray  #: (N, L) float32, as quoted, mag
    mask: np.ndarray  #: (N, L) bool
    label: np.ndarray  #: (N,) int32, number of the class in `class_names`
    period: np.ndarray  #: (N,) float32, days; NaN of aperiodic classes
    amplitude: np.ndarray  #: (N,) float32, peak to peak of the noiseless points, mag
    true: np.ndarray  #: (N, L) float32, noiseless magnitudes
    sequence: np.ndarray  #: (N,) int32, whose epochs a star has
    class_names: tuple[str, ...]


def resampled_stars(
    rng: np.random.Generator,
    sequences: Sequence[tuple[np.ndarray, np.ndarray]],
    count: int,
    classes: Mapping[str, float] = CLASSES,
    length: int = 512,
    magnitudes: np.ndarray | None = None,
    limit: float = np.inf,
    noise: tuple[float, float] = (1.0, 0.3),
    red_noise: float = 0.3,
    models: Mapping[str, Model] = VARIABLES,
) -> ResampledStars:
    """`count` stars of random classes at the epochs of random sequences.

    Args:
      rng: everything drawn is drawn from it.
      sequences: (time (n,), quoted error (n,)) of real stars, days and mag, in any order; of more than `length` points a random
        part is taken for each star.
      classes: names of `models` -> relative numbers.
      length: L.
      magnitudes: (len(sequences),) median of the real star of each; None: 13, whose value says nothing.
      limit: magnitude above which points are not reported (a Mira's minima).
      noise: median of the true noise over the quoted error, and spread of its logarithm from star to star.
      red_noise: share of the stars with correlated noise, of about half an error over weeks.
      models: of each class. Those of `variation.models_of_band` have binaries by their geometry, pulsators by the statistics of real
        ones and, where they are given, the shapes of real stars; they take two to three times as long.

    Raises:
      ConfigError: a class that is not known, or a number out of range. DataError: no sequence of enough points, or one with
        errors that are not positive numbers.
    """
    names, shares = shares_of(classes, models)
    if count < 0 or length < FEWEST or noise[0] <= 0 or noise[1] < 0 or not 0 <= red_noise <= 1:
        raise ConfigError(
            f"Simulated stars need count >= 0, length >= {FEWEST}, positive noise and red_noise in [0, 1], not count={count}, "
            f"length={length}, noise={noise}, red_noise={red_noise}"
        )
    usable = _checked(sequences)
    label = rng.choice(len(names), size=count, p=shares).astype(np.int32)
    which = usable[rng.integers(len(usable), size=count)].astype(np.int32)
    time, error, true = np.zeros((3, count, length), np.float32)
    points = np.zeros(count, int)
    period = np.full(count, np.nan, np.float32)
    for i in range(count):
        at, quoted = _part(rng, *sequences[which[i]], length)
        delta, period[i] = models[names[label[i]]](rng, at)
        middle = len(at) // 2
        delta = delta - np.partition(delta, middle)[middle] + (13.0 if magnitudes is None else magnitudes[which[i]])
        seen = delta < limit
        if not seen.all() and seen.sum() >= FEWEST:
            at, quoted, delta = at[seen], quoted[seen], delta[seen]
        n = points[i] = len(at)
        time[i, :n], error[i, :n], true[i, :n] = at - 0.5 * (at[0] + at[-1]), quoted, delta
    mask = np.arange(length) < points[:, None]
    scatter = _scatter(rng, time, mask, noise, red_noise)
    magnitude = np.where(mask, true + error * scatter, np.float32(0.0))
    amplitude = np.max(true, 1, where=mask, initial=-np.inf) - np.min(true, 1, where=mask, initial=np.inf)
    return ResampledStars(time, magnitude, error, mask, label, period, amplitude, true, which, names)


def _scatter(
    rng: np.random.Generator, time: np.ndarray, mask: np.ndarray, noise: tuple[float, float], red_noise: float
) -> np.ndarray:
    """What is added to the true magnitudes (N, L), in quoted errors: white, correlated over weeks in some stars, and outliers."""
    count, length = time.shape
    scatter = rng.standard_normal((count, length), np.float32)
    scatter *= noise[0] * np.exp(noise[1] * rng.normal(size=(count, 1)))
    red = np.flatnonzero(rng.random(count) < red_noise)
    size = np.abs(rng.normal(0, 0.5, len(red)))
    # By columns: one step of all stars at a time.
    decay = np.exp(-np.maximum(np.diff(time[red].T, axis=0, prepend=0.0), 0.0) / RED_DAYS)
    kicks = np.sqrt(1.0 - decay**2) * rng.standard_normal(decay.shape)
    state = rng.normal(size=len(red))
    for step in range(length):
        state = kicks[step] = decay[step] * state + kicks[step]
    scatter[red] += (size * kicks).T
    off = np.flatnonzero(mask & (rng.random(time.shape, np.float32) < OUTLIERS))
    scatter.reshape(-1)[off] += rng.choice([-1, 1], len(off)) * rng.uniform(5, 20, len(off))
    return scatter


def _checked(sequences: Sequence[tuple[np.ndarray, np.ndarray]]) -> np.ndarray:
    """Numbers of the sequences that have enough points."""
    for i, (time, error) in enumerate(sequences):
        good = np.all(np.isfinite(time)) and np.all(np.isfinite(error)) and np.all(np.asarray(error) > 0)
        if len(time) != len(error) or not good:
            raise DataError(
                f"sequence {i} needs as many times as errors, finite, errors above 0: drop the points of which that is not so"
            )
    usable = np.array([i for i, (time, _) in enumerate(sequences) if len(time) >= FEWEST], int)
    if not len(usable):
        raise DataError(f"there is no sequence of {FEWEST} points or more among {len(sequences)}: give others")
    return usable


def _part(rng: np.random.Generator, time: np.ndarray, error: np.ndarray, length: int) -> tuple[np.ndarray, np.ndarray]:
    """At most `length` points, sorted by time."""
    time = np.asarray(time, np.float64)
    if len(time) > length:
        rows = rng.choice(len(time), length, replace=False)
        time, error = time[rows], error[rows]
    order = np.argsort(time, kind="stable")
    return time[order], np.asarray(error)[order]
