"""Batches of stamps and alert metadata from prepared shards."""

import hashlib
import itertools
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from data_pipelines.kinds.alerts.label_tables import OwnLabels, relabelled_records
from data_pipelines.kinds.alerts.records import STAMPS
from data_pipelines.shards.batches import Batch
from data_pipelines.shards.source import ShardSource
from data_pipelines.shards.tfrecord import parse_example, read_records
from lcjax.errors import DataError

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

    def __init__(self, *args: Any, labels: Path | None = None, **settings: Any) -> None:
        """As `ShardSource`.

        Args:
          labels: table of labels by alert or object (see `OwnLabels`), which win over those of the data; classes that the data
            does not have are added behind its own.

        Raises:
          DataError: as `ShardSource`; or the table cannot be read, or names no alert of any split.
        """
        self._own = OwnLabels(labels) if labels else None
        self._own_digest = hashlib.sha256(labels.read_bytes()).hexdigest()[:16] if labels else ""
        super().__init__(*args, **settings)

    def find_labels(self) -> np.ndarray:
        """The data's, and those of the table."""
        labels = super().find_labels()
        if self._own is None:
            return labels
        ids = zip(self.index.object_ids().tolist(), self.index["alert_id"].tolist(), strict=True)
        labels, self.class_names = relabelled_records(self._own, ids, labels, self.class_names)
        if self.split == "train" and not self._own.use().used:
            raise DataError(
                "the table of --labels names no alert of the training split: give labels of alerts in this data"
            )
        return labels

    def remarks(self) -> list[str]:
        """What the table was good for."""
        if self._own is None:
            return []
        return [*super().remarks(), f"--labels, in the split '{self.split}': {self._own.use()}"]

    def _settings(self) -> list[Any]:
        return super()._settings() + ([{"labels": self._own_digest}] if self._own is not None else [])

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
