"""Batches of light-curve windows from prepared shards; how rows are ordered and read is `shard_source`'s."""

from typing import Any, ClassVar

import numpy as np

from data_pipelines.shards.index import RecordIndex
from data_pipelines.shards.source import ShardSource


class LightCurveSource(ShardSource):
    """Training and evaluation batches of light-curve windows.

    A batch holds `time`, `magnitude`, `magnitude_error` (B, L) float32, zero in the padding; `mask` (B, L) bool; `length`,
    `label` (B,) int32; `weight` (B,) float32; and, for the host, `object_id`, `band` (B,) str, `reference_mjd` (B,)
    float64, `record` (B,) int64.
    """

    kind = RecordIndex
    unit = "light curves"
    fill_values: ClassVar[dict[str, Any]] = {"reference_mjd": 0.0}

    def _own_entries(self, record: np.ndarray, size: np.ndarray, length: int) -> dict[str, np.ndarray]:
        return {
            "mask": np.arange(length) < size[:, None],
            "length": size.astype(np.int32),
            "reference_mjd": self.index.reference_mjd[record],
        }
