"""Clean light curves from whatever a user points at: survey files, tables, prepared shards. No TensorFlow."""

import itertools
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np

from data_pipelines.kinds.light_curves.cleaning import (
    CleaningReport,
    CleaningSettings,
    CleanLightCurve,
    Rejection,
    clean,
)
from data_pipelines.kinds.light_curves.columns import ColumnNames
from data_pipelines.shards.manifest import Manifest, find_datasets, read_manifest
from data_pipelines.shards.records import holds_shards, shard_records
from data_pipelines.sources import read_light_curves
from lcjax.errors import DataError


def read_stars(
    inputs: Sequence[Path],
    columns: ColumnNames,
    cleaning: CleaningSettings,
    report: CleaningReport,
    on_columns: Callable[[dict[str, str]], None] | None = None,
    on_bad_file: Callable[[Path, str], None] | None = None,
) -> Iterator[CleanLightCurve | Rejection]:
    """Light curves in input order, cleaned or set aside; shards are read as they are, train, validation, test.

    Args:
      report: counts what cleaning does. on_columns, on_bad_file: as in `read_light_curves`.

    Raises:
      DataError: an input is missing, damaged beyond use, or lacks a column.
    """
    for path in inputs:
        if not path.exists():
            raise DataError(f"there is no file or folder '{path}'")
    for shards, group in itertools.groupby(inputs, holds_shards):
        if shards:
            for folder in find_datasets(list(group)):
                yield from _shards(read_manifest(folder), report)
            continue
        # Together, so that one unreadable file among several is set aside and the rest goes on.
        for raw in read_light_curves(list(group), columns, on_columns=on_columns, on_bad_file=on_bad_file):
            yield clean(raw, cleaning, report)


def _shards(manifest: Manifest, report: CleaningReport) -> Iterator[CleanLightCurve]:
    for curve in shard_records(manifest, lambda features: _light_curve(features, manifest.class_names)):
        report.points_read += len(curve.mjd)
        report.points_kept += len(curve.mjd)
        report.curves_kept += 1
        yield curve


def _light_curve(features: dict, class_names: tuple[str, ...]) -> CleanLightCurve:
    series = {name: np.frombuffer(features[name], "<f4") for name in ("time", "magnitude", "magnitude_error")}
    reference = np.frombuffer(features["reference_mjd"], "<f8").item()
    label = int(features["label"])
    return CleanLightCurve(
        bytes(features["object_id"]).decode(),
        bytes(features["band"]).decode(),
        series["time"].astype(np.float64) + reference,
        series["magnitude"],
        series["magnitude_error"],
        class_names[label] if 0 <= label < len(class_names) else None,
        {},
    )
