"""The on-disk record: one tf Example per light curve (object and band), in tfds layout.

| feature | form |
| --- | --- |
| object_id, band | bytes, utf-8 |
| label | int64, index into the class names of the dataset, -1 unlabelled |
| length | int64, number of points N |
| reference_mjd | float64 as 8 little-endian bytes: the epoch that `time` counts from |
| time, magnitude, magnitude_error | N little-endian float32 in one bytes feature each: days (ascending), mag, mag |
| metadata/<name> | float32 scalars of the dataset, NaN where missing |

Times are relative because float32 holds an MJD only to 5.6 minutes. Each series is one bytes feature because that parses
two to eight times faster than lists of floats.
"""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from data_pipelines.shards import writing
from data_pipelines.shards.layout import RecordLayout

ARRAYS = ("time", "magnitude", "magnitude_error")
"""The float32 series of a record, N points each."""

LIGHT_CURVES = RecordLayout("light_curves", dict.fromkeys(ARRAYS, ("length",)), exact=("reference_mjd",))
"""The numbers under `metadata/` stay in the records: nothing learns from them."""


def light_curve_features(class_names: Sequence[str] = (), metadata_names: Sequence[str] = ()) -> Any:
    """The tfds FeaturesDict of a light-curve dataset; see `RecordLayout.features`."""
    return LIGHT_CURVES.features(class_names, metadata_names)


def encode_light_curve(
    object_id: str,
    mjd: np.ndarray,
    magnitude: np.ndarray,
    magnitude_error: np.ndarray,
    band: str = "",
    label: int = -1,
    metadata: Mapping[str, float] | None = None,
    reference_mjd: float | None = None,
) -> dict[str, Any]:
    """One record as a tfds builder's `_generate_examples` yields it.

    Args:
      object_id: name of the star; several bands of one star share it.
      mjd, magnitude, magnitude_error: (N,) float; mjd ascending, days.
      band: name of the passband.
      label: class index, -1 unlabelled.
      metadata: the scalars named in the dataset's features.
      reference_mjd: epoch that times count from; None: the middle of this light curve. Give the middle of the object
        when it has several bands.

    >>> record = encode_light_curve("a", np.array([5e4, 5e4 + 2]), np.ones(2), np.ones(2))
    >>> float(record["reference_mjd"]), record["time"].tolist()
    (50001.0, [-1.0, 1.0])
    """
    mjd = np.asarray(mjd, np.float64)
    if reference_mjd is None:
        reference_mjd = 0.5 * (mjd[0] + mjd[-1]) if len(mjd) else 0.0
    return LIGHT_CURVES.encode(
        object_id,
        band=band,
        label=int(label),
        reference_mjd=reference_mjd,
        time=(mjd - reference_mjd).astype(np.float32),
        magnitude=magnitude,
        magnitude_error=magnitude_error,
        metadata=metadata,
    )


def write_shards(
    folder: Path | str, dataset: str, split: str, records: Iterable[Mapping[str, Any]], shards: int = 1
) -> list[Path]:
    """Writes records (as `encode_light_curve` makes them) to shards; see `shards.writing`, whose `write_manifest` comes next."""
    return writing.write_shards(folder, dataset, split, records, LIGHT_CURVES, shards)
