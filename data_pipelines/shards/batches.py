"""Rows put together to batches: the series that were read, and what the index knows of their records.

A batch of B rows of any kind holds

| entry | of |
| --- | --- |
| `<series>` (B, L) or (B, ...) float32, zero in the padding | every series |
| `mask` (B, L) bool, `length` (B,) int32 | the first series, where it is ragged |
| `<group>_mask` (B, W) bool, `<group>_length` (B,) int32 | further ragged series; the group is the feature of their length without `_length` |
| `<group>_mask` (B,) bool | further arrays: whether the record has it; the group is the first of them |
| `<name>` (B,) | `exact` float64 and `integers` int64, for the host, `floats` float32 |
| `<name>` (B, K) float32, NaN where unknown | `targets` |
| `metadata` (B, F) float32, NaN where missing | layouts that have metadata |
| `label` (B,) int32, `weight` (B,) float32, `record` (B,) int64, `object_id`, `band` (B,) str | all |

Rows that only fill up a batch have weight 0, record and label -1, no text, NaN targets and metadata, and zeros. The weight is 1
where a record has any values in its series; kinds without series have weight 1.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from data_pipelines.shards.groups import WholeGroup
from data_pipelines.shards.index import ShardIndex
from data_pipelines.shards.layout import RecordLayout
from data_pipelines.shards.rows import Stream

Batch = dict[str, np.ndarray]


class Assembler:
    """Makes the batches of one source."""

    def __init__(
        self,
        layout: RecordLayout,
        index: ShardIndex,
        labels: np.ndarray,
        shape: tuple[int, ...] | None,
        whole: Sequence[WholeGroup],
        fill_values: Mapping[str, float],
    ) -> None:
        """Sets up what all batches share.

        Args:
          labels: (R,) int32, class of every record. shape: of the first series, None where it is ragged or there is none.
          fill_values: entry -> its value in rows that only fill up, where it is not the usual one.
        """
        self.layout, self.index, self.labels, self.shape, self.whole = layout, index, labels, shape, tuple(whole)
        self.object_ids = index.object_ids()
        self.bands = index.band_names.astype(object)[index.band]
        missing = dict.fromkeys((*layout.targets, *(["metadata"] if layout.metadata else [])), np.nan)
        zero = dict.fromkeys((*layout.series, *layout.exact, *layout.floats, *layout.integers), 0)
        self._fill: dict[str, Any] = {"label": -1, "object_id": "", "band": ""} | zero | missing | dict(fill_values)

    def __call__(self, streams: Sequence[Stream], picked: Sequence[np.ndarray], length: int) -> Batch:
        """A batch of the picked rows of every stream, stream after stream; `length`: that the first series is padded to."""
        count = sum(map(len, picked))
        series = self._empty(count, length)
        size, record = np.zeros(count, np.int64), np.full(count, -1)
        at = 0
        for stream, rows in zip(streams, picked, strict=True):
            stream.copy(np.sort(rows), at, list(series.values()), size, record)
            at += len(rows)
        there = size > 0
        for whole in self.whole:
            there |= (record >= 0) & (whole.counts[record] > 0)
        batch: Batch = series | {"weight": there.astype(np.float32), "label": self.labels[record], "record": record}
        batch |= {"object_id": self.object_ids[record], "band": self.bands[record]} | self._scalars(record)
        fill = record < 0
        if fill.any():
            for name, value in self._fill.items():
                batch[name][fill] = value
        return self._shaped(batch) | self._padding(record, size, length)

    def _empty(self, count: int, length: int) -> Batch:
        """Series in the order in which readers give them."""
        widths = [length, *(whole.width for whole in self.whole)]
        groups = zip(self.layout.groups, widths, strict=False)
        return {name: np.empty((count, width), np.float32) for group, width in groups for name in group.series}

    def _scalars(self, record: np.ndarray) -> Batch:
        layout, index = self.layout, self.index
        entries = {name: index[name][record] for name in (*layout.exact, *layout.integers)}
        entries |= {name: index[name][record].astype(np.float32) for name in layout.floats}
        for name, size in layout.targets.items():
            known = index.columns.get(name)
            entries[name] = np.full((len(record), size), np.nan, np.float32) if known is None else known[record]
        return entries | ({"metadata": index.metadata[record]} if layout.metadata else {})

    def _shaped(self, batch: Batch) -> Batch:
        """Arrays in their shapes."""
        first = [] if self.layout.first is None or self.shape is None else [(self.layout.first, self.shape)]
        for group, shape in [*first, *((w.group, w.shape) for w in self.whole if not w.group.ragged)]:
            batch |= {name: batch[name].reshape(-1, *shape) for name in group.series}
        return batch

    def _padding(self, record: np.ndarray, size: np.ndarray, length: int) -> Batch:
        entries: Batch = {}
        if self.layout.first is not None and self.layout.first.ragged:
            entries = {"mask": np.arange(length) < size[:, None], "length": size.astype(np.int32)}
        for whole in self.whole:
            entries |= whole.entries(record)
        return entries
