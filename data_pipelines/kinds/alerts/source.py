"""Batches of stamps and alert metadata from prepared shards."""

import itertools
from collections.abc import Mapping
from typing import ClassVar

import numpy as np

from data_pipelines.kinds.alerts.records import STAMPS
from data_pipelines.shards.batches import Batch
from data_pipelines.shards.source import ShardSource
from data_pipelines.shards.tfrecord import parse_example, read_records

CHUNK = 128
"""Alerts read, and shuffled, together: 6 MB of ZTF stamps. Records lie in the shards in random order already."""


class StampSource(ShardSource):
    """Training and evaluation batches of stamps.

    A batch holds `stamps` (B, H, W, C) float32, native units, missing pixels NaN; `metadata` (B, F) float32 in the order of
    `metadata_names`, missing values NaN; `ra`, `dec` (B,) float32 degrees; `pixel_scale` (B,) float32 arcsec; `label` (B,)
    int32; `weight` (B,) float32; and, for the host, `object_id`, `band` (B,) str, `alert_id`, `record` (B,) int64, `mjd` (B,)
    float64.
    """

    layout = STAMPS
    unit = "alerts with stamps"
    chunk = CHUNK
    one_shape_advice = "prepare the data with one --alerts.size"
    fill_values: ClassVar[Mapping[str, float]] = {"pixel_scale": 1.0}

    @property
    def surveys(self) -> tuple[str, ...]:
        """Surveys of the alerts; a dataset is of one, which its first record says. Stamps without a packet have none."""
        found = {}
        for manifest in self.manifests:
            for shard in manifest.split(self.split)[:1]:
                for record in itertools.islice(read_records(shard.path), 1):
                    found[bytes(parse_example(record.payload)["survey"]).decode()] = None
        return tuple(name for name in found if name)

    def finished(self, batch: Batch) -> Batch:
        """Positions as networks take them: no network needs milliarcseconds."""
        return batch | {name: batch[name].astype(np.float32) for name in ("ra", "dec")}
