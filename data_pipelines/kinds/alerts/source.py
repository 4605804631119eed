"""Batches of stamps and alert metadata from prepared shards, in plain order or with classes balanced.

Two ways of balancing. `published`: every class is replicated to the count of the largest (whole copies, then a part), as in
the stamp classifier's own training (specification A4), so that a round shows each alert of the largest class once. `weighted`:
each round draws as many alerts as there are, every class with the same expected number; alerts of large classes are left out
in some rounds. Both take labelled alerts only and are functions of (data, seed, epoch) alone.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np

from data_pipelines.kinds.alerts.records import StampIndex
from data_pipelines.shards.source import ShardSource
from lcjax.errors import DataError

Balance = Literal["published", "weighted"]
CHUNK = 128
"""Alerts read, and shuffled, together: 6 MB of ZTF stamps. Records lie in the shards in random order already."""


@dataclass(frozen=True)
class WholeStamps:
    """The window settings of data that are never cut."""

    length: int
    mode: str = "random"
    evaluation_mode: str = "sequential"
    buckets: tuple[int, ...] = ()


class StampSource(ShardSource):
    """Training and evaluation batches of stamps.

    A batch holds `stamps` (B, H, W, C) float32, native units, missing pixels NaN; `metadata` (B, F) float32 in the order of
    `metadata_names`, missing values NaN; `ra`, `dec` (B,) float32 degrees; `pixel_scale` (B,) float32 arcsec; `label` (B,)
    int32; `weight` (B,) float32; and, for the host, `object_id`, `band` (B,) str, `alert_id`, `record` (B,) int64, `mjd` (B,)
    float64.
    """

    kind = StampIndex
    unit = "alerts with stamps"
    chunk = CHUNK
    fill_values: ClassVar[dict[str, Any]] = {
        "metadata": np.nan,
        "ra": 0.0,
        "dec": 0.0,
        "mjd": 0.0,
        "alert_id": 0,
    }

    def __init__(
        self,
        paths: Sequence[Path | str] | Path | str,
        split: str,
        batch_size: int,
        seed: int = 0,
        process_index: int = 0,
        process_count: int = 1,
        balance: Balance | None = None,
        reader: str = "auto",
        on_corrupt: str = "raise",
        class_names: Sequence[str] | None = None,
        metadata_names: Sequence[str] | None = None,
    ) -> None:
        """Opens the data.

        Args:
          paths, split, batch_size, seed, reader, on_corrupt, class_names: as in `ShardSource`.
          balance: of classes in training; None: every alert once a round. metadata_names: columns wanted; None: all.

        Raises:
          DataError: no data, stamps of several shapes, a column no dataset has, or nothing labelled to balance.
        """
        if balance not in (None, "published", "weighted"):
            raise DataError(f"there is no balance '{balance}': use published or weighted")
        self.balance = balance
        self._wanted = None if metadata_names is None else tuple(metadata_names)
        # The window is known once the index is; the base class asks for it after that.
        super().__init__(
            paths,
            split,
            batch_size,
            WholeStamps(1),
            seed,
            process_index,
            process_count,
            reader,
            on_corrupt,
            class_names,
        )

    @property
    def metadata_names(self) -> tuple[str, ...]:
        """Columns of `metadata`."""
        return tuple(self.index.metadata_names.tolist())

    def _indexes(self) -> list[StampIndex]:
        indexes = super()._indexes()
        union = tuple(dict.fromkeys(name for index in indexes for name in index.metadata_names.tolist()))
        if lacking := [name for name in self._wanted or () if name not in union]:
            raise DataError(
                f"no alert of {', '.join(str(m.folder) for m in self.manifests)} has the metadata '{lacking[0]}': choose other "
                "columns or other data"
            )
        indexes = [index.with_metadata(union if self._wanted is None else self._wanted) for index in indexes]
        self.shape = self._one_shape(indexes)
        self.window = WholeStamps(int(np.prod(self.shape)))
        return indexes

    def _one_shape(self, indexes: Sequence[StampIndex]) -> tuple[int, int, int]:
        sizes = [np.stack([i.height, i.width, i.channels], axis=1) for i in indexes if len(i)]
        shapes = np.unique(np.concatenate(sizes), axis=0) if sizes else np.ones((1, 3), np.int64)
        if len(shapes) > 1:
            found = ", ".join("x".join(map(str, shape)) for shape in shapes[:4].tolist())
            raise DataError(
                f"split '{self.split}' has stamps of several shapes ({found}): prepare the data with one --alerts.size"
            )
        height, width, channels = shapes[0].tolist()
        return height, width, channels

    def class_counts(self) -> np.ndarray:
        """Alerts of each class of `class_names` in this split, (K,) int64."""
        return np.bincount(self.labels[self.labels >= 0], minlength=len(self.class_names))

    def _repeats(self) -> np.ndarray | None:
        if self.balance is None:
            return None
        counts = self.class_counts()
        if not counts.any():
            raise DataError(f"split '{self.split}' has no labelled alerts to balance: give labels, or no --balance")
        if self.balance == "weighted":
            share = np.where(counts > 0, counts.sum() / (np.count_nonzero(counts) * np.maximum(counts, 1)), 0.0)
            return np.where(self.labels >= 0, share[self.labels], 0.0)
        return published_replication(self.labels, len(self.class_names)).astype(np.float64)

    def _settings(self) -> list[Any]:
        return [self.batch_size, self.seed, self.split, self.balance, list(self.metadata_names), list(self.class_names)]

    def _own_entries(self, record: np.ndarray, size: np.ndarray, length: int) -> dict[str, np.ndarray]:
        index = self.index
        scale = np.where(record >= 0, index.pixel_scale[record], 1.0).astype(np.float32)
        return {
            "metadata": index.metadata[record],
            "ra": index.ra[record].astype(np.float32),
            "dec": index.dec[record].astype(np.float32),
            "pixel_scale": scale,
            "alert_id": index.alert_id[record],
            "mjd": index.mjd[record],
        }

    def _shaped(self, batch: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        return batch | {"stamps": batch["stamps"].reshape(-1, *self.shape)}


def published_replication(labels: np.ndarray, classes: int) -> np.ndarray:
    """How often each row is used so that every class reaches the count of the largest: whole copies of its rows, and one more
    of its first ones; unlabelled rows 0 times.

    >>> published_replication(np.array([0, 0, 0, 1, 1, -1]), 2).tolist()
    [1, 1, 1, 2, 1, 0]
    """
    repeats = np.zeros(len(labels), np.int64)
    most = np.bincount(labels[labels >= 0], minlength=classes).max(initial=0)
    for number in range(classes):
        rows = np.flatnonzero(labels == number)
        if len(rows):
            whole, part = divmod(int(most), len(rows))
            repeats[rows] = whole
            repeats[rows[:part]] += 1
    return repeats
