"""Batches of light-curve windows from prepared shards; how rows are ordered and read is `shards.source`'s."""

from data_pipelines.kinds.light_curves.records import LIGHT_CURVES
from data_pipelines.shards.source import ShardSource
from data_pipelines.shards.streams import CHUNK


class LightCurveSource(ShardSource):
    """Training and evaluation batches of light-curve windows.

    A batch holds `time`, `magnitude`, `magnitude_error` (B, L) float32, zero in the padding; `mask` (B, L) bool; `length`,
    `label` (B,) int32; `weight` (B,) float32; and, for the host, `object_id`, `band` (B,) str, `reference_mjd` (B,)
    float64, `record` (B,) int64.
    """

    layout = LIGHT_CURVES
    unit = "light curves"
    chunk = CHUNK
