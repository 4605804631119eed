"""Simulated stars at the epochs, errors and magnitudes of a split's own light curves."""

from collections.abc import Iterable, Sequence

import numpy as np

from data_pipelines.shards.batches import Batch
from data_pipelines.simulate.resampled import CLASSES, FEWEST, resampled_stars
from lcjax.errors import DataError

TOGETHER = 2000
"""Stars simulated in one call."""
FAINTEST = 0.999
"""Quantile of a survey's magnitudes beyond which nothing is reported."""


def simulated_like(
    batches: Iterable[Batch], dataset_of_record: np.ndarray, count: int, classes: Sequence[str], length: int, seed: int
) -> dict[str, np.ndarray]:
    """`count` stars of `classes`, as many at the epochs of every dataset.

    Args:
      batches: all windows, as of `LightCurveSource.evaluation_batches`. dataset_of_record: (R,) str.
      classes: of `simulate.variables.VARIABLES`; in the relative numbers of `resampled.CLASSES`, 1 where these have none.
      length: padded length; of longer curves a random part of the points is taken.

    Returns:
      `time` (days from the middle), `magnitude`, `magnitude_error`, `mask` (N, length), `label` (N,) int32 by `classes`,
      `period` (N,) float32 days, NaN where there is none.

    Raises:
      ConfigError: a class is not known. DataError: no light curve of enough points with errors.
    """
    surveys = _sequences(batches, dataset_of_record)
    shares = {name: CLASSES.get(name, 1.0) for name in classes}
    parts: list[dict[str, np.ndarray]] = []
    for number, (sequences, magnitudes, limit) in enumerate(surveys):
        wanted = count // len(surveys) + (number < count % len(surveys))
        for begin in range(0, wanted, TOGETHER):
            rng = np.random.default_rng((seed, number, begin))
            stars = resampled_stars(
                rng, sequences, min(TOGETHER, wanted - begin), shares, length, np.array(magnitudes), limit
            )
            place = np.array([classes.index(name) for name in stars.class_names], np.int32)
            parts.append(
                {
                    "time": stars.time,
                    "magnitude": stars.magnitude,
                    "magnitude_error": stars.error,
                    "mask": stars.mask,
                    "label": place[stars.label],
                    "period": stars.period,
                }
            )
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def _sequences(
    batches: Iterable[Batch], dataset_of_record: np.ndarray
) -> list[tuple[list[tuple[np.ndarray, np.ndarray]], list[float], float]]:
    """Of every dataset: (times, errors) of its windows, their median magnitudes, and the faintest magnitude that it reports."""
    found: dict[str, tuple[list[tuple[np.ndarray, np.ndarray]], list[np.ndarray]]] = {}
    for batch in batches:
        for row in np.flatnonzero(np.asarray(batch["weight"]) > 0):
            error = batch["magnitude_error"][row]
            good = batch["mask"][row] & np.isfinite(error) & (error > 0)
            if good.sum() < FEWEST:
                continue
            sequences, magnitudes = found.setdefault(str(dataset_of_record[batch["record"][row]]), ([], []))
            sequences.append((batch["time"][row][good], error[good]))
            magnitudes.append(batch["magnitude"][row][good])
    if not found:
        raise DataError(
            f"no light curve has {FEWEST} points with errors, at whose epochs stars could be simulated: give other data, or "
            "--simulation.weight 0"
        )
    return [
        (
            sequences,
            [float(np.median(one)) for one in magnitudes],
            float(np.quantile(np.concatenate(magnitudes), FAINTEST)),
        )
        for sequences, magnitudes in (found[name] for name in sorted(found))
    ]
