"""The on-disk record: one tf Example per light curve (object and band), in tfds layout.

| feature | form |
| --- | --- |
| object_id, band | bytes, utf-8 |
| label | int64, index into the class names of the dataset, -1 unlabelled |
| length | int64, number of points N |
| reference_mjd | float64 as 8 little-endian bytes: the epoch that `time` counts from |
| time, magnitude, magnitude_error | N little-endian float32 in one bytes feature each: days (ascending), mag, mag |
| metadata/<name> | float32 scalars of the dataset, NaN where missing |

Datasets whose brightness is more than magnitudes (fluxes, signed differences, upper limits) have besides, as their manifest says:

| feature | form |
| --- | --- |
| flux_length | int64, number of fluxes and limits M |
| flux_time | M little-endian float32 in one bytes feature: days from reference_mjd (ascending) |
| flux, flux_error | likewise: of any sign, in the unit and zero point of the manifest; NaN at upper limits |
| flux_limit | likewise: the flux that the point is below, at upper limits; 0 at all other points |

Their magnitudes are those of the fluxes that have some; there may be none.

Times are relative because float32 holds an MJD only to 5.6 minutes. Each series is one bytes feature because that parses
two to eight times faster than lists of floats.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from data_pipelines.kinds.light_curves.fluxes import FluxSeries
from data_pipelines.kinds.light_curves.meaning import DatasetBrightness
from data_pipelines.shards import writing
from data_pipelines.shards.index import ShardIndex
from data_pipelines.shards.layout import RecordLayout

ARRAYS = ("time", "magnitude", "magnitude_error")
"""The float32 series of a record, N points each."""

LIGHT_CURVES = RecordLayout("light_curves", dict.fromkeys(ARRAYS, ("length",)), exact=("reference_mjd",))
"""The numbers under `metadata/` stay in the records: nothing learns from them."""

FLUX_ARRAYS = ("flux_time", "flux", "flux_error", "flux_limit")
"""The float32 series that datasets of fluxes have besides, M points each."""

WITH_FLUXES = RecordLayout(
    LIGHT_CURVES.kind, {**LIGHT_CURVES.series, **dict.fromkeys(FLUX_ARRAYS, ("flux_length",))}, LIGHT_CURVES.exact
)
"""Of datasets of fluxes."""
AS_FLUXES = RecordLayout(
    LIGHT_CURVES.kind,
    dict.fromkeys(FLUX_ARRAYS, ("flux_length",)),
    LIGHT_CURVES.exact,
    stands_in=dict(zip(FLUX_ARRAYS, (*ARRAYS, "time"), strict=True)),
)
"""Of any dataset, read for its fluxes, which are then cut into windows; of magnitudes where there are none."""


def layout_of(brightness: DatasetBrightness) -> RecordLayout:
    """The records of a dataset with this brightness."""
    return WITH_FLUXES if brightness.has_fluxes else LIGHT_CURVES


def light_curve_features(
    class_names: Sequence[str] = (), metadata_names: Sequence[str] = (), fluxes: bool = False
) -> Any:
    """The tfds FeaturesDict of a light-curve dataset; see `RecordLayout.features`."""
    return (WITH_FLUXES if fluxes else LIGHT_CURVES).features(class_names, metadata_names)


def encode_light_curve(
    object_id: str,
    mjd: np.ndarray,
    magnitude: np.ndarray,
    magnitude_error: np.ndarray,
    band: str = "",
    label: int = -1,
    metadata: Mapping[str, float] | None = None,
    reference_mjd: float | None = None,
    fluxes: FluxSeries | None = None,
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
      fluxes: of datasets that hold fluxes, in the dataset's zero point.

    >>> record = encode_light_curve("a", np.array([5e4, 5e4 + 2]), np.ones(2), np.ones(2))
    >>> float(record["reference_mjd"]), record["time"].tolist()
    (50001.0, [-1.0, 1.0])
    """
    mjd = np.asarray(mjd, np.float64)
    if reference_mjd is None:
        days = mjd if len(mjd) or fluxes is None else fluxes.mjd
        reference_mjd = 0.5 * (days[0] + days[-1]) if len(days) else 0.0
    further = {} if fluxes is None else _flux_arrays(fluxes, reference_mjd)
    return (LIGHT_CURVES if fluxes is None else WITH_FLUXES).encode(
        object_id,
        band=band,
        label=int(label),
        reference_mjd=reference_mjd,
        time=(mjd - reference_mjd).astype(np.float32),
        magnitude=magnitude,
        magnitude_error=magnitude_error,
        metadata=metadata,
        **further,
    )


def _flux_arrays(fluxes: FluxSeries, reference_mjd: float) -> dict[str, np.ndarray]:
    measured = lambda values: np.where(fluxes.measured, values, np.nan)
    return {
        "flux_time": (fluxes.mjd - reference_mjd).astype(np.float32),
        "flux": measured(fluxes.flux),
        "flux_error": measured(fluxes.flux_error),
        "flux_limit": np.where(fluxes.measured, 0.0, fluxes.limit),
    }


def index_as_fluxes(index: ShardIndex, has_fluxes: bool) -> ShardIndex:
    """The index of a dataset, with fluxes or without, as one of `AS_FLUXES`."""
    if has_fluxes:
        return replace(index, length=index["flux_length"])
    read = {f"{name}_at": index[f"{other}_at"] for name, other in AS_FLUXES.stands_in.items()}
    return replace(index, columns=index.columns | read | {"flux_length": index.length})


def flux_series(features: Mapping[str, Any], brightness: DatasetBrightness) -> FluxSeries:
    """The fluxes of a record of a dataset with this brightness, as `tfrecord.parse_example` reads it."""
    series = {name: np.frombuffer(features[name], "<f4") for name in FLUX_ARRAYS}
    mjd = series["flux_time"].astype(np.float64) + np.frombuffer(features["reference_mjd"], "<f8").item()
    return FluxSeries(
        mjd, *(series[name] for name in FLUX_ARRAYS[1:]), brightness.kind, brightness.zero_point, brightness.unit
    )


def write_shards(
    folder: Path | str, dataset: str, split: str, records: Iterable[Mapping[str, Any]], shards: int = 1
) -> list[Path]:
    """Writes records (as `encode_light_curve` makes them) to shards; see `shards.writing`, whose `write_manifest` comes next."""
    return writing.write_shards(folder, dataset, split, records, LIGHT_CURVES, shards)
