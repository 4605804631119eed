"""Features of light curves as one row a star: those of every band side by side."""

import dataclasses
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from lcjax.errors import DataError, Rejection
from lcjax.evaluation.features import BRIGHTNESS, FEATURES, columns_without, light_curve_features


@dataclasses.dataclass(frozen=True)
class StarFeatures:
    """N stars."""

    object_id: list[str]
    label: list[str | None]
    names: tuple[str, ...]
    features: np.ndarray
    """(N, F) float64, NaN where a star has no such band, or a curve no such feature."""
    n_points: list[int]
    """In all bands."""
    contradictory: int
    """Stars whose curves have different classes: they have none here."""

    def sentences(self, set_aside: int, path: object) -> Iterator[str]:
        """What became of the light curves, of which some were set aside; the table is in `path`."""
        yield f"{len(self.object_id):,} stars, {len(self.names)} features, written to {path}"
        if set_aside:
            yield f"light curves set aside: {set_aside:,}"
        if self.contradictory:
            yield f"stars whose light curves have different classes, left without one: {self.contradictory:,}"

    def columns(self) -> dict[str, Any]:
        """object_id, class, n_points, and one column a feature."""
        import pyarrow as pa

        known = {"object_id": self.object_id, "class": pa.array(self.label, pa.string()), "n_points": self.n_points}
        return known | dict(zip(self.names, self.features.T, strict=True))


def usable(items: Sequence) -> list:
    """The light curves among what was read.

    Raises:
      DataError: there are none.
    """
    curves = [item for item in items if not isinstance(item, Rejection)]
    if not curves:
        first = next((item.reason for item in items if isinstance(item, Rejection)), "there are none")
        raise DataError(f"no light curve could be used of {len(items):,}: {first}")
    return curves


def star_features(
    curves: Sequence, brightness: bool = False, jobs: int = 1, done: Callable[[int], None] = lambda count: None
) -> StarFeatures:
    """One row a star, in the order of their first curves; columns `feature_band` where bands have names.

    Args:
      curves: with `object_id`, `band`, `label`, and `mjd`, `magnitude`, `magnitude_error` ascending in time.
      brightness: also the mean magnitude. jobs: threads. done: told how many curves are done.

    Raises:
      MissingExtraError: the package light-curve is not installed.
    """
    columns = columns_without(() if brightness else BRIGHTNESS)
    bands = sorted({curve.band for curve in curves})
    row: dict[str, int] = {}
    for curve in curves:
        row.setdefault(curve.object_id, len(row))
    table = np.full((len(row), len(bands), len(columns)), np.nan)
    points = [0] * len(row)
    classes: list[set[str]] = [set() for _ in row]
    for begin in range(0, len(curves), 64):
        some = curves[begin : begin + 64]
        found = light_curve_features(some, jobs)[:, columns]
        for curve, values in zip(some, found, strict=True):
            place = row[curve.object_id]
            table[place, bands.index(curve.band)] = values
            points[place] += len(curve.mjd)
            if curve.label:
                classes[place].add(curve.label)
        done(min(begin + 64, len(curves)))
    suffix = [f"_{band}" if band and len(bands) > 1 else "" for band in bands]
    names = tuple(f"{FEATURES[c]}{end}" for end in suffix for c in columns)
    labels = [next(iter(one)) if len(one) == 1 else None for one in classes]
    several = sum(len(one) > 1 for one in classes)
    return StarFeatures(list(row), labels, names, table.reshape(len(row), -1), points, several)
