"""`truth.parquet` of a simulated dataset: what every light curve really is, a row each."""

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from data_pipelines.simulate.survey import CLASS_NAMES
from data_pipelines.sources.light_curve import RawLightCurve
from lcjax.errors import DataError

TRUTH = "truth.parquet"


class TruthTable:
    """Collects truth while light curves go by."""

    def __init__(self) -> None:
        """Empty."""
        self._rows: dict[tuple[str, str], dict[str, object]] = {}

    def watch(self, curves: Iterable[RawLightCurve]) -> Iterable[RawLightCurve]:
        """The same curves, noted once each, however often they go by."""
        for curve in curves:
            self._rows[curve.object_id, curve.band] = truth_of(curve)
            yield curve

    def write(self, folder: Path) -> None:
        """Into the folder of a dataset."""
        pq.write_table(pa.Table.from_pylist(list(self._rows.values())), folder / TRUTH)


def truth_of(curve: RawLightCurve) -> dict[str, object]:
    """Of one simulated light curve: ids, the true class by name, and the numbers of its metadata (see `METADATA_NAMES`)."""
    numbers = {name: value for name, value in curve.metadata.items() if name != "true_class"}
    true_class = CLASS_NAMES[int(curve.metadata["true_class"])]
    return {"object_id": curve.object_id, "band": curve.band, "label": curve.label, "class": true_class, **numbers}


def read_truth(folder: Path | str) -> dict[str, np.ndarray]:
    """Columns of the `truth.parquet` in a dataset's folder, (R,) each.

    Raises:
      DataError: there is none, or it is damaged.
    """
    path = Path(folder) / TRUTH
    if not path.is_file():
        raise DataError(
            f"'{folder}' holds no {TRUTH}: it is no simulated dataset, or was prepared by an older version; prepare it again"
        )
    try:
        return {name: column.to_numpy() for name, column in zip(*_columns(path), strict=True)}
    except (pa.ArrowInvalid, OSError) as error:
        raise DataError(f"'{path}' is damaged ({error}): prepare the dataset again") from error


def _columns(path: Path) -> tuple[list[str], list[pa.ChunkedArray]]:
    table = pq.read_table(path)
    return table.column_names, table.columns
